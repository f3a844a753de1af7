#include "broker/log_config.h"

#include <gtest/gtest.h>

namespace leat::broker {
namespace {

TEST(LogConfig, CoordinatedLogsFollowTheDefaultClass) {
  log::LogOptions defaults;
  defaults.durability = log::Durability::kPageCache;
  defaults.retention_age = absl::Hours(1);
  const log::LogOptions options = CoordinatedLogOptions(defaults);
  EXPECT_EQ(options.durability, log::Durability::kPageCache);
  EXPECT_TRUE(options.compact);
  EXPECT_FALSE(options.delete_old) << "offsets do not age with the records of topics";
  EXPECT_EQ(options.retention_age, absl::InfiniteDuration());
}

TEST(LogConfig, CoordinatedLogsForgetProducersAsOthersDo) {
  log::LogOptions defaults;
  defaults.producer_expiration = absl::Hours(2);
  defaults.max_producers = 7;
  const log::LogOptions options = CoordinatedLogOptions(defaults);
  EXPECT_EQ(options.producer_expiration, absl::Hours(2));
  EXPECT_EQ(options.max_producers, 7u);
}

TEST(LogConfig, TheBrokersMinInsyncIsThatOfTopicsThatSayNothing) {
  log::LogOptions defaults;
  defaults.min_insync_replicas = 2;
  EXPECT_EQ(DefaultConfigs(defaults).at("min.insync.replicas"), "2") << "what the controller goes by";
  EXPECT_EQ(TopicLogOptions({}, defaults).min_insync_replicas, 2);
  EXPECT_EQ(CoordinatedLogOptions(defaults).min_insync_replicas, 2);
  EXPECT_EQ(TopicLogOptions({{"min.insync.replicas", "1"}}, defaults).min_insync_replicas, 1);
}

TEST(LogConfig, MetadataIsAlwaysSynced) { EXPECT_EQ(InternalLogOptions().durability, log::Durability::kFsync); }

}  // namespace
}  // namespace leat::broker
