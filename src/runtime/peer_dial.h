// One attempt to reach a node: look up, connect, prove, be welcomed. On one shard. Private to the peer network.
#pragma once

#include <absl/functional/any_invocable.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "env/gate.h"
#include "env/shard.h"
#include "env/transport.h"
#include "runtime/peer_handshake.h"
#include "runtime/peer_options.h"

namespace leat::runtime {

class AsioShard;

// One message of a handshake: its length, then its bytes. No more is read than there is of it.
boost::asio::awaitable<void> ReadHandshake(boost::asio::ip::tcp::socket& socket, absl::StatusOr<std::string>* out);
// A copy of `message` is kept until it is written.
boost::asio::awaitable<void> WriteHandshake(boost::asio::ip::tcp::socket& socket, std::string message,
                                            absl::Status* out);
std::string HandshakeFrame(std::string_view message);  // with its length

class PeerDial : public std::enable_shared_from_this<PeerDial> {
 public:
  struct Target {
    int32_t node = 0;
    env::PeerAddress address;
    uint32_t shard = 0;
    PeerLane lane = PeerLane::kControl;
    std::string cluster_id;
  };
  // `done` hears once, in a closure of its own, unless Cancel comes before.
  using Done = absl::AnyInvocable<void(absl::StatusOr<boost::asio::ip::tcp::socket>)>;
  PeerDial(AsioShard& shard, const PeerOptions& options, Target target, Done done);
  ~PeerDial();

  void Start(env::Gate& gate);
  void Cancel();
  bool refused() const { return refused_; }  // nothing listens at the address

 private:
  static boost::asio::awaitable<void> Run(std::shared_ptr<PeerDial> self);
  boost::asio::awaitable<void> Connect(absl::Status* out);
  boost::asio::awaitable<void> Prove(absl::Status* out);
  void CloseAll();

  AsioShard& shard_;
  const PeerOptions& options_;
  const Target target_;
  Done done_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<env::Timer> timer_;
  bool late_ = false;
  bool refused_ = false;
};

}  // namespace leat::runtime
