#include "tools/leat/http_get.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <string_view>

#include "base/status.h"

namespace leat::tool {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr size_t kMaxAnswerBytes = 1 << 20;
constexpr uint32_t kMaxHeaderBytes = 64 << 10;
constexpr size_t kShownBytes = 40;
constexpr absl::Duration kLongestTimeout = absl::Hours(24);

// One connection, one question, one answer; Run ends when there is one, or an error.
class Exchange {
 public:
  Exchange(const std::string& address, const std::string& path) : request_(http::verb::get, path, 11) {
    request_.set(http::field::host, address);
    request_.keep_alive(false);
    parser_.body_limit(kMaxAnswerBytes);
    parser_.header_limit(kMaxHeaderBytes);
  }

  absl::StatusOr<HttpAnswer> Run(const std::string& host, const std::string& port, absl::Duration timeout) {
    asio::ip::tcp::resolver resolver(context_);
    const auto found = resolver.resolve(host, port, error_);
    if (error_) return Unavailable(error_.message());
    stream_.expires_after(absl::ToChronoNanoseconds(std::min(timeout, kLongestTimeout)));
    stream_.async_connect(found, [this](beast::error_code error, const auto&) {
      if (!Failed(error)) Write();
    });
    context_.run();
    if (error_) return Problem();
    return HttpAnswer{.status = parser_.get().result_int(), .body = std::move(parser_.get().body())};
  }

 private:
  bool Failed(beast::error_code error) {
    error_ = error;
    return static_cast<bool>(error);
  }
  void Write() {
    http::async_write(stream_, request_, [this](beast::error_code error, size_t) {
      if (!Failed(error)) Read();
    });
  }
  void Read() {
    http::async_read(stream_, buffer_, parser_, [this](beast::error_code error, size_t) { Failed(error); });
  }

  absl::Status Problem() const {
    if (error_ == beast::error::timeout) return DeadlineExceeded("no answer in time");
    if (error_ == http::error::body_limit || error_ == http::error::header_limit ||
        error_ == http::error::buffer_overflow) {
      return Internal("the answer is larger than ", kMaxAnswerBytes, " bytes");
    }
    if (error_ == http::error::partial_message && parser_.is_header_done()) {
      return Unavailable("the connection ended within the answer");
    }
    if (error_.category() != make_error_code(http::error::end_of_stream).category()) {
      return Unavailable(error_.message());
    }
    const std::string_view got(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    return Internal("expected an answer in HTTP, got '", got.substr(0, kShownBytes), "'; is this the admin listener?");
  }

  asio::io_context context_;
  beast::tcp_stream stream_{context_};
  http::request<http::empty_body> request_;
  http::response_parser<http::string_body> parser_;
  beast::flat_buffer buffer_{kMaxAnswerBytes};
  beast::error_code error_;
};

}  // namespace

absl::StatusOr<HttpAnswer> HttpGet(const std::string& address, const std::string& path, absl::Duration timeout) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  absl::StatusOr<HttpAnswer> answer = Exchange(address, path).Run(host, address.substr(colon + 1), timeout);
  if (!answer.ok()) return Annotate(answer.status(), address);
  return answer;
}

}  // namespace leat::tool
