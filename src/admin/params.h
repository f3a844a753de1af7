// The parameters of a request, checked, and the answer to what is wrong. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "admin/http.h"
#include "base/status.h"

namespace leat::admin {

// kNotFound: 404; kInvalidArgument: 400; kOutOfRange: 410; anything else: 503.
Response FailureResponse(const absl::Status& status);

// kInvalidArgument names a parameter that `what` does not have. Each may also come as NAME_base64.
absl::Status CheckParams(const Request& request, std::string_view what, const std::set<std::string_view>& known);
// A parameter as bytes, from NAME or NAME_base64. Absent: nullopt.
absl::StatusOr<std::optional<std::string>> BytesParam(const Request& request, const std::string& name);
absl::StatusOr<std::optional<int32_t>> NumberParam(const Request& request, const std::string& name, int32_t least,
                                                   int32_t most);

}  // namespace leat::admin
