// Joins a handler to the codecs of its messages: the template behind each line of the tables of APIs.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "kafka/apis.h"
#include "wire/apis.h"
#include "wire/header.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace leat::kafka {

// The code at the top of a response, if it has one.
template <class Response>
int16_t ErrorOf(const Response& response) {
  if constexpr (requires { response.error_code; }) return response.error_code;
  return 0;
}

// The answer as bytes. A response that a handler made from a bug of ours must not break the client's framing, so length
// and header are written here, in one place.
template <class Response>
Answer EncodeAnswer(const Call& call, int32_t correlation_id, Response response) {
  Answer answer;
  answer.error = ErrorOf(response);
  wire::Writer out;
  out.BeginFrame();
  wire::EncodeResponseHeader(out, call.api_key, call.version, correlation_id);
  std::move(response).Encode(out, call.version);
  answer.chunks = out.Take();
  return answer;
}

// True for a request that wants no answer at all (Produce with acks 0).
template <class Request>
bool WantsNoAnswer(const Request& request) {
  if constexpr (requires { request.acks; }) return request.acks == 0;
  return false;
}

template <class Request, class Response>
using Handler = void (*)(Call&, const Request&, Reply<Response>);

template <class Request, class Response>
class TypedExchange final : public Exchange {
 public:
  TypedExchange(Incoming incoming, Handler<Request, Response> handler)
      : incoming_(std::move(incoming)), handler_(handler) {
    incoming_.call.frame = &incoming_.frame;
  }

  absl::Status Decode() {
    wire::Reader reader(incoming_.frame.view().substr(incoming_.body_at), incoming_.memory_budget);
    reader.AllowMoreBehind();
    return request_.Decode(reader, incoming_.call.version);
  }
  void Run() override { handler_(incoming_.call, request_, Once(this)); }
  Call& call() override { return incoming_.call; }

 private:
  // The reply as the handler holds it: who drops it has answered as well.
  class Once {
   public:
    explicit Once(TypedExchange* to) : to_(to) {}
    Once(Once&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}
    Once& operator=(Once&&) = delete;
    ~Once() {
      if (to_ != nullptr) to_->incoming_.sink->Abandon();
    }
    void operator()(Response response) {
      TypedExchange* const to = std::exchange(to_, nullptr);
      LEAT_CHECK(to != nullptr) << "a request was answered twice";
      Incoming& in = to->incoming_;
      if (WantsNoAnswer(to->request_)) {
        return in.sink->Take(
            {.chunks = {}, .error = ErrorOf(response), .close_because = std::move(in.call.close_because)});
      }
      in.sink->Take(EncodeAnswer(in.call, in.correlation_id, std::move(response)));
    }

   private:
    TypedExchange* to_;
  };

  Incoming incoming_;
  const Handler<Request, Response> handler_;
  Request request_;
};

template <class T>
struct HandlerTypes;
template <class Req, class Res>
struct HandlerTypes<void (*)(Call&, const Req&, Reply<Res>)> {
  using Request = Req;
  using Response = Res;
};

template <auto kHandler>
absl::StatusOr<std::unique_ptr<Exchange>> DecodeFor(Incoming incoming) {
  using Types = HandlerTypes<decltype(kHandler)>;
  auto exchange =
      std::make_unique<TypedExchange<typename Types::Request, typename Types::Response>>(std::move(incoming), kHandler);
  LEAT_RETURN_IF_ERROR(exchange->Decode());
  return exchange;
}

// A line of a table. REQUIRES: the codecs know these versions.
template <auto kHandler>
Api Serve(int16_t min_version, int16_t max_version) {
  using Request = typename HandlerTypes<decltype(kHandler)>::Request;
  const wire::ApiInfo* const info = wire::FindApi(Request::kApiKey);
  LEAT_CHECK(info != nullptr) << "no codec has the API key " << Request::kApiKey;
  LEAT_CHECK(info->min_version <= min_version && max_version <= info->max_version)
      << info->name << " is to be served in the versions " << min_version << " to " << max_version;
  return {.key = Request::kApiKey,
          .min_version = min_version,
          .max_version = max_version,
          .name = info->name,
          .decode = &DecodeFor<kHandler>};
}

}  // namespace leat::kafka
