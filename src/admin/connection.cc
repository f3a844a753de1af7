#include "admin/connection.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "admin/deadline.h"
#include "base/logging.h"
#include "runtime/asio_shard.h"

namespace leat::admin {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
constexpr size_t kReadBytes = 4096;
constexpr size_t kLingerBytes = 256 << 10;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr Duration kLingerTimeout = absl::Seconds(1);

std::optional<Method> ToMethod(http::verb verb) {
  switch (verb) {
    case http::verb::get:
    case http::verb::head:
      return Method::kGet;
    case http::verb::post:
      return Method::kPost;
    case http::verb::put:
      return Method::kPut;
    case http::verb::delete_:
      return Method::kDelete;
    default:
      return std::nullopt;
  }
}

// A client with a large body may ask first whether it is welcome. The header was within its limits, so it is.
template <typename Parser>
bool WaitsForContinue(const Parser& parser) {
  return parser.is_header_done() && beast::iequals(parser.get()[http::field::expect], "100-continue");
}

template <typename HttpMessage>
void SetFields(const Response& response, HttpMessage* message) {
  message->set(http::field::server, "leat");
  message->set(http::field::content_type, response.content_type);
  message->set(http::field::cache_control, "no-store");
  message->set("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) message->set(name, value);
}

// The handler's answer on its way to the coroutine. `waiting` is the coroutine's; null when it has given up.
struct Answer {
  asio::steady_timer* waiting = nullptr;
  std::optional<Response> response;
};

}  // namespace

class Connection {
 public:
  Connection(ServerContext& context, asio::ip::tcp::socket socket)
      : context_(context), socket_(std::move(socket)), buffer_(context.options.max_header_bytes + kReadBytes) {
    context_.connections.insert(this);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { context_.connections.erase(this); }

  asio::awaitable<void> Run();
  // Says why and closes.
  asio::awaitable<void> Fail(Response response);
  void CloseIfIdle() {
    beast::error_code ignored;
    if (idle_) socket_.close(ignored);
    if (next_piece_ != nullptr) next_piece_->cancel();
  }

 private:
  enum class Next { kKeepAlive, kClose };
  struct Reply {
    unsigned version = 11;
    bool head = false;
    Next next = Next::kClose;
  };
  using Parser = http::request_parser<http::string_body>;

  asio::awaitable<bool> WaitForRequest();
  asio::awaitable<Next> ServeOne();
  asio::awaitable<beast::error_code> Read(Parser& parser);
  asio::awaitable<Response> CallHandler(Router::Match match);
  asio::awaitable<bool> Write(Response response, Reply reply);
  asio::awaitable<void> WriteStream(Response response, Reply reply);
  asio::awaitable<std::string> NextPiece(BodyStream& stream);
  asio::awaitable<void> Linger();
  void Count(int status);
  std::optional<Response> ExplainReadError(const beast::error_code& error) const;

  ServerContext& context_;
  asio::ip::tcp::socket socket_;
  beast::flat_buffer buffer_;
  bool idle_ = false;
  bool first_ = true;
  asio::steady_timer* next_piece_ = nullptr;  // a stream waits for more to send
};

asio::awaitable<void> Connection::Run() {
  while (!context_.stopping) {
    const bool begun = co_await WaitForRequest();
    if (!begun) co_return;
    const Next next = co_await ServeOne();
    if (next == Next::kClose) co_return;
  }
}

asio::awaitable<bool> Connection::WaitForRequest() {
  if (buffer_.size() > 0) co_return true;  // pipelined
  // Who connects is expected to ask; only who has asked before may pause.
  const Duration timeout = first_ ? context_.options.first_byte_timeout : context_.options.idle_timeout;
  first_ = false;
  const Deadline deadline(socket_, timeout, Deadline::Action::kClose);
  idle_ = true;
  const auto [error, n] = co_await socket_.async_read_some(buffer_.prepare(kReadBytes), kResult);
  idle_ = false;
  buffer_.commit(n);
  co_return !error;
}

// By hand, and not with Beast's async_read: between two reads of that one a cancellation would get lost.
asio::awaitable<beast::error_code> Connection::Read(Parser& parser) {
  const Deadline deadline(socket_, context_.options.request_timeout, Deadline::Action::kCancel);
  parser.eager(true);  // put() takes the body too
  bool encouraged = false;
  while (true) {
    beast::error_code error;
    if (buffer_.size() > 0) buffer_.consume(parser.put(buffer_.data(), error));
    if (error && error != http::error::need_more) co_return error;
    if (parser.is_done()) co_return beast::error_code();
    if (!encouraged && WaitsForContinue(parser)) {
      encouraged = true;
      co_await asio::async_write(socket_, asio::buffer(kContinue), kResult);  // a failure shows in the next read
    }
    if (deadline.expired()) co_return beast::error::timeout;
    const size_t room = buffer_.max_size() - buffer_.size();
    if (room == 0) co_return http::error::buffer_overflow;
    const auto [read_error, n] = co_await socket_.async_read_some(buffer_.prepare(std::min(room, kReadBytes)), kResult);
    buffer_.commit(n);
    if (read_error) co_return deadline.expired() ? beast::error_code(beast::error::timeout) : read_error;
  }
}

std::optional<Response> Connection::ExplainReadError(const beast::error_code& error) const {
  const HttpServer::Options& options = context_.options;
  if (error == beast::error::timeout) {
    return ErrorResponse(408, "request_timeout",
                         StrCat("expected the whole request within ", absl::FormatDuration(options.request_timeout)));
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return ErrorResponse(431, "header_too_large",
                         StrCat("expected a request header of at most ", options.max_header_bytes, " bytes"));
  }
  if (error == http::error::body_limit) {
    return ErrorResponse(413, "body_too_large",
                         StrCat("expected a request body of at most ", options.max_body_bytes, " bytes"));
  }
  if (error.category() == make_error_code(http::error::bad_method).category()) {
    return ErrorResponse(400, "bad_request", StrCat("this is not an HTTP/1.1 request: ", error.message()));
  }
  return std::nullopt;  // the client has gone
}

asio::awaitable<Connection::Next> Connection::ServeOne() {
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(context_.options.max_header_bytes));
  parser.body_limit(context_.options.max_body_bytes);
  const beast::error_code error = co_await Read(parser);
  if (error) {
    std::optional<Response> complaint = ExplainReadError(error);
    if (complaint) co_await Fail(*std::move(complaint));
    co_return Next::kClose;
  }
  http::request<http::string_body> message = parser.release();
  const std::string_view target(message.target().data(), message.target().size());
  std::variant<Router::Match, Response> found = context_.router.Find(ToMethod(message.method()), target);
  Response response;
  if (auto* match = std::get_if<Router::Match>(&found); match != nullptr) {
    match->request.body = std::move(message.body());
    const auto last = message["Last-Event-ID"];
    match->request.last_event_id = std::string(last.data(), last.size());
    response = co_await CallHandler(std::move(*match));
  } else {
    response = std::get<Response>(std::move(found));
  }
  Reply reply{.version = message.version(), .head = message.method() == http::verb::head};
  if (message.keep_alive() && !context_.stopping) reply.next = Next::kKeepAlive;
  if (response.stream != nullptr) {
    co_await WriteStream(std::move(response), reply);
    co_return Next::kClose;
  }
  const bool written = co_await Write(std::move(response), reply);
  co_return written ? reply.next : Next::kClose;
}

asio::awaitable<Response> Connection::CallHandler(Router::Match match) {
  asio::steady_timer waiting(socket_.get_executor());
  waiting.expires_after(absl::ToChronoNanoseconds(context_.options.handler_timeout));
  auto answer = std::make_shared<Answer>();
  answer->waiting = &waiting;
  Responder respond([answer, &shard = context_.shard](Response response) {
    // Always through the shard's queue: by the time this runs, the coroutine waits.
    shard.Post([answer, response = std::move(response)]() mutable {
      if (answer->waiting == nullptr) return;
      answer->response = std::move(response);
      answer->waiting->cancel();
    });
  });
  (*match.handler)(std::move(match.request), std::move(respond));
  co_await waiting.async_wait(kResult);
  answer->waiting = nullptr;
  if (answer->response) co_return *std::move(answer->response);
  co_return ErrorResponse(503, "handler_timeout",
                          StrCat("there was no answer within ", absl::FormatDuration(context_.options.handler_timeout),
                                 "; the broker is overloaded, try again later"));
}

void Connection::Count(int status) {
  context_.metrics
      .GetCounter("leat_http_responses_total", "Answers of the admin listener by HTTP status code.",
                  {{"code", StrCat(status)}})
      .Add(1);
}

asio::awaitable<bool> Connection::Write(Response response, Reply reply) {
  Count(response.status);
  http::response<http::string_body> message(static_cast<http::status>(response.status), reply.version);
  SetFields(response, &message);
  message.keep_alive(reply.next == Next::kKeepAlive);
  message.content_length(response.body.size());
  if (!reply.head) message.body() = std::move(response.body);
  const Deadline deadline(socket_, context_.options.write_timeout, Deadline::Action::kAbort);
  http::response_serializer<http::string_body> serializer(message);
  if (reply.head) {
    const auto [error, n] = co_await http::async_write_header(socket_, serializer, kResult);
    co_return !error;
  }
  const auto [error, n] = co_await http::async_write(socket_, serializer, kResult);
  co_return !error;
}

asio::awaitable<void> Connection::WriteStream(Response response, Reply reply) {
  Count(response.status);
  http::response<http::empty_body> head(static_cast<http::status>(response.status), reply.version);
  SetFields(response, &head);
  head.keep_alive(false);
  http::response_serializer<http::empty_body> serializer(head);
  {
    const Deadline deadline(socket_, context_.options.write_timeout, Deadline::Action::kAbort);
    const auto [error, n] = co_await http::async_write_header(socket_, serializer, kResult);
    if (error || reply.head) co_return;
  }
  while (!context_.stopping) {
    const std::string piece = co_await NextPiece(*response.stream);
    if (piece.empty()) co_return;
    const Deadline deadline(socket_, context_.options.write_timeout, Deadline::Action::kAbort);
    const auto [error, n] = co_await asio::async_write(socket_, asio::buffer(piece), kResult);
    if (deadline.expired()) {
      LogWarning("admin", "a reader of a stream has taken nothing for ",
                 absl::FormatDuration(context_.options.write_timeout), ": it is dropped; it may go on where it was");
    }
    if (error) co_return;
  }
}

// Empty: the end, also because the server stops.
asio::awaitable<std::string> Connection::NextPiece(BodyStream& stream) {
  struct Piece {
    asio::steady_timer* waiting = nullptr;
    std::string text;
  };
  asio::steady_timer waiting(socket_.get_executor());
  waiting.expires_at(asio::steady_timer::time_point::max());
  auto next = std::make_shared<Piece>();
  next->waiting = &waiting;
  stream.Next([next, &shard = context_.shard](std::string text) {
    shard.Post([next, text = std::move(text)]() mutable {
      if (next->waiting == nullptr) return;
      next->text = std::move(text);
      next->waiting->cancel();
    });
  });
  next_piece_ = &waiting;
  co_await waiting.async_wait(kResult);
  next_piece_ = nullptr;
  next->waiting = nullptr;
  co_return std::move(next->text);
}

asio::awaitable<void> Connection::Fail(Response response) {
  const bool written = co_await Write(std::move(response), Reply());
  if (written) co_await Linger();
}

// Closing while the client still sends would reset the connection, and the reset can overtake the answer. So what still
// comes is read and dropped, for a moment and up to a limit.
asio::awaitable<void> Connection::Linger() {
  beast::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  idle_ = true;
  const Deadline deadline(socket_, kLingerTimeout, Deadline::Action::kAbort);
  buffer_.clear();
  for (size_t dropped = 0; dropped < kLingerBytes;) {
    const auto [error, n] = co_await socket_.async_read_some(buffer_.prepare(kReadBytes), kResult);
    if (error) co_return;
    dropped += n;
  }
}

void CloseIfIdle(Connection& connection) { connection.CloseIfIdle(); }

asio::awaitable<void> Serve(ServerContext& context, asio::ip::tcp::socket socket, Slot slot) {
  const Slot counted = std::move(slot);  // until this coroutine ends, not until its caller lets go
  Connection connection(context, std::move(socket));
  co_await connection.Run();
}

asio::awaitable<void> Refuse(ServerContext& context, asio::ip::tcp::socket socket, Slot slot) {
  const Slot counted = std::move(slot);
  Connection connection(context, std::move(socket));
  Response response = ErrorResponse(
      503, "too_many_connections",
      StrCat("there are ", context.options.max_connections, " HTTP connections, the limit; try again later"));
  co_await connection.Fail(std::move(response));
}

}  // namespace leat::admin
