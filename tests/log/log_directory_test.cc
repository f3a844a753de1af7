#include "log/log_directory.h"

#include <gmock/gmock.h>

#include "tests/log/log_fixture.h"

namespace leat::log {
namespace {

using LogDirectoryTest = LogTest;

TEST_F(LogDirectoryTest, RemovesADeletedPartitionAndMakesItAnew) {
  ASSERT_TRUE(Append(Open(), MakeBatch({"a"})).ok());
  std::optional<absl::Status> deleted;
  directory_->DeletePartition(kOrders, [&](absl::Status status) { deleted = std::move(status); });
  EXPECT_EQ(directory_->Find(kOrders), nullptr);
  ASSERT_TRUE(world_.RunUntil([&] { return deleted.has_value(); }));
  EXPECT_TRUE(deleted->ok()) << *deleted;
  EXPECT_TRUE(disk_.Files().empty());
  CutPowerAndReopen();
  EXPECT_EQ(Open().log_end(), model::Offset(0));
}

TEST_F(LogDirectoryTest, RemovesWhatACrashLeftOfADeletion) {
  ASSERT_TRUE(disk_.CreateDirectories("data/log/orders-0.00ab1-delete").ok());
  ASSERT_TRUE(disk_.Open("data/log/orders-0.00ab1-delete/x.log", env::OpenMode::kCreate).ok());
  KillAndReopen();
  EXPECT_TRUE(disk_.Files().empty());
}

TEST_F(LogDirectoryTest, FindsTheFirstRecordAtOrAfterATime) {
  options_.segment_bytes = 700;
  options_.index_interval_bytes = 100;
  PartitionLog& log = Open();
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(Append(log, MakeBatch({"x", "y"}, 1000 + 10 * i)).ok());
  for (int i = 0; i < 60; ++i) {
    const auto found = log.FindTimestamp(995 + 10 * i);
    ASSERT_TRUE(found.ok() && found->has_value()) << found.status();
    EXPECT_EQ((*found)->offset, model::Offset(2 * i));
    EXPECT_EQ((*found)->timestamp_ms, 1000 + 10 * i);
  }
  EXPECT_FALSE(log.FindTimestamp(1591)->has_value());
  EXPECT_EQ((*log.MaxTimestamp())->offset, model::Offset(118));
}

TEST_F(LogDirectoryTest, WritesTheBatchesOfAClientByteForByte) {
  const std::string batch = MakeBatch({"a"});
  ASSERT_TRUE(Append(Open(), batch, 3).ok());
  std::string expected = batch;
  expected.replace(12, 4, std::string("\0\0\0\3", 4));  // the leader epoch; the base offset is 0 already
  EXPECT_EQ(disk_.Content("data/log/orders-0/00000000000000000000.log"), expected);
  ASSERT_TRUE(CloseDirectory().ok());
  EXPECT_EQ(disk_.Content("data/log/orders-0/leader-epoch-checkpoint"), "0\n1\n3 0\n");
  EXPECT_EQ(disk_.Content("data/log/orders-0/recovery-point-offset-checkpoint"), "0\n1\norders 0 1\n");
}

}  // namespace
}  // namespace leat::log
