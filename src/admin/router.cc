#include "admin/router.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/strings.h"

namespace leat::admin {
namespace {

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool IsParam(std::string_view segment) { return segment.size() > 2 && segment.front() == '{' && segment.back() == '}'; }

// Fixed segments come before parameters, the first difference from the left decides.
bool MoreSpecific(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (IsParam(a[i]) != IsParam(b[i])) return !IsParam(a[i]);
  }
  return false;
}

bool SameShape(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const std::string& x, const std::string& y) { return x == y || (IsParam(x) && IsParam(y)); });
}

bool Fits(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  return std::equal(pattern.begin(), pattern.end(), path.begin(), path.end(),
                    [](const std::string& p, const std::string& s) { return IsParam(p) ? !s.empty() : p == s; });
}

std::optional<std::map<std::string, std::string>> ParseQuery(std::string_view text) {
  std::map<std::string, std::string> query;
  if (text.empty()) return query;
  for (const std::string_view part : Split(text, '&')) {
    std::string spaced(part);
    std::replace(spaced.begin(), spaced.end(), '+', ' ');
    const size_t equals = spaced.find('=');
    const std::string_view value = equals == std::string::npos ? "" : std::string_view(spaced).substr(equals + 1);
    std::optional<std::string> name = PercentDecode(std::string_view(spaced).substr(0, equals));
    std::optional<std::string> decoded = PercentDecode(value);
    if (!name || !decoded) return std::nullopt;
    if (!name->empty()) query[*std::move(name)] = *std::move(decoded);
  }
  return query;
}

Response BadTarget(std::string_view target) {
  return ErrorResponse(400, "bad_request",
                       StrCat("expected a path that begins with / and has two hex digits after each %, got ", target));
}

}  // namespace

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    unsigned char byte = 0;
    const char* const end = text.data() + i + 3;
    const auto [stopped, error] = std::from_chars(text.data() + i + 1, end, byte, 16);
    if (error != std::errc() || stopped != end) return std::nullopt;
    decoded += static_cast<char>(byte);
    i += 2;
  }
  return decoded;
}

void Router::Route(Method method, std::string_view pattern, Handler handler) {
  LEAT_CHECK(pattern.starts_with('/')) << "route " << pattern;
  Entry entry{.method = method, .handler = std::move(handler)};
  for (const std::string_view segment : Split(pattern.substr(1), '/')) entry.segments.emplace_back(segment);
  for (const Entry& other : entries_) {
    LEAT_CHECK(other.method != method || !SameShape(other.segments, entry.segments))
        << "two routes for " << MethodName(method) << " " << pattern;
  }
  const auto place = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& other) { return MoreSpecific(entry.segments, other.segments); });
  entries_.insert(place, std::move(entry));
}

std::variant<Router::Match, Response> Router::Find(std::optional<Method> method, std::string_view target) const {
  const size_t question = target.find('?');
  const std::string_view path = target.substr(0, question);
  if (!path.starts_with('/')) return BadTarget(target);
  std::vector<std::string> segments;
  for (const std::string_view segment : Split(path.substr(1), '/')) {
    std::optional<std::string> decoded = PercentDecode(segment);
    if (!decoded) return BadTarget(target);
    segments.push_back(*std::move(decoded));
  }
  std::optional<std::map<std::string, std::string>> query =
      ParseQuery(question == std::string_view::npos ? "" : target.substr(question + 1));
  if (!query) return BadTarget(target);

  std::set<std::string_view> allowed;
  for (const Entry& entry : entries_) {
    if (!Fits(entry.segments, segments)) continue;
    if (entry.method == method) {
      Match match{.handler = &entry.handler,
                  .request = {.method = entry.method, .path = std::string(path), .query = *std::move(query)}};
      for (size_t i = 0; i < segments.size(); ++i) {
        const std::string_view name = entry.segments[i];
        if (IsParam(name)) match.request.params[std::string(name.substr(1, name.size() - 2))] = segments[i];
      }
      return match;
    }
    allowed.insert(MethodName(entry.method));
    if (entry.method == Method::kGet) allowed.insert("HEAD");
  }
  if (allowed.empty()) return ErrorResponse(404, "not_found", StrCat("there is nothing at ", path));
  std::string allow;
  for (const std::string_view name : allowed) StrAppend(&allow, allow.empty() ? "" : ", ", name);
  Response response = ErrorResponse(405, "method_not_allowed", StrCat("expected one of ", allow, " on ", path));
  response.headers["Allow"] = allow;
  return response;
}

}  // namespace leat::admin
