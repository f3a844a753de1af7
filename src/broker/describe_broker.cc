// DescribeBroker: the broker's settings under the names that Kafka's tools know them by.
#include "broker/broker_impl.h"
#include "broker/log_config.h"

namespace leat::broker {
namespace {

std::string Flag(bool value) { return value ? "true" : "false"; }
std::string Millis(Duration duration) { return StrCat(absl::ToInt64Milliseconds(duration)); }

}  // namespace

void BrokerImpl::DescribeBroker(Callback<std::vector<BrokerConfig>> done) {
  home().Post([this, done = std::move(done)]() mutable {
    const meta::Configs topic = DefaultConfigs(options_.log_defaults);
    const auto of_topic = [&](const char* name) { return topic.at(name); };
    const std::string node = StrCat(options_.node_id.value());
    std::vector<BrokerConfig> configs = {
        {"auto.create.topics.enable", Flag(options_.auto_create_topics), "topics.auto_create"},
        {"broker.id", node, "node_id"},
        {"default.replication.factor", StrCat(options_.replication_factor), "topics.replication_factor"},
        {"delete.topic.enable", "true", "topics can always be deleted"},
        {"fetch.max.bytes", StrCat(options_.limits.fetch_max_bytes), "limits.fetch_max_bytes"},
        {"group.initial.rebalance.delay.ms", Millis(options_.groups.initial_rebalance_delay),
         "groups.initial_rebalance_delay"},
        {"group.max.session.timeout.ms", Millis(options_.groups.max_session_timeout), "groups.max_session_timeout"},
        {"group.max.size", StrCat(options_.groups.limits.members), "groups.max_members"},
        {"group.min.session.timeout.ms", Millis(options_.groups.min_session_timeout), "groups.min_session_timeout"},
        {"log.cleanup.policy", of_topic("cleanup.policy"), "log.delete_old"},
        {"log.dirs", options_.data_dir, "data_dir"},
        {"log.index.interval.bytes", of_topic("index.interval.bytes"), "log.index_interval_bytes"},
        {"log.message.timestamp.type", of_topic("message.timestamp.type"), "log.timestamp_type"},
        {"log.retention.bytes", of_topic("retention.bytes"), "log.retention_bytes"},
        {"log.retention.check.interval.ms", Millis(options_.retention_check_interval), "log.retention_check_interval"},
        {"log.retention.ms", of_topic("retention.ms"), "log.retention_age"},
        {"log.roll.ms", of_topic("segment.ms"), "log.segment_age"},
        {"log.segment.bytes", of_topic("segment.bytes"), "log.segment_bytes"},
        {"message.max.bytes", of_topic("max.message.bytes"), "log.max_batch_bytes"},
        {"min.insync.replicas", of_topic("min.insync.replicas"), "topics.min_insync_replicas"},
        {"node.id", node, "node_id"},
        {"num.partitions", StrCat(options_.default_partitions), "topics.default_partitions"},
        {"offsets.retention.minutes", StrCat(absl::ToInt64Minutes(options_.groups.offsets_retention)),
         "groups.offsets_retention"},
        {"offsets.topic.num.partitions", StrCat(options_.offsets_partitions), "fixed when the data directory is made"},
        {"offsets.topic.replication.factor", StrCat(options_.replication_factor), "topics.replication_factor"},
        {"process.roles", "broker,controller", "one node is its own controller quorum"},
        {"producer.id.expiration.ms", Millis(options_.log_defaults.producer_expiration), "log.producer_expiration"},
        {"transaction.max.timeout.ms", Millis(options_.max_transaction_timeout), "transactions.max_timeout"},
        {"transaction.state.log.num.partitions", StrCat(options_.transactions_partitions),
         "fixed when the data directory is made"},
        {"transaction.state.log.replication.factor", StrCat(options_.replication_factor), "topics.replication_factor"},
        {"transactional.id.expiration.ms", Millis(options_.transactional_id_expiration), "transactions.id_expiration"},
    };
    done(std::move(configs));
  });
}

}  // namespace leat::broker
