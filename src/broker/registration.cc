// How this node stands in its cluster: as what it registers, its controller, its leave.
#include <algorithm>

#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/home_log.h"
#include "broker/log_config.h"
#include "coordinator/local_transport.h"
#include "meta/brokers.h"

namespace leat::broker {
namespace {

constexpr Duration kLeavePatience = absl::Seconds(30);

}  // namespace

meta::Policy BrokerImpl::MetaPolicy() const {
  meta::Policy policy;
  policy.limits = MetaLimits();
  policy.topic_defaults = DefaultConfigs(options_.log_defaults);
  // What was acknowledged is on the disk, or was never promised to be.
  policy.after_unclean_shutdown = meta::AfterUncleanShutdown::kTrustSynced;
  return policy;
}

meta::RegisterBroker BrokerImpl::Registration() const {
  meta::RegisterBroker command;
  command.cluster_id = cluster_id_;
  command.broker.id = options_.node_id;
  command.broker.incarnation = life_.incarnation;
  command.broker.listeners = listeners_;
  command.broker.rack = options_.rack;
  command.broker.directories = {life_.directory};
  command.known_incarnations = life_.earlier;
  command.clean_shutdown_epoch = life_.clean_shutdown_epoch;
  return command;
}

void BrokerImpl::OpenController() {
  if (transport_ == nullptr) {
    local_transport_ = std::make_unique<coordinator::LocalTransport>(options_.node_id.value(), home());
    transport_ = local_transport_.get();
  }
  home_log_ = std::make_unique<HomeLog>(*metadata_, options_.node_id);
  coordinator::Controller::Options controller;
  controller.self = options_.node_id;
  controller.cluster_id = cluster_id_;
  controller.policy = MetaPolicy();
  controller.random_seed = random_.Next();
  controller_ = std::make_unique<coordinator::Controller>(controller, *home_log_, *transport_, home());
  coordinator::ControllerClient::Options client;
  client.self = options_.node_id;
  client.random_seed = random_.Next();
  client_ = std::make_unique<coordinator::ControllerClient>(
      client, *home_log_, *transport_, home(),
      coordinator::ControllerClient::Node{[this] { return Registration(); }, [this] { return AppliedEnd(); }});
}

// A node that nobody could take over from has nothing to hand over.
void BrokerImpl::LeaveCluster(env::Closure left) {
  const std::vector<meta::BrokerPtr> brokers = client_ == nullptr ? std::vector<meta::BrokerPtr>() : image()->Brokers();
  const bool others = std::any_of(brokers.begin(), brokers.end(), [this](const meta::BrokerPtr& broker) {
    return broker->id() != options_.node_id && broker->is_active();
  });
  if (!others) return left();
  client_->LeaveInOrder(kLeavePatience, [this, left = std::move(left)](const absl::Status& status) mutable {
    if (!status.ok()) LogWarning("broker", "stopping although the cluster still counts on it: ", Message(status));
    home().Post(std::move(left));
  });
}

// On a full disk nothing can be written of a new process. What there is can be read, and deleted to make room, and the
// registration of the process before this one says the same of a node that is alone.
bool BrokerImpl::MayServeAsItWas(const absl::Status& status) const {
  if (status.code() != absl::StatusCode::kResourceExhausted) return false;
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

void BrokerImpl::NoteCleanShutdown() {
  const meta::BrokerPtr broker = metadata_ == nullptr ? nullptr : image()->FindBroker(options_.node_id);
  if (broker == nullptr || broker->registration.incarnation != life_.incarnation) return;
  const absl::Status written = EndLife(disk_, options_.data_dir, life_, broker->epoch());
  if (!written.ok()) LogWarning("broker", "the next start will take this stop for a crash: ", Message(written));
}

}  // namespace leat::broker
