// env::Transport between the processes of a cluster: one TCP listener of its own, which only those get past who know
// the cluster's secret, and connections to the listeners of the others. docs/internals/transport.md says how.
//
// Each shard has a transport of its own. What shard i says to another node goes over connections of its own and arrives
// there on shard i modulo the number of shards, in the order in which it was sent as long as one connection lasts.
// Calls to the own node stay in memory. Without an address to listen on there is only the own node.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "env/metrics.h"
#include "env/shard.h"
#include "env/transport.h"
#include "runtime/peer_options.h"

namespace leat::runtime {

class AsioShard;

class PeerNetwork {
 public:
  // Everything outlives the network. REQUIRES: a secret of at least kMinSecretBytes, if there is an address.
  PeerNetwork(std::vector<AsioShard*> shards, PeerOptions options, env::Metrics& metrics);
  // REQUIRES: Stop has called back, or the network was never used; no shard runs any more.
  ~PeerNetwork();
  PeerNetwork(const PeerNetwork&) = delete;
  PeerNetwork& operator=(const PeerNetwork&) = delete;

  // Binds, and begins to admit other nodes; once, any thread but a shard's. Nothing to do without an address.
  // kInvalidArgument: no host:port; kFailedPrecondition: it cannot be bound.
  absl::Status Listen();
  // host:port as bound; empty before Listen, or without an address.
  const std::string& address() const;

  // Of the shards, in their order; to be used on its shard only.
  std::vector<env::Transport*> transports();
  // Once it is known: from now on nodes of other clusters are refused, and refuse this one. Any thread.
  void SetClusterId(const std::string& cluster_id);

  // Admits nobody any more, closes all connections, and calls `stopped` on a shard. Calls without an answer, and later
  // ones, hear kUnavailable. Once, any thread; the shards run until `stopped`.
  void Stop(env::Closure stopped);

 private:
  struct State;  // keeps Asio out of this header
  const std::unique_ptr<State> state_;
};

}  // namespace leat::runtime
