#include "admin/server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "admin/connection.h"
#include "base/check.h"
#include "base/logging.h"
#include "runtime/asio_shard.h"
#include "runtime/listen_endpoint.h"
#include "runtime/spawn.h"

namespace leat::admin {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
constexpr size_t kMaxRefusals = 32;  // beyond it, connections over the limit are closed without a word
constexpr auto kAcceptBackoff = std::chrono::milliseconds(100);

std::string ToText(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? StrCat("[", host, "]:", endpoint.port()) : StrCat(host, ":", endpoint.port());
}

}  // namespace

struct HttpServer::State {
  State(runtime::AsioShard& shard, Router router, const Options& options, env::Metrics& metrics)
      : context{.shard = shard, .router = std::move(router), .options = options, .metrics = metrics},
        acceptor(shard.context()) {}

  boost::system::error_code Bind(const tcp::endpoint& endpoint);
  void Start(tcp::socket socket);

  ServerContext context;
  tcp::acceptor acceptor;
  tcp::endpoint bound;
};

namespace {

asio::awaitable<void> Accept(tcp::acceptor& acceptor, absl::AnyInvocable<void(tcp::socket)> start) {
  while (acceptor.is_open()) {
    tcp::socket socket(acceptor.get_executor());
    const auto [error] = co_await acceptor.async_accept(socket, kResult);
    if (!error) {
      start(std::move(socket));
    } else if (acceptor.is_open()) {
      // Out of file descriptors, most likely: at once it would fail again.
      LogWarning("admin", "cannot accept a connection: ", error.message());
      asio::steady_timer backoff(acceptor.get_executor(), kAcceptBackoff);
      co_await backoff.async_wait(kResult);
    }
  }
}

}  // namespace

boost::system::error_code HttpServer::State::Bind(const tcp::endpoint& endpoint) {
  boost::system::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) bound = acceptor.local_endpoint(error);
  return error;
}

void HttpServer::State::Start(tcp::socket socket) {
  const auto executor = acceptor.get_executor();
  if (context.served < context.options.max_connections) {
    runtime::Spawn(executor, context.gate, "http connection", Serve(context, std::move(socket), Slot(&context.served)));
  } else if (context.refused < kMaxRefusals) {
    runtime::Spawn(executor, context.gate, "http refusal", Refuse(context, std::move(socket), Slot(&context.refused)));
  }
}

HttpServer::HttpServer(runtime::AsioShard& shard, Router router, const Options& options, env::Metrics& metrics)
    : state_(std::make_unique<State>(shard, std::move(router), options, metrics)) {}

HttpServer::~HttpServer() = default;

absl::Status HttpServer::Listen() {
  State& state = *state_;
  const Options& options = state.context.options;
  LEAT_CHECK(!state.acceptor.is_open()) << "Listen was called twice";
  boost::system::error_code error;
  const tcp::endpoint at =
      runtime::ListenEndpoint(state.context.shard.context().get_executor(), options.host, options.port, error);
  if (!error) error = state.Bind(at);
  if (error) {
    boost::system::error_code ignored;
    state.acceptor.close(ignored);
    return FailedPrecondition("cannot listen on ", options.host, ":", options.port, ": ", error.message(),
                              "; choose another address with listeners.admin");
  }
  state.context.shard.Post([&state] {
    runtime::Spawn(state.acceptor.get_executor(), state.context.gate, "http acceptor",
                   Accept(state.acceptor, [&state](tcp::socket socket) { state.Start(std::move(socket)); }));
  });
  return absl::OkStatus();
}

std::string HttpServer::address() const { return ToText(state_->bound); }
uint16_t HttpServer::port() const { return state_->bound.port(); }

void HttpServer::Stop(env::Closure stopped) {
  state_->context.shard.Post([&state = *state_, stopped = std::move(stopped)]() mutable {
    state.context.stopping = true;
    boost::system::error_code ignored;
    state.acceptor.close(ignored);
    for (Connection* connection : state.context.connections) CloseIfIdle(*connection);
    state.context.gate.Close(std::move(stopped));
  });
}

}  // namespace leat::admin
