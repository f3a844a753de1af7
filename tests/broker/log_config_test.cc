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

TEST(LogConfig, MetadataIsAlwaysSynced) { EXPECT_EQ(InternalLogOptions().durability, log::Durability::kFsync); }

}  // namespace
}  // namespace leat::broker
