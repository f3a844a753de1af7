// What the handlers of the group APIs share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/error_code.h"

namespace leat::kafka {

inline int16_t GroupCode(model::ErrorCode code) { return static_cast<int16_t>(code); }

// What a client is told of a commit that was not stored: the codes that clients know for offsets, of which those of the
// log are none.
inline int16_t CommitCode(model::ErrorCode code) {
  switch (code) {
    case model::ErrorCode::kKafkaStorageError:
      return GroupCode(model::ErrorCode::kCoordinatorNotAvailable);
    case model::ErrorCode::kRecordListTooLarge:
    case model::ErrorCode::kMessageTooLarge:
      return GroupCode(model::ErrorCode::kInvalidCommitOffsetSize);
    default:
      return GroupCode(code);
  }
}

inline std::optional<std::string> Owned(const std::optional<std::string_view>& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

}  // namespace leat::kafka
