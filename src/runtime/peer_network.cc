#include "runtime/peer_network.h"

#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "runtime/asio_shard.h"
#include "runtime/peer_door.h"
#include "runtime/peer_host.h"

namespace leat::runtime {
namespace {

PeerOptions WithIncarnation(PeerOptions options) {
  if (options.incarnation == 0) options.incarnation = RandomNumber();
  return options;
}

}  // namespace

struct PeerNetwork::State {
  State(std::vector<AsioShard*> of, PeerOptions from, env::Metrics& registry)
      : options(WithIncarnation(std::move(from))), shards(std::move(of)), metrics(registry) {
    LEAT_CHECK(!shards.empty()) << "a network needs a shard";
    LEAT_CHECK(options.listen.empty() || options.secret.size() >= kMinSecretBytes) << "a listener needs a secret";
    for (size_t i = 0; i < shards.size(); ++i) {
      hosts.push_back(std::make_shared<PeerHost>(
          PeerHost::Ports{.connection = {.shard = *shards[i], .options = options, .metrics = metrics},
                          .index = static_cast<uint32_t>(i),
                          .guest_departed = [this] { home().Post([this] { door->NoteDeparted(); }); }},
          RandomNumber()));
    }
    if (options.listen.empty()) return;
    door = std::make_unique<PeerDoor>(
        PeerDoor::Ports{.shard = home(),
                        .options = options,
                        .metrics = metrics,
                        .cluster_id = [this]() -> const std::string& { return hosts[0]->cluster_id(); },
                        .admit = [this](PeerArrival arrival) { Admit(std::move(arrival)); }});
  }

  AsioShard& home() { return *shards[0]; }
  void Admit(PeerArrival arrival) {
    const size_t target = arrival.shard % shards.size();
    shards[target]->Post(
        [host = hosts[target], arrival = std::move(arrival)]() mutable { host->Adopt(std::move(arrival)); });
  }
  void StopHosts();

  const PeerOptions options;
  const std::vector<AsioShard*> shards;
  PeerMetrics metrics;
  std::vector<std::shared_ptr<PeerHost>> hosts;
  std::unique_ptr<PeerDoor> door;  // on the first shard; null without an address
  std::string address;
  // On the first shard.
  env::Closure stopped;
  size_t stopping = 0;  // hosts
};

PeerNetwork::PeerNetwork(std::vector<AsioShard*> shards, PeerOptions options, env::Metrics& metrics)
    : state_(std::make_unique<State>(std::move(shards), std::move(options), metrics)) {}

PeerNetwork::~PeerNetwork() = default;

absl::Status PeerNetwork::Listen() {
  if (state_->door == nullptr) return absl::OkStatus();
  LEAT_CHECK(state_->address.empty()) << "Listen was called twice";
  LEAT_ASSIGN_OR_RETURN(state_->address, state_->door->Bind());
  LogInfo("peer", "listening on ", state_->address, " for the other nodes of the cluster");
  state_->home().Post([state = state_.get()] { state->door->Open(); });
  return absl::OkStatus();
}

const std::string& PeerNetwork::address() const { return state_->address; }

std::vector<env::Transport*> PeerNetwork::transports() {
  std::vector<env::Transport*> out;
  for (const std::shared_ptr<PeerHost>& host : state_->hosts) out.push_back(host.get());
  return out;
}

void PeerNetwork::SetClusterId(const std::string& cluster_id) {
  for (const std::shared_ptr<PeerHost>& host : state_->hosts) {
    host->shard().Post([host, cluster_id] { host->SetClusterId(cluster_id); });
  }
}

void PeerNetwork::State::StopHosts() {
  stopping = hosts.size();
  for (const std::shared_ptr<PeerHost>& host : hosts) {
    host->shard().Post([this, host] {
      host->Stop([this] {
        home().Post([this] {
          if (--stopping == 0) std::exchange(stopped, nullptr)();
        });
      });
    });
  }
}

void PeerNetwork::Stop(env::Closure stopped) {
  state_->home().Post([state = state_.get(), stopped = std::move(stopped)]() mutable {
    state->stopped = std::move(stopped);
    if (state->door == nullptr) return state->StopHosts();
    state->door->Close([state] { state->StopHosts(); });
  });
}

}  // namespace leat::runtime
