// The network of a node that is alone: it reaches itself, and nobody else. Lives on one shard.
#pragma once

#include <map>
#include <memory>

#include "env/shard.h"
#include "env/transport.h"

namespace leat::coordinator {

class LocalTransport final : public env::Transport {
 public:
  // `shard` outlives this.
  LocalTransport(int32_t self, env::Shard& shard) : self_(self), shard_(shard) {}

  void SetPeers(const std::map<int32_t, env::PeerAddress>&) override {}
  void Send(int32_t node, env::Service service, OwnedBytes message) override;
  void Call(int32_t node, env::Service service, OwnedBytes request, Duration timeout, Reply done) override;
  void Serve(env::Service service, Handler handler) override;
  void WatchGone(GoneWatcher) override {}

 private:
  // Copied by closures that wait on the shard: one may outlive this.
  struct Handlers {
    std::map<env::Service, Handler> by_service;
  };

  const int32_t self_;
  env::Shard& shard_;
  std::shared_ptr<Handlers> handlers_ = std::make_shared<Handlers>();
};

}  // namespace leat::coordinator
