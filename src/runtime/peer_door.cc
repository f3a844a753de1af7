#include "runtime/peer_door.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "runtime/asio_shard.h"
#include "runtime/listen_endpoint.h"
#include "runtime/peer_dial.h"
#include "runtime/spawn.h"

namespace leat::runtime {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
constexpr auto kAcceptBackoff = std::chrono::milliseconds(100);
constexpr size_t kRefusalLines = 20;  // in a second

std::string ToText(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? StrCat("[", host, "]:", endpoint.port()) : StrCat(host, ":", endpoint.port());
}

struct HostPort {
  std::string host;
  uint16_t port = 0;
};

absl::StatusOr<HostPort> Split(std::string_view address) {
  const size_t colon = address.rfind(':');
  HostPort out;
  if (colon != std::string_view::npos && colon > 0) {
    std::string_view host = address.substr(0, colon);
    if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    const std::string_view port = address.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    out.host = std::string(host);
    if (error == std::errc() && end == port.data() + port.size() && !host.empty()) return out;
  }
  return InvalidArgument("expected host:port, got '", address, "'");
}

}  // namespace

struct PeerDoor::Stranger {
  explicit Stranger(tcp::socket from) : socket(std::move(from)) {}

  void Dismiss(std::string why) {
    if (dismissed.empty()) dismissed = std::move(why);
    error_code ignored;
    socket.close(ignored);
  }

  tcp::socket socket;
  std::string address;
  std::unique_ptr<env::Timer> timer;
  std::string dismissed;  // why it was shown the door while we waited for it
  PeerHello hello;
  bool said_hello = false;
  std::string welcome;  // framed
};

PeerDoor::PeerDoor(Ports ports) : ports_(std::move(ports)), acceptor_(ports_.shard.context()) {}
PeerDoor::~PeerDoor() = default;

absl::StatusOr<std::string> PeerDoor::Bind() {
  LEAT_ASSIGN_OR_RETURN(const HostPort where, Split(ports_.options.listen));
  error_code error;
  const tcp::endpoint at = ListenEndpoint(acceptor_.get_executor(), where.host, where.port, error);
  if (!error) acceptor_.open(at.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(at, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  tcp::endpoint bound;
  if (!error) bound = acceptor_.local_endpoint(error);
  if (!error) return ToText(bound);
  return FailedPrecondition("cannot listen on ", ports_.options.listen, ": ", error.message(),
                            "; choose another address with listeners.internal");
}

void PeerDoor::Open() { Spawn(ports_.shard.context().get_executor(), gate_, "peer acceptor", Accept(*this)); }

asio::awaitable<void> PeerDoor::Accept(PeerDoor& door) {
  while (door.acceptor_.is_open()) {
    tcp::socket socket(door.acceptor_.get_executor());
    const auto [error] = co_await door.acceptor_.async_accept(socket, kResult);
    if (!error) {
      door.Greet(std::move(socket));
    } else if (door.acceptor_.is_open()) {
      // Out of file descriptors, most likely: at once it would fail again.
      LogWarning("peer", "cannot accept a connection on the internal listener: ", error.message());
      asio::steady_timer backoff(door.acceptor_.get_executor(), kAcceptBackoff);
      co_await backoff.async_wait(kResult);
    }
  }
}

void PeerDoor::Greet(tcp::socket socket) {
  auto stranger = std::make_shared<Stranger>(std::move(socket));
  error_code error;
  const tcp::endpoint from = stranger->socket.remote_endpoint(error);
  stranger->address = error ? "an unknown address" : ToText(from);
  stranger->socket.set_option(tcp::no_delay(true), error);
  if (strangers_.size() >= ports_.options.max_strangers) {
    strangers_.front()->Dismiss(
        StrCat("it has not proved itself yet, and ", strangers_.size(), " others are waiting to, as many as may"));
    strangers_.pop_front();
  }
  strangers_.push_back(stranger);
  stranger->timer = ports_.shard.RunAt(ports_.shard.Now() + ports_.options.handshake_timeout, [this, &it = *stranger] {
    it.Dismiss(StrCat("it did not prove itself within ", absl::FormatDuration(ports_.options.handshake_timeout)));
  });
  Spawn(ports_.shard.context().get_executor(), gate_, "peer handshake", Meet(*this, std::move(stranger)));
}

asio::awaitable<void> PeerDoor::Meet(PeerDoor& door, std::shared_ptr<Stranger> stranger) {
  absl::Status status;
  co_await Examine(door, stranger, &status);
  stranger->timer.reset();
  if (!stranger->dismissed.empty()) {
    status = DeadlineExceeded(stranger->dismissed);
  } else if (status.ok()) {
    door.Admit(*stranger);
  }
  // One that was dismissed to make room is out of the list already.
  std::erase(door.strangers_, stranger);
  if (status.ok() || door.gate_.closing()) co_return;
  const std::string who = stranger->said_hello
                              ? StrCat(stranger->address, ", which says it is node ", stranger->hello.from)
                              : stranger->address;
  door.LogRefusal(who, status);
}

asio::awaitable<void> PeerDoor::Examine(PeerDoor& door, std::shared_ptr<Stranger> stranger, absl::Status* out) {
  const PeerOptions& options = door.ports_.options;
  absl::StatusOr<std::string> bytes = std::string();
  co_await ReadHandshake(stranger->socket, &bytes);
  *out = bytes.status();
  if (!out->ok()) co_return;
  absl::StatusOr<PeerHello> hello = DecodeHello(*bytes);
  *out = hello.status();
  if (!out->ok()) co_return;
  stranger->hello = *std::move(hello);
  stranger->said_hello = true;
  PeerTranscript transcript;
  transcript.hello = *std::move(bytes);
  transcript.challenge = Encode(PeerChallenge{.node = options.node_id, .nonce = Nonce()});
  co_await WriteHandshake(stranger->socket, transcript.challenge, out);
  if (!out->ok()) co_return;
  absl::StatusOr<std::string> proof = std::string();
  co_await ReadHandshake(stranger->socket, &proof);
  *out = proof.status();
  if (!out->ok()) co_return;
  const bool knows = SameMac(*proof, ProofOf(options.secret, transcript));
  *out = knows ? door.Judge(stranger->hello)
               : absl::UnauthenticatedError("it does not know this cluster's secret; compare cluster.secret_file");
  PeerWelcome welcome{.refusal = std::string(Message(*out)), .cluster_id = {}, .mac = {}};
  if (out->ok()) {
    welcome.cluster_id = door.ports_.cluster_id();
    welcome.mac = WelcomeMac(options.secret, transcript, welcome.cluster_id);
    stranger->welcome = HandshakeFrame(Encode(welcome));
    co_return;
  }
  absl::Status told;  // whether it hears why makes no difference
  const std::string refusal = Encode(welcome);
  co_await WriteHandshake(stranger->socket, refusal, &told);
}

absl::Status PeerDoor::Judge(const PeerHello& hello) const {
  const PeerOptions& options = ports_.options;
  if (hello.to != options.node_id) {
    return FailedPrecondition("it looks for node ", hello.to, " at the address of node ", options.node_id);
  }
  if (hello.from == options.node_id) {
    return FailedPrecondition("it says that it is node ", hello.from, ", as this node is: give each its own node_id");
  }
  const std::string& cluster_id = ports_.cluster_id();
  if (!hello.cluster_id.empty() && !cluster_id.empty() && hello.cluster_id != cluster_id) {
    return FailedPrecondition("it belongs to cluster ", Printable(hello.cluster_id), ", and node ", options.node_id,
                              " to cluster ", cluster_id);
  }
  if (admitted_ >= options.max_connections) {
    return ResourceExhausted("other nodes have ", admitted_, " connections to this one, as many as may");
  }
  return absl::OkStatus();
}

void PeerDoor::Admit(Stranger& stranger) {
  ++admitted_;
  ports_.admit({.socket = LooseSocket(std::move(stranger.socket)),
                .node = stranger.hello.from,
                .shard = stranger.hello.shard,
                .lane = stranger.hello.lane,
                .incarnation = stranger.hello.incarnation,
                .address = stranger.address,
                .welcome = std::move(stranger.welcome)});
}

void PeerDoor::LogRefusal(const std::string& who, const absl::Status& why) {
  const Instant now = ports_.shard.Now();
  if (now - refusals_since_ >= absl::Seconds(1)) {
    if (refusals_ > kRefusalLines) LogWarning("peer", "refused ", refusals_ - kRefusalLines, " more connections");
    refusals_since_ = now;
    refusals_ = 0;
  }
  if (++refusals_ <= kRefusalLines) {
    LogWarning("peer", "refused a connection to the internal listener from ", who, ": ", Message(why));
  }
  ports_.metrics.refused.Add(1);
}

void PeerDoor::Close(env::Closure closed) {
  error_code ignored;
  acceptor_.close(ignored);
  for (const std::shared_ptr<Stranger>& stranger : strangers_) stranger->Dismiss("this node stops");
  gate_.Close(std::move(closed));
}

}  // namespace leat::runtime
