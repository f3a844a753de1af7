#include "admin/params.h"

#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_replace.h>

#include <utility>

#include "base/strings.h"

namespace leat::admin {
namespace {
constexpr std::string_view kCoded = "_base64";
}  // namespace

Response FailureResponse(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return ErrorResponse(404, "not_found", Message(status));
    case absl::StatusCode::kInvalidArgument:
      return ErrorResponse(400, "bad_request", Message(status));
    case absl::StatusCode::kOutOfRange:
      return ErrorResponse(410, "gone", Message(status));
    default:
      return ErrorResponse(503, "unavailable", Message(status));
  }
}

absl::Status CheckParams(const Request& request, std::string_view what, const std::set<std::string_view>& known) {
  for (const auto& [name, value] : request.query) {
    std::string_view plain = name;
    if (plain.ends_with(kCoded)) plain.remove_suffix(kCoded.size());
    if (known.contains(plain)) continue;
    std::string list;
    for (const std::string_view one : known) StrAppend(&list, list.empty() ? "" : ", ", one);
    return InvalidArgument("'", name, "' is no parameter of ", what, ": expected some of ", list);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> BytesParam(const Request& request, const std::string& name) {
  const auto text = request.query.find(name);
  const auto coded = request.query.find(StrCat(name, kCoded));
  if (text != request.query.end() && coded != request.query.end()) {
    return InvalidArgument("expected ", name, " or ", name, kCoded, ", got both");
  }
  if (text != request.query.end()) return std::optional(text->second);
  if (coded == request.query.end()) return std::optional<std::string>();
  std::string bytes;
  // Of a '+' that was not percent-encoded a query makes a space, which base64 has not, and which the decoder passes
  // over.
  const std::string code = absl::StrReplaceAll(coded->second, {{" ", "+"}});
  if (absl::Base64Unescape(code, &bytes) || absl::WebSafeBase64Unescape(code, &bytes)) {
    return std::optional(std::move(bytes));
  }
  return InvalidArgument(name, kCoded, ": expected base64, got '", coded->second, "'");
}

absl::StatusOr<std::optional<int32_t>> NumberParam(const Request& request, const std::string& name, int32_t least,
                                                   int32_t most) {
  const auto found = request.query.find(name);
  if (found == request.query.end()) return std::optional<int32_t>();
  int32_t number = 0;
  if (absl::SimpleAtoi(found->second, &number) && number >= least && number <= most) return std::optional(number);
  return InvalidArgument(name, ": expected a number from ", least, " to ", most, ", got '", found->second, "'");
}

}  // namespace leat::admin
