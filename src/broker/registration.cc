// How this node introduces itself to its cluster: as what it registers, and what a node alone decides when it starts.
#include "base/logging.h"
#include "broker/broker_impl.h"
#include "broker/log_config.h"
#include "meta/brokers.h"
#include "meta/draft.h"

namespace leat::broker {

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
  command.broker.directories = {life_.directory};
  command.known_incarnations = life_.earlier;
  command.clean_shutdown_epoch = life_.clean_shutdown_epoch;
  return command;
}

absl::StatusOr<meta::Records> BrokerImpl::DecideStart(const meta::Image& image) {
  const meta::Policy policy = MetaPolicy();
  const model::NodeId self = options_.node_id;
  meta::Draft draft(image);
  LEAT_RETURN_IF_ERROR(draft.Add(meta::FormatCluster(image, cluster_id_)));
  LEAT_RETURN_IF_ERROR(draft.Add(meta::Decide(draft.image(), Registration(), meta::Session::kNone, policy)));
  LEAT_RETURN_IF_ERROR(draft.Add(meta::UnfenceBroker(draft.image(), self, policy)));
  LEAT_RETURN_IF_ERROR(draft.Add(meta::AdoptPartitions(draft.image(), self)));
  const std::pair<std::string_view, int32_t> topics[] = {{meta::kOffsetsTopic, options_.offsets_partitions},
                                                         {meta::kTransactionsTopic, options_.transactions_partitions}};
  for (const auto& [name, partitions] : topics) {
    if (image.FindTopic(name) != nullptr) continue;
    const meta::CreateTopic topic{
        std::string(name), partitions, {{"cleanup.policy", "compact"}}, meta::Origin::kInternal};
    LEAT_RETURN_IF_ERROR(draft.Add(meta::Decide(draft.image(), topic, policy, random_)));
  }
  return draft.Take();
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
    if (shards_[0]->phase != Phase::kServing || life_.incarnation.is_zero()) return;
    SubmitMetadata(
        [this](const meta::Image& image) {
          return meta::Decide(image, Registration(), meta::Session::kNone, MetaPolicy());
        },
        [](const absl::Status& status) {
          if (!status.ok()) LogError("broker", "the cluster was not told of the listeners: ", Message(status));
        });
  });
}

void BrokerImpl::NoteCleanShutdown() {
  const meta::BrokerPtr broker = metadata_ == nullptr ? nullptr : image()->FindBroker(options_.node_id);
  if (broker == nullptr || broker->registration.incarnation != life_.incarnation) return;
  const absl::Status written = EndLife(disk_, options_.data_dir, life_, broker->epoch());
  if (!written.ok()) LogWarning("broker", "the next start will take this stop for a crash: ", Message(written));
}

}  // namespace leat::broker
