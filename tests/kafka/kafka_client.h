// A blocking client of Kafka's protocol that sends exactly the bytes it is told to.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "tests/support/raw_socket.h"
#include "wire/header.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace leat::kafka {

class KafkaClient {
 public:
  explicit KafkaClient(uint16_t port, int receive_buffer_bytes = 0) : socket_(port, receive_buffer_bytes) {}

  void SetTimeout(int option, timeval limit) { socket_.SetTimeout(option, limit); }

  // How much of it the server's side took.
  size_t Send(std::string_view bytes) { return socket_.Send(bytes); }

  // One request with its length. The header is that of the request's own version.
  template <class Request>
  static std::string Frame(const Request& request, int16_t version, int32_t correlation_id,
                           std::string_view client_id = "test") {
    wire::Writer out;
    out.BeginFrame();
    wire::EncodeRequestHeader(out, {.api_key = Request::kApiKey,
                                    .api_version = version,
                                    .correlation_id = correlation_id,
                                    .client_id = client_id});
    request.Encode(out, version);
    return out.TakeString();
  }
  static std::string WithLength(std::string_view body) {
    std::string out(4, '\0');
    StoreBigEndian(out.data(), static_cast<int32_t>(body.size()));
    return out.append(body);
  }

  // The next answer without its length; nullopt when the server has closed (or hangs).
  std::optional<std::string> Receive() {
    while (rest_.size() < 4 || rest_.size() < 4 + Length()) {
      if (!More()) return std::nullopt;
    }
    std::string frame = rest_.substr(4, Length());
    rest_.erase(0, 4 + frame.size());
    return frame;
  }
  // Waits until the server closes; false if it sends something or does not close.
  bool IsClosed() { return rest_.empty() && socket_.Receive(&rest_) == test::RawSocket::Got::kEnd; }

  template <class Response>
  static Response Decode(std::string_view frame, int16_t version, int32_t correlation_id) {
    Response response;
    wire::Reader in(frame, size_t{64} << 20);
    int32_t answered = -1;
    EXPECT_TRUE(wire::DecodeResponseHeader(in, Response::kApiKey, version, &answered).ok());
    EXPECT_EQ(answered, correlation_id);
    const absl::Status status = response.Decode(in, version);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  }
  template <class Response>
  Response ReceiveAs(int16_t version, int32_t correlation_id) {
    const std::optional<std::string> frame = Receive();
    EXPECT_TRUE(frame.has_value()) << "the server closed the connection";
    if (!frame) return Response{};
    return Decode<Response>(*frame, version, correlation_id);
  }

  template <class Response, class Request>
  Response Ask(const Request& request, int16_t version) {
    const int32_t correlation_id = next_++;
    const std::string frame = Frame(request, version, correlation_id);
    EXPECT_EQ(Send(frame), frame.size());
    return ReceiveAs<Response>(version, correlation_id);
  }

 private:
  size_t Length() const { return static_cast<size_t>(LoadBigEndian<int32_t>(rest_.data())); }
  bool More() { return socket_.Receive(&rest_) == test::RawSocket::Got::kBytes; }

  test::RawSocket socket_;
  std::string rest_;
  int32_t next_ = 1000;
};

}  // namespace leat::kafka
