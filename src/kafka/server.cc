#include "kafka/server.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "env/gate.h"
#include "kafka/shard_host.h"
#include "runtime/asio_shard.h"
#include "runtime/listen_endpoint.h"
#include "runtime/spawn.h"

namespace leat::kafka {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
constexpr auto kAcceptBackoff = std::chrono::milliseconds(100);
constexpr Duration kRefusalLogPause = absl::Seconds(1);

std::string ToText(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? StrCat("[", host, "]:", endpoint.port()) : StrCat(host, ":", endpoint.port());
}

// One address that is listened on.
struct Door {
  Door(asio::io_context& context, ListenerConfig from) : config(std::move(from)), acceptor(context) {}

  error_code Bind() {
    error_code error;
    const tcp::endpoint at = runtime::ListenEndpoint(acceptor.get_executor(), config.host, config.port, error);
    if (error) return error;
    acceptor.open(at.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(at, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) bound = acceptor.local_endpoint(error);
    return error;
  }
  // Where clients that came by this socket are told to connect.
  std::shared_ptr<const Endpoint> EndpointFor(const tcp::socket& socket) {
    if (endpoint != nullptr) return endpoint;
    Endpoint made{.listener = config.name,
                  .host = config.advertised_host.empty() ? config.host : config.advertised_host,
                  .port = config.advertised_port == 0 ? bound.port() : config.advertised_port};
    const bool wildcard = config.advertised_host.empty() && bound.address().is_unspecified();
    error_code error;
    if (wildcard) made.host = socket.local_endpoint(error).address().to_string();
    auto shared = std::make_shared<const Endpoint>(std::move(made));
    if (!wildcard) endpoint = shared;
    return shared;
  }

  std::string Advertised() const {
    std::string host = config.advertised_host.empty() ? config.host : config.advertised_host;
    if (host.find(':') != std::string::npos) host = StrCat("[", host, "]");
    return StrCat(config.name, "://", host, ":", config.advertised_port == 0 ? bound.port() : config.advertised_port);
  }

  const ListenerConfig config;
  tcp::acceptor acceptor;
  tcp::endpoint bound;
  std::shared_ptr<const Endpoint> endpoint;  // the same for all, unless the listener is a wildcard's
};

}  // namespace

struct KafkaServer::State {
  State(std::vector<runtime::AsioShard*> of, broker::Broker& broker, const ServerOptions& from, env::Metrics& metrics)
      : options(from), shards(std::move(of)), connections(OpenConnections(metrics)), open(shards.size(), 0) {
    for (size_t i = 0; i < shards.size(); ++i) {
      hosts.push_back(std::make_unique<ShardHost>(
          options, ShardHost::Ports{
                       .shard = *shards[i],
                       .broker = broker,
                       .metrics = metrics,
                       .shards = shards.size(),
                       .connection_closed = [this, i] { home().Post([this, i] { NoteClosed(i); }); },
                       .ask_to_move =
                           [this, i](const env::Shard& to, absl::AnyInvocable<void(ShardHost*)> answer) {
                             home().Post([this, i, &to, answer = std::move(answer)]() mutable {
                               shards[i]->Post(
                                   [host = AllowMove(i, to), answer = std::move(answer)]() mutable { answer(host); });
                             });
                           },
                       .stay_after_all =
                           [this, i](ShardHost& to) { home().Post([this, i, &to] { NoteMoved(to, *hosts[i]); }); }}));
    }
  }

  runtime::AsioShard& home() { return *shards[0]; }
  void Take(Door& door, tcp::socket socket);
  void Refuse(const tcp::socket& socket);
  void NoteClosed(size_t shard) {
    --open[shard];
    connections.Set(static_cast<double>(--total));
  }
  ShardHost* AllowMove(size_t from, const env::Shard& to);
  void NoteMoved(const ShardHost& from, const ShardHost& to);
  void CloseDoors(env::Closure stopped);

  const ServerOptions options;
  const std::vector<runtime::AsioShard*> shards;
  env::Gauge& connections;
  std::vector<std::unique_ptr<ShardHost>> hosts;
  std::vector<std::unique_ptr<Door>> doors;
  // On the first shard only, from here.
  env::Gate gate;  // held by those that accept
  std::vector<size_t> open;
  size_t total = 0;
  size_t draining = 0;  // hosts
  size_t refused = 0;   // since the last line about it
  Instant refusal_logged;
};

namespace {

asio::awaitable<void> Accept(Door& door, absl::AnyInvocable<void(tcp::socket)> take) {
  while (door.acceptor.is_open()) {
    tcp::socket socket(door.acceptor.get_executor());
    const auto [error] = co_await door.acceptor.async_accept(socket, kResult);
    if (!error) {
      take(std::move(socket));
    } else if (door.acceptor.is_open()) {
      // Out of file descriptors, most likely: at once it would fail again.
      LogWarning("kafka", "cannot accept a connection on listener ", door.config.name, ": ", error.message());
      asio::steady_timer backoff(door.acceptor.get_executor(), kAcceptBackoff);
      co_await backoff.async_wait(kResult);
    }
  }
}

}  // namespace

void KafkaServer::State::Refuse(const tcp::socket& socket) {
  hosts[0]->metrics().refused.Add(1);
  ++refused;
  const Instant now = home().Now();
  if (now - refusal_logged < kRefusalLogPause) return;
  refusal_logged = now;
  error_code ignored;
  LogWarning("kafka", "refused ", std::exchange(refused, 0), " connections, the last from ",
             ToText(socket.remote_endpoint(ignored)), ": ", options.max_connections,
             " are open, as many as limits.connections allows");
}

// The new connection goes to the shard that has the fewest.
void KafkaServer::State::Take(Door& door, tcp::socket socket) {
  if (total >= options.max_connections) return Refuse(socket);
  const size_t target = static_cast<size_t>(std::min_element(open.begin(), open.end()) - open.begin());
  ++open[target];
  connections.Set(static_cast<double>(++total));
  std::shared_ptr<const Endpoint> endpoint = door.EndpointFor(socket);
  // A socket belongs to the context that it was made on: only the descriptor moves.
  Handover what{.socket = runtime::LooseSocket(std::move(socket)),
                .endpoint = std::move(endpoint),
                .reader = {},
                .client_id = {}};
  if (target == 0) return hosts[0]->Adopt(std::move(what));
  shards[target]->Post(
      [host = hosts[target].get(), what = std::move(what)]() mutable { host->Adopt(std::move(what)); });
}

// A shard gets at most one and a half times its even share: the work of many connections that write to few partitions
// stays spread.
ShardHost* KafkaServer::State::AllowMove(size_t from, const env::Shard& to) {
  const auto at = std::find(shards.begin(), shards.end(), &to);
  if (at == shards.end()) return nullptr;
  const auto target = static_cast<size_t>(at - shards.begin());
  const size_t most = (total * 3 + shards.size() * 2 - 1) / (shards.size() * 2);
  if (open[target] + 1 > most) return nullptr;
  NoteMoved(*hosts[from], *hosts[target]);
  return hosts[target].get();
}

void KafkaServer::State::NoteMoved(const ShardHost& from, const ShardHost& to) {
  for (size_t i = 0; i < hosts.size(); ++i) {
    if (hosts[i].get() == &from) --open[i];
    if (hosts[i].get() == &to) ++open[i];
  }
}

void KafkaServer::State::CloseDoors(env::Closure stopped) {
  error_code ignored;
  for (const std::unique_ptr<Door>& door : doors) door->acceptor.close(ignored);
  gate.Close([this, stopped = std::move(stopped)]() mutable {
    draining = hosts.size();
    auto done = std::make_shared<env::Closure>(std::move(stopped));
    for (const std::unique_ptr<ShardHost>& one : hosts) {
      ShardHost& host = *one;
      host.shard().Post([this, &host, done] {
        host.Drain([this, done] {
          home().Post([this, done] {
            if (--draining == 0) (*done)();
          });
        });
      });
    }
  });
}

KafkaServer::KafkaServer(std::vector<runtime::AsioShard*> shards, broker::Broker& broker, const ServerOptions& options,
                         env::Metrics& metrics)
    : state_(std::make_unique<State>(std::move(shards), broker, options, metrics)) {}

KafkaServer::~KafkaServer() = default;

absl::Status KafkaServer::Listen() {
  State& state = *state_;
  LEAT_CHECK(state.doors.empty()) << "Listen was called twice";
  for (const ListenerConfig& config : state.options.listeners) {
    auto door = std::make_unique<Door>(state.home().context(), config);
    if (const error_code error = door->Bind()) {
      state.doors.clear();
      return FailedPrecondition("cannot listen on ", config.host, ":", config.port, ": ", error.message(),
                                "; choose another address with listeners.kafka");
    }
    LogInfo("kafka", "listening on ", ToText(door->bound), " (listener ", config.name, ")");
    state.doors.push_back(std::move(door));
  }
  state.home().Post([&state] {
    for (const std::unique_ptr<Door>& door : state.doors) {
      runtime::Spawn(
          state.home().context().get_executor(), state.gate, "kafka acceptor",
          Accept(*door, [&state, &door = *door](tcp::socket socket) { state.Take(door, std::move(socket)); }));
    }
  });
  return absl::OkStatus();
}

std::vector<std::string> KafkaServer::addresses() const {
  std::vector<std::string> out;
  for (const std::unique_ptr<Door>& door : state_->doors) out.push_back(ToText(door->bound));
  return out;
}

std::string KafkaServer::advertised() const {
  std::string text;
  for (const std::unique_ptr<Door>& door : state_->doors) {
    StrAppend(&text, text.empty() ? "" : ",", door->Advertised());
  }
  return text;
}

void KafkaServer::Stop(env::Closure stopped) {
  state_->home().Post(
      [state = state_.get(), stopped = std::move(stopped)]() mutable { state->CloseDoors(std::move(stopped)); });
}

}  // namespace leat::kafka
