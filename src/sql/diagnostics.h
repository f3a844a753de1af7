// Errors that point into the script. Immutable after construction; cheap to pass by reference.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "stream/plan/expression.h"

namespace leat::sql {

using plan::Position;

class Diagnostics {
 public:
  // `script` must outlive this object.
  explicit Diagnostics(std::string_view script) : script_(script) {}

  // kInvalidArgument: "line 3, column 14: <message>", the line itself and a caret below the column.
  template <typename... Args>
  absl::Status Error(Position at, const Args&... message) const {
    return absl::InvalidArgumentError(ToAbsl(Render(at, StrCat(message...))));
  }
  // kUnimplemented: what Flink has and Leat does not have yet.
  absl::Status Unsupported(Position at, std::string_view what) const;
  // The same status code with the message of `status` shown at this position.
  absl::Status At(Position at, const absl::Status& status) const;

 private:
  std::string Render(Position at, std::string_view message) const;
  std::string_view script_;
};

}  // namespace leat::sql
