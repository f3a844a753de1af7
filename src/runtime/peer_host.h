// env::Transport of one shard: its links to the other nodes, the connections of theirs that were given to it, its
// handlers, and what it says to its own node. Private to the peer network; all calls on the shard.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/transport.h"
#include "runtime/peer_guest.h"
#include "runtime/peer_link.h"

namespace leat::runtime {

class PeerHost final : public env::Transport, public std::enable_shared_from_this<PeerHost> {
 public:
  struct Ports {
    PeerConnection::Ports connection;
    uint32_t index = 0;                    // of the shard
    std::function<void()> guest_departed;  // one that was adopted is gone
  };
  PeerHost(Ports ports, uint64_t seed);
  ~PeerHost() override;

  void SetPeers(const std::map<int32_t, env::PeerAddress>& peers) override;
  void Send(int32_t node, env::Service service, OwnedBytes message) override;
  void Call(int32_t node, env::Service service, OwnedBytes request, Duration timeout, Reply done) override;
  void Serve(env::Service service, Handler handler) override;
  void WatchGone(GoneWatcher watcher) override { gone_ = std::move(watcher); }

  void Adopt(PeerArrival arrival);
  void SetClusterId(std::string cluster_id) { cluster_id_ = std::move(cluster_id); }
  const std::string& cluster_id() const { return cluster_id_; }
  // Closes everything; calls hear kUnavailable, soon. `stopped` when nothing is under way.
  void Stop(env::Closure stopped);

  AsioShard& shard() { return ports_.connection.shard; }

 private:
  using LinkKey = std::pair<int32_t, PeerLane>;
  using GuestKey = std::array<uint64_t, 3>;  // node, shard, lane

  void Handle(env::Service service, int32_t from, OwnedBytes bytes, Reply reply);
  void CallMyself(env::Service service, OwnedBytes request, Duration timeout, Reply done);
  PeerLink* LinkTo(int32_t node, env::Service service);
  void TellGone(int32_t node);
  void ShutLink(std::map<LinkKey, std::unique_ptr<PeerLink>>::iterator link, const absl::Status& why);
  void TakePlaceOf(PeerGuest& older, const PeerArrival& arrival);
  void Remove(PeerGuest& guest);
  void ArmSweep();

  const Ports ports_;
  env::Gate gate_;  // held by attempts to connect and by connections
  Random random_;
  std::string cluster_id_;
  std::map<int32_t, env::PeerAddress> peers_;
  std::map<env::Service, std::shared_ptr<Handler>> handlers_;  // shared: one may be taken away while it runs
  GoneWatcher gone_;
  std::map<LinkKey, std::unique_ptr<PeerLink>> links_;
  std::map<GuestKey, std::shared_ptr<PeerGuest>> guests_;
  PeerCalls own_calls_;
  std::unique_ptr<env::Timer> sweep_timer_;
  bool stopping_ = false;
};

}  // namespace leat::runtime
