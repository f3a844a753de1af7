// How this node stands in its cluster: as what it registers, its controller, its leave.
#include <algorithm>

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/home_log.h"
#include "broker/listeners.h"
#include "broker/log_config.h"
#include "broker/page_cache.h"
#include "broker/scatter.h"
#include "coordinator/local_transport.h"
#include "meta/brokers.h"
#include "meta/planted.h"

namespace leat::broker {
namespace {

// Below what a service manager waits before it kills: where the others stop as well nobody answers.
constexpr Duration kLeavePatience = absl::Seconds(5);
constexpr Duration kDiskLook = absl::Seconds(1);

}  // namespace

meta::Policy BrokerImpl::MetaPolicy() const {
  meta::Policy policy;
  policy.limits = MetaLimits();
  policy.topic_defaults = DefaultConfigs(options_.log_defaults);
  policy.replication_factor = options_.replication_factor;
  // What was acknowledged is on the disk, or was never promised to be.
  policy.after_unclean_shutdown = meta::AfterUncleanShutdown::kTrustSynced;
  policy.bug = meta::PlantedBug();
  return policy;
}

meta::RegisterBroker BrokerImpl::Registration() const {
  meta::RegisterBroker command;
  command.cluster_id = cluster_id_;
  command.broker.id = options_.node_id;
  command.broker.incarnation = life_.incarnation;
  command.broker.listeners = listeners_;
  if (const std::optional<env::PeerAddress> internal = ParsePeerAddress(options_.internal_address)) {
    command.broker.listeners.push_back({std::string(kInternalListener), internal->host, internal->port});
  }
  command.broker.rack = options_.rack;
  command.broker.directories = {life_.directory};
  command.known_incarnations = life_.earlier;
  command.clean_shutdown_epoch = life_.clean_shutdown_epoch;
  command.damaged = damaged_;
  return command;
}

void BrokerImpl::OpenController() {
  if (transport_ == nullptr) {
    local_transport_ = std::make_unique<coordinator::LocalTransport>(options_.node_id.value(), home());
    transport_ = local_transport_.get();
  }
  home_log_ = std::make_unique<HomeLog>(*metadata_);
  coordinator::Controller::Options controller;
  controller.self = options_.node_id;
  controller.cluster_id = cluster_id_;
  controller.policy = MetaPolicy();
  controller.sessions.timeout = options_.session_timeout;
  controller.random_seed = random_.Next();
  controller_ = std::make_unique<coordinator::Controller>(controller, *home_log_, *transport_, home());
  coordinator::ControllerClient::Options client;
  client.self = options_.node_id;
  client.random_seed = random_.Next();
  client_ = std::make_unique<coordinator::ControllerClient>(
      client, *home_log_, *transport_, home(),
      coordinator::ControllerClient::Node{[this] { return Registration(); }, [this] { return AppliedEnd(); },
                                          [this] { return VotersToAsk(); }});
  transport_->WatchGone([this](int32_t node) {
    metadata_->quorum().NoteGone(meta::NodeId(node));
    controller_->NoteGone(meta::NodeId(node));
  });
  metadata_->OnLeader([this](const coordinator::Leadership&) {
    controller_->OnLeadership();
    client_->OnLeadership();
    NoteController();
  });
}

void BrokerImpl::TellPeers() {
  if (transports_.empty()) return;
  const PeerAddresses::Map peers = addresses_.All();
  if (peers == peers_) return;
  peers_ = peers;
  for (size_t i = 0; i < transports_.size(); ++i) {
    shards_[i]->shard().Post([transport = transports_[i], peers] { transport->SetPeers(peers); });
  }
}

// A node without a vote is not told when another one leads, before it has asked.
std::vector<meta::NodeId> BrokerImpl::VotersToAsk() const {
  std::vector<meta::NodeId> voters;
  if (metadata_->quorum().is_voter()) return voters;
  for (const raft::Peer& voter : metadata_->quorum().voters()) voters.push_back(voter.id);
  return voters;
}

// A node that nobody could take over from has nothing to hand over.
void BrokerImpl::LeaveCluster(env::Closure left) {
  const std::vector<meta::BrokerPtr> brokers = client_ == nullptr ? std::vector<meta::BrokerPtr>() : image()->Brokers();
  const bool others = std::any_of(brokers.begin(), brokers.end(), [this](const meta::BrokerPtr& broker) {
    return broker->id() != options_.node_id && broker->is_active();
  });
  if (!others || has_left_) return left();
  client_->LeaveInOrder(kLeavePatience, [this, left = std::move(left)](const absl::Status& status) mutable {
    if (!status.ok()) LogWarning("broker", "stopping although the cluster still counts on it: ", Message(status));
    home().Post(std::move(left));
  });
}

bool BrokerImpl::IsAlone() const {
  const std::vector<meta::BrokerPtr> brokers = image()->Brokers();
  return metadata_->quorum().is_only_voter() &&
         std::all_of(brokers.begin(), brokers.end(),
                     [this](const meta::BrokerPtr& broker) { return broker->id() == options_.node_id; });
}

void BrokerImpl::WatchDisk() {
  disk_timer_ = home().RunAt(home().Now() + kDiskLook, [this] {
    OnEveryShard<absl::Status>(
        shards_, 0, [](ShardState& shard, Callback<absl::Status> answer) { answer(shard.DiskHealth()); },
        [this](const std::vector<absl::Status>& parts) {
          if (shards_[0]->phase != Phase::kServing) return;
          absl::Status status = metadata_->quorum().failure();
          for (const absl::Status& part : parts) status.Update(part);
          if (status.ok() || IsAlone()) return WatchDisk();
          LeaveForGood(status);
        });
  });
}

// It would lead what it cannot append to, or go by metadata that are not renewed.
void BrokerImpl::LeaveForGood(const absl::Status& why) {
  has_left_ = true;
  const absl::Status distrusted = DistrustPageCache(disk_, options_.data_dir);
  if (!distrusted.ok()) LogWarning("broker", "page-cache.epoch stays: ", Message(distrusted));
  LogError("broker", "this process leaves its cluster, the others take over what it leads; look after the disk and ",
           "start it again: ", Message(why));
  client_->LeaveInOrder(kLeavePatience, [](const absl::Status& status) {
    if (!status.ok()) LogWarning("broker", "not told to leave, fenced before long: ", Message(status));
  });
}

// On a full disk nothing can be written of a new process. What there is can be read, and deleted to make room, and the
// registration of the process before this one says the same of a node that is alone. In a cluster it would say that the
// others still have what this process has not.
bool BrokerImpl::MayServeAsItWas(const absl::Status& status) const {
  if (status.code() != absl::StatusCode::kResourceExhausted || !IsAlone()) return false;
  if (image()->cluster_id().empty() || image()->FindTopic(meta::kOffsetsTopic) == nullptr ||
      image()->FindTopic(meta::kTransactionsTopic) == nullptr) {
    return false;
  }
  LogError("broker", "the disk is full, this process is not registered: ", Message(status));
  return true;
}

void BrokerImpl::SetListeners(std::vector<meta::Listener> listeners) {
  home().Post([this, listeners = std::move(listeners)]() mutable {
    listeners_ = std::move(listeners);
    if (client_ != nullptr) client_->Introduce();
  });
}

// Copies may be found damaged when this process is registered already, and even leads them: the controller hears of it
// in the same way.
void BrokerImpl::NoteDamaged(const meta::PartitionKey& key, const absl::Status& status) {
  std::erase(damaged_, key);
  if (status.ok()) return;
  damaged_.push_back(key);
  if (client_ != nullptr) client_->Introduce();
}

void BrokerImpl::NoteCleanShutdown() {
  // The end of a log that was not opened may be in the page cache only, from an earlier process that was killed.
  if (shards_opening_ > 0) {
    LogInfo("broker", "stopped before all partitions were open: this does not count as a clean shutdown");
    return;
  }
  const meta::BrokerPtr broker = metadata_ == nullptr ? nullptr : image()->FindBroker(options_.node_id);
  if (broker == nullptr || broker->registration.incarnation != life_.incarnation) return;
  const absl::Status written = EndLife(disk_, options_.data_dir, life_, broker->epoch());
  if (!written.ok()) LogWarning("broker", "the next start will take this stop for a crash: ", Message(written));
}

}  // namespace leat::broker
