// A request and its answer, without the HTTP library.
#pragma once

#include <absl/functional/any_invocable.h>

#include <map>
#include <memory>
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
  std::string last_event_id;  // the header of Server-Sent Events; empty: none
};

// An answer that goes on. Destroyed when the client has gone, or takes nothing for too long.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  // The next piece when there is one; an empty one is the end. One at a time, on the server's shard; `piece` on any
  // thread.
  virtual void Next(absl::AnyInvocable<void(std::string)> piece) = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body{};
  std::map<std::string, std::string> headers{};  // further ones
  std::shared_ptr<BodyStream> stream{};          // in place of `body`; the connection ends with it
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
