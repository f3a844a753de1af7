// Which handler answers which request. Filled before the server listens, then only read. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "admin/http.h"

namespace leat::admin {

// Runs on the server's shard and must not block it; it may move the responder elsewhere and answer later.
using Handler = std::function<void(Request request, Responder respond)>;

class Router {
 public:
  // "/v1/topics/{topic}": a part in braces takes one path segment, whatever it is but empty. A pattern with fixed text
  // where another has braces wins. REQUIRES: the pattern begins with '/' and no other has its method and shape.
  void Route(Method method, std::string_view pattern, Handler handler);

  struct Match {
    const Handler* handler;
    Request request;  // with path, params and query; the body is still to come
  };
  // The handler for this request line, or why there is none: 400 (malformed target), 404 (no such path), 405 (no such
  // method on it, with Allow). `method` is empty for one that HTTP does not know.
  std::variant<Match, Response> Find(std::optional<Method> method, std::string_view target) const;

 private:
  struct Entry {
    Method method;
    std::vector<std::string> segments;  // "{topic}" stays in braces
    Handler handler;
  };
  std::vector<Entry> entries_;
};

// "%2F" -> "/"; nothing if a % is not followed by two hex digits. Plus signs stay.
std::optional<std::string> PercentDecode(std::string_view text);

}  // namespace leat::admin
