#include "runtime/peer_dial.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "runtime/asio_shard.h"
#include "runtime/listen_endpoint.h"
#include "runtime/spawn.h"

namespace leat::runtime {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kResult = asio::as_tuple(asio::use_awaitable);

absl::Status Broke(std::string_view when, const error_code& error) {
  if (error == asio::error::eof) return Unavailable("it closed the connection ", when);
  return Unavailable("the connection broke ", when, ": ", error.message());
}

}  // namespace

std::string HandshakeFrame(std::string_view message) {
  std::string out;
  BytesWriter writer(&out);
  writer.Write(static_cast<uint32_t>(message.size()));
  writer.WriteBytes(message);
  return out;
}

asio::awaitable<void> ReadHandshake(tcp::socket& socket, absl::StatusOr<std::string>* out) {
  std::array<char, sizeof(uint32_t)> length_bytes{};
  const auto [length_error, length_read] = co_await asio::async_read(socket, asio::buffer(length_bytes), kResult);
  static_cast<void>(length_read);
  if (length_error) {
    *out = Broke("during the handshake", length_error);
    co_return;
  }
  const auto length = LoadBigEndian<uint32_t>(length_bytes.data());
  if (length > kMaxHandshakeMessage) {
    *out = InvalidArgument("expected a message of the handshake of at most ", kMaxHandshakeMessage,
                           " bytes, got the bytes '", Printable({length_bytes.data(), length_bytes.size()}),
                           "' as its length; this listener is for the nodes of the cluster only");
    co_return;
  }
  std::string message(length, '\0');
  const auto [error, read] = co_await asio::async_read(socket, asio::buffer(message), kResult);
  static_cast<void>(read);
  if (error) {
    *out = Broke("during the handshake", error);
  } else {
    *out = std::move(message);
  }
}

asio::awaitable<void> WriteHandshake(tcp::socket& socket, std::string message, absl::Status* out) {
  const std::string bytes = HandshakeFrame(message);
  const auto [error, written] = co_await asio::async_write(socket, asio::buffer(bytes), kResult);
  static_cast<void>(written);
  *out = error ? Broke("during the handshake", error) : absl::OkStatus();
}

PeerDial::PeerDial(AsioShard& shard, const PeerOptions& options, Target target, Done done)
    : shard_(shard),
      options_(options),
      target_(std::move(target)),
      done_(std::move(done)),
      resolver_(shard.context()),
      socket_(shard.context()) {}

PeerDial::~PeerDial() = default;

void PeerDial::Start(env::Gate& gate) {
  timer_ = shard_.RunAt(shard_.Now() + options_.connect_timeout, [this] {
    late_ = true;
    CloseAll();
  });
  const bool started = Spawn(shard_.context().get_executor(), gate, "peer dial", Run(shared_from_this()));
  if (started) return;
  timer_.reset();
  shard_.Post([self = shared_from_this()] {
    if (self->done_) std::exchange(self->done_, nullptr)(Unavailable("this node stops"));
  });
}

void PeerDial::Cancel() {
  done_ = nullptr;
  timer_.reset();
  CloseAll();
}

void PeerDial::CloseAll() {
  resolver_.cancel();
  error_code ignored;
  socket_.close(ignored);
}

asio::awaitable<void> PeerDial::Run(std::shared_ptr<PeerDial> self) {
  absl::Status status;
  co_await self->Connect(&status);
  if (status.ok()) co_await self->Prove(&status);
  self->timer_.reset();
  if (self->late_) {
    status = Unavailable("it did not answer within ", absl::FormatDuration(self->options_.connect_timeout));
  }
  if (!self->done_) co_return;
  Done done = std::exchange(self->done_, nullptr);
  if (status.ok()) {
    done(std::move(self->socket_));
  } else {
    done(std::move(status));
  }
}

asio::awaitable<void> PeerDial::Connect(absl::Status* out) {
  std::vector<tcp::endpoint> endpoints;
  error_code error;
  const asio::ip::address number = asio::ip::make_address(target_.address.host, error);
  if (!error) {
    endpoints.emplace_back(number, target_.address.port);
  } else {
    const auto [failed, found] =
        co_await resolver_.async_resolve(target_.address.host, std::to_string(target_.address.port), kResult);
    if (!failed) {
      for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    } else if (target_.address.host == kLocalhost) {
      endpoints.emplace_back(asio::ip::make_address(kLoopback), target_.address.port);
    } else {
      *out = Unavailable("its name cannot be looked up: ", failed.message());
      co_return;
    }
  }
  // Closed while the name was looked up: connecting would open it again.
  if (late_ || !done_) {
    *out = Unavailable("it was given up");
    co_return;
  }
  const auto [refused, endpoint] = co_await asio::async_connect(socket_, endpoints, kResult);
  static_cast<void>(endpoint);
  refused_ = refused == asio::error::connection_refused;
  *out = refused ? Unavailable("it does not take connections: ", refused.message()) : absl::OkStatus();
}

asio::awaitable<void> PeerDial::Prove(absl::Status* out) {
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  PeerTranscript transcript;
  transcript.hello = Encode(PeerHello{.from = options_.node_id,
                                      .to = target_.node,
                                      .shard = target_.shard,
                                      .lane = target_.lane,
                                      .incarnation = options_.incarnation,
                                      .nonce = Nonce(),
                                      .cluster_id = target_.cluster_id});
  co_await WriteHandshake(socket_, transcript.hello, out);
  if (!out->ok()) co_return;
  absl::StatusOr<std::string> answer = std::string();
  co_await ReadHandshake(socket_, &answer);
  *out = answer.status();
  if (!out->ok()) co_return;
  const absl::StatusOr<PeerChallenge> challenge = DecodeChallenge(*answer);
  if (!challenge.ok()) {
    *out = challenge.status();
    co_return;
  }
  if (challenge->node != target_.node) {
    *out = FailedPrecondition("expected node ", target_.node, " there, found node ", challenge->node,
                              "; the address in cluster.voters, or that node's node_id, is wrong");
    co_return;
  }
  transcript.challenge = *std::move(answer);
  const std::string proof = ProofOf(options_.secret, transcript);
  co_await WriteHandshake(socket_, proof, out);
  if (!out->ok()) co_return;
  absl::StatusOr<std::string> last = std::string();
  co_await ReadHandshake(socket_, &last);
  *out = last.ok() ? JudgeWelcome(*last, options_.secret, transcript, target_.cluster_id) : last.status();
}

}  // namespace leat::runtime
