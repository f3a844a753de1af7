// The way from one shard to one other node, in one lane: connects when there is something to say, keeps the connection,
// and begins anew after it broke, at the earliest after a pause that grows with every failure in a row. While it cannot
// connect, calls fail at once and messages are dropped. Private to the peer network.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "runtime/peer_calls.h"
#include "runtime/peer_connection.h"
#include "runtime/peer_dial.h"

namespace leat::runtime {

class PeerLink final : public PeerConnection::Owner {
 public:
  struct Ports {
    PeerConnection::Ports connection;
    env::Gate& gate;
    Random& random;
    const std::string& cluster_id;
    std::function<void(int32_t node)> gone;  // nothing listens at its address
  };
  PeerLink(const Ports& ports, uint32_t shard, int32_t node, env::PeerAddress address, PeerLane lane);
  ~PeerLink();  // REQUIRES: Shut

  void Send(env::Service service, OwnedBytes message);
  void Call(env::Service service, OwnedBytes request, Duration timeout, env::Transport::Reply done);
  // Closes it for good; calls without an answer hear `why`, soon.
  void Shut(const absl::Status& why);
  // The node is there after all: the next attempt need not wait.
  void Encourage() { not_before_ = Instant(); }
  void Sweep();

  const env::PeerAddress& address() const { return address_; }
  int32_t node() const { return node_; }

  void OnFrame(PeerFrame frame) override;
  void OnLost(const absl::Status& why) override;
  bool MayTake() const override { return true; }  // it asked for them

 private:
  // OK: it was sent, or waits for the connection.
  absl::Status Put(const FrameHeader& header, OwnedBytes& payload);
  absl::Status CheckRoom(size_t payload) const;
  void Dial();
  void OnDialled(absl::StatusOr<boost::asio::ip::tcp::socket> socket);
  void OnFailed(const absl::Status& why);
  void DropWaiting();
  AsioShard& shard() { return ports_.connection.shard; }
  std::string Who() const { return StrCat("node ", node_, " at ", address_.host, ":", address_.port); }

  const Ports ports_;
  const uint32_t index_;
  const int32_t node_;
  const env::PeerAddress address_;
  const PeerLane lane_;
  PeerCalls calls_;
  std::shared_ptr<PeerConnection> connection_;
  std::shared_ptr<PeerDial> dial_;
  std::vector<PeerFrame> waiting_;  // for the connection
  size_t waiting_bytes_ = 0;
  bool shut_ = false;
  Instant not_before_;
  Duration backoff_ = absl::ZeroDuration();
  std::string failure_;  // the last one, as it was logged; empty: reachable
  Instant logged_at_;
};

}  // namespace leat::runtime
