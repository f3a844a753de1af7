// A request and its answer, without the HTTP library.
#pragma once

#include <absl/functional/any_invocable.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace leat::admin {

enum class Method { kGet, kPost, kPut, kDelete };  // HEAD is served as kGet, its body is left out
std::string_view MethodName(Method method);

struct Request {
  Method method = Method::kGet;
  std::string path;                           // as sent, without the query
  std::map<std::string, std::string> params;  // of the pattern, decoded: {topic} -> "orders"
  std::map<std::string, std::string> query;   // decoded; of a repeated name the last one
  std::string body;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::map<std::string, std::string> headers;  // further ones
};

// {"error":{"code":"not_found","message":"..."}}. The code is for programs, the message says what to do.
Response ErrorResponse(int status, std::string_view code, std::string_view message);

// The one chance to answer a request. Any thread, at any later time; move-only. Destroyed unused it answers 500, so a
// handler cannot forget its client.
class Responder {
 public:
  explicit Responder(absl::AnyInvocable<void(Response)> send) : send_(std::move(send)) {}
  Responder(Responder&& other) noexcept : send_(std::exchange(other.send_, nullptr)) {}
  Responder& operator=(Responder&&) = delete;
  ~Responder();
  void operator()(Response response) { std::exchange(send_, nullptr)(std::move(response)); }  // once

 private:
  absl::AnyInvocable<void(Response)> send_;
};

}  // namespace leat::admin
