// Where the other nodes knock: listens, lets each stranger prove that it is a node of this cluster, and hands its
// connection to the shard that it asks for. A stranger holds a socket and less than a KiB, for handshake_timeout at
// most, and there are max_strangers at most: when one more comes, the oldest goes. Lives on the first shard. Private to
// the peer network.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "env/gate.h"
#include "env/shard.h"
#include "runtime/peer_guest.h"
#include "runtime/peer_metrics.h"
#include "runtime/peer_options.h"

namespace leat::runtime {

class AsioShard;

class PeerDoor {
 public:
  struct Ports {
    AsioShard& shard;
    const PeerOptions& options;
    PeerMetrics& metrics;
    std::function<const std::string&()> cluster_id;
    std::function<void(PeerArrival)> admit;
  };
  explicit PeerDoor(Ports ports);
  ~PeerDoor();

  // Binds and listens, before Open; any thread. Returns host:port as bound.
  absl::StatusOr<std::string> Bind();
  void Open();
  // One that was admitted has gone.
  void NoteDeparted() { --admitted_; }
  void Close(env::Closure closed);

 private:
  struct Stranger;
  static boost::asio::awaitable<void> Accept(PeerDoor& door);
  static boost::asio::awaitable<void> Meet(PeerDoor& door, std::shared_ptr<Stranger> stranger);
  static boost::asio::awaitable<void> Examine(PeerDoor& door, std::shared_ptr<Stranger> stranger, absl::Status* out);

  void Greet(boost::asio::ip::tcp::socket socket);
  // Whether one that knows the secret may come in.
  absl::Status Judge(const PeerHello& hello) const;
  void Admit(Stranger& stranger);
  void LogRefusal(const std::string& who, const absl::Status& why);

  const Ports ports_;
  env::Gate gate_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::list<std::shared_ptr<Stranger>> strangers_;  // the oldest first
  size_t admitted_ = 0;
  // For one line each, but not a line for each of thousands.
  Instant refusals_since_;
  size_t refusals_ = 0;
};

}  // namespace leat::runtime
