// Where the other nodes of the cluster listen for this one: the voters of its configuration, whoever registered, and
// those that have told it themselves because no metadata name them yet. Lives on shard 0.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/options.h"
#include "coordinator/raft_host.h"
#include "env/transport.h"
#include "meta/image.h"

namespace leat::broker {

std::optional<env::PeerAddress> ParsePeerAddress(std::string_view text);

class PeerAddresses final : public coordinator::RaftAddresses {
 public:
  using Map = std::map<int32_t, env::PeerAddress>;
  // `told`: the map is another one; not null.
  PeerAddresses(const Options& options, std::function<void()> told);

  // What the metadata say.
  void Follow(const meta::Image& image);
  // Registrations that may not be in force: of nodes of which the metadata say nothing yet.
  void Expect(const std::map<model::NodeId, meta::BrokerRegistered>& foreseen);
  // Without this node.
  Map All() const;

  std::string AddressOf(raft::NodeId node) const override;
  // Of a node that is in no list of voters here. It counts until that node registers again.
  void Learn(raft::NodeId node, std::string_view address) override;

 private:
  struct Told {
    env::PeerAddress address;
    int64_t since = -1;  // the broker epoch that was registered then
  };

  const int32_t self_;
  const std::string own_;
  const std::function<void()> told_;
  Map configured_, registered_, foreseen_;
  std::map<int32_t, int64_t> epochs_;  // of the registrations
  std::map<int32_t, Told> learned_;
};

}  // namespace leat::broker
