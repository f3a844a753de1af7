// Errors are values. A failed operation returns absl::Status or absl::StatusOr; each layer adds its context once with
// Annotate. Messages say what was expected, what came, where, and what to do.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/strings.h"

namespace leat {

#define LEAT_STATUS_FACTORY(Name)              \
  template <typename... Args>                  \
  absl::Status Name(const Args&... args) {     \
    return absl::Name##Error(StrCat(args...)); \
  }
// InvalidArgument("expected ", x, ", got ", y) and so on.
LEAT_STATUS_FACTORY(InvalidArgument)
LEAT_STATUS_FACTORY(NotFound)
LEAT_STATUS_FACTORY(AlreadyExists)
LEAT_STATUS_FACTORY(FailedPrecondition)
LEAT_STATUS_FACTORY(ResourceExhausted)
LEAT_STATUS_FACTORY(OutOfRange)
LEAT_STATUS_FACTORY(DataLoss)
LEAT_STATUS_FACTORY(Unavailable)
LEAT_STATUS_FACTORY(Unimplemented)
LEAT_STATUS_FACTORY(Internal)
LEAT_STATUS_FACTORY(Aborted)
LEAT_STATUS_FACTORY(Cancelled)
LEAT_STATUS_FACTORY(DeadlineExceeded)
#undef LEAT_STATUS_FACTORY

inline std::string_view Message(const absl::Status& status) { return ToStd(status.message()); }

// The same error, payloads included, with "context: " before its message. OK stays OK.
absl::Status Annotate(const absl::Status& status, std::string_view context);

}  // namespace leat

#define LEAT_CONCAT_INNER(a, b) a##b
#define LEAT_CONCAT(a, b) LEAT_CONCAT_INNER(a, b)

#define LEAT_RETURN_IF_ERROR(expression)                                                \
  do {                                                                                  \
    if (absl::Status leat_status = (expression); !leat_status.ok()) return leat_status; \
  } while (false)

// LEAT_ASSIGN_OR_RETURN(auto value, MakeValue());
#define LEAT_ASSIGN_OR_RETURN(target, expression) \
  LEAT_ASSIGN_OR_RETURN_IMPL(LEAT_CONCAT(leat_statusor_, __LINE__), target, expression)
#define LEAT_ASSIGN_OR_RETURN_IMPL(statusor, target, expression) \
  auto statusor = (expression);                                  \
  if (!statusor.ok()) return statusor.status();                  \
  target = *std::move(statusor)
