#include "log/log_directory.h"

#include <gmock/gmock.h>

#include "log/change_mark.h"
#include "log/damage.h"
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

// Thousands of partitions must not be synced before they are served again.
TEST_F(LogDirectoryTest, SyncsNothingOfALogThatWasClosed) {
  ASSERT_TRUE(Append(Open(), MakeBatch({"a", "b"})).ok());
  CloseAndReopen();
  const uint64_t before = disk_.syncs();
  PartitionLog& log = Open();
  EXPECT_EQ(log.durable_end(), model::Offset(2));
  EXPECT_THAT(ReadAll(log), testing::ElementsAre("a", "b"));
  EXPECT_EQ(disk_.syncs(), before);
  options_.durability = Durability::kPageCache;
  log.SetOptions(options_);
  ASSERT_TRUE(Append(log, MakeBatch({"c"})).ok());
  EXPECT_EQ(disk_.syncs(), before);
}

TEST_F(LogDirectoryTest, SyncsALogThatWasKilledInClassFAlone) {
  for (const Durability durability : {Durability::kFsync, Durability::kPageCache}) {
    options_.durability = durability;
    const model::TopicPartition tp{durability == Durability::kFsync ? "f" : "p", model::PartitionId(0)};
    ASSERT_TRUE(Append(Open(tp), MakeBatch({"a"})).ok());
    KillAndReopen();
    const uint64_t before = disk_.syncs();
    PartitionLog& log = Open(tp);
    EXPECT_EQ(disk_.syncs() > before, durability == Durability::kFsync);
    EXPECT_EQ(log.durable_end(), model::Offset(durability == Durability::kFsync ? 1 : 0));
    EXPECT_THAT(ReadAll(log), testing::ElementsAre("a"));
  }
}

// In class P the next checkpoint syncs what the process before had not.
TEST_F(LogDirectoryTest, ACheckpointSyncsWhatAKilledProcessHadNot) {
  options_.durability = Durability::kPageCache;
  options_.segment_bytes = 200;
  PartitionLog& log = Open();
  for (const char* value : {"a", "b", "c", "d", "e"}) ASSERT_TRUE(Append(log, MakeBatch({value})).ok());
  KillAndReopen();
  PartitionLog& again = Open();
  EXPECT_GT(again.segment_count(), 1);
  world_.RunFor(absl::Minutes(2));
  EXPECT_EQ(again.durable_end(), model::Offset(5));
  CutPowerAndReopen();
  EXPECT_THAT(ReadAll(Open()), testing::ElementsAre("a", "b", "c", "d", "e"));
}

// A process that died between a cut and its sync: the tail must not come back behind new records.
TEST_F(LogDirectoryTest, ATailThatWasCutDoesNotComeBackBehindNewRecords) {
  ASSERT_TRUE(Append(Open(), MakeBatch({"a"})).ok());
  CloseAndReopen();
  const std::string path = "data/log/orders-0/00000000000000000000.log";
  const std::string whole = disk_.Content(path);
  {
    // What lies behind the recovery point is on the disk, and gone from the page cache alone.
    auto file = disk_.Open(path, env::OpenMode::kReadWrite).value();
    ASSERT_TRUE(file->WriteAt(whole.size(), "no batch at all").ok());
    ASSERT_TRUE(file->Sync().ok());
    ASSERT_TRUE(MarkChange(disk_, kFolder).ok());
    ASSERT_TRUE(file->Truncate(whole.size()).ok());
  }
  ASSERT_TRUE(Append(Open(), MakeBatch({"b"})).ok());
  EXPECT_FALSE(disk_.Exists(env::JoinPath(kFolder, kChangeMark)).value());
  CutPowerAndReopen();
  EXPECT_THAT(ReadAll(Open()), testing::ElementsAre("a", "b"));
}

// Wherever the process of a recovery dies, the next one writes behind a tail that is gone for good.
TEST_F(LogDirectoryTest, ARecoveryThatDiesAnywhereLeavesNoTailBehind) {
  page_cache_ = PageCache::kWhole;
  options_.durability = Durability::kPageCache;
  for (int round = 0; round < 600; ++round) {
    const int calls = 1 + round % 60;
    const model::TopicPartition tp{"t", model::PartitionId(round)};
    ASSERT_TRUE(Append(Open(tp), MakeBatch({"kept"})).ok());
    const std::string folder = StrCat("data/log/t-", round);
    {
      const auto file = disk_.Open(StrCat(folder, "/00000000000000000000.log"), env::OpenMode::kReadWrite).value();
      std::string torn = MakeBatch({std::string(1000, 'x')});
      model::SetBaseOffset(torn.data(), model::Offset(1));
      model::SetLeaderEpoch(torn.data(), model::LeaderEpoch(0));
      ASSERT_TRUE(file->WriteAt(file->Size().value(), torn.substr(0, 600)).ok());
      ASSERT_TRUE(file->Sync().ok() && disk_.SyncDirectory(folder).ok() && disk_.SyncDirectory("data/log").ok());
    }
    Kill();
    disk_.LosePowerAfter(static_cast<uint64_t>(calls));
    if (auto dying = OpenLogDirectory(disk_, *shard_, directory_options_, page_cache_); dying.ok()) {
      (*dying)->OpenPartition(tp, options_).status().IgnoreError();
    }
    disk_.LosePowerAfter(UINT64_MAX);  // only the process has died
    OpenDirectory();
    ASSERT_TRUE(Append(Open(tp), MakeBatch({"next"})).ok());
    CutPowerAndReopen();
    const absl::StatusOr<PartitionLog*> left = directory_->OpenPartition(tp, options_);
    ASSERT_TRUE(left.ok()) << "the process died at call " << calls << ": " << left.status();
    EXPECT_EQ(ReadAll(**left).at(0), "kept");
    EXPECT_LE((*left)->log_end(), model::Offset(2));
  }
}

// Gigabytes that the kernel still has as they were written are checked when they are read.
TEST_F(LogDirectoryTest, LooksAtHeadersAloneWhereThePageCacheIsWhole) {
  options_.durability = Durability::kPageCache;
  PartitionLog& log = Open();
  ASSERT_TRUE(Append(log, MakeBatch({"a"})).ok());
  const size_t first = disk_.Content("data/log/orders-0/00000000000000000000.log").size();
  ASSERT_TRUE(Append(log, MakeBatch({"b"})).ok());
  Kill();
  disk_.FlipBit("data/log/orders-0/00000000000000000000.log", first - 1, 0);
  OpenDirectory();
  EXPECT_TRUE(IsDamage(OpenStatus()));
  // It was not opened: the next process does not believe in it either.
  page_cache_ = PageCache::kWhole;
  KillAndReopen();
  EXPECT_TRUE(IsDamage(OpenStatus()));
  Kill();
  disk_.FlipBit("data/log/orders-0/00000000000000000000.log", first - 1, 0);
  OpenDirectory();
  Open();
  Kill();
  disk_.FlipBit("data/log/orders-0/00000000000000000000.log", first - 1, 0);
  OpenDirectory();
  PartitionLog& whole = Open();
  EXPECT_EQ(whole.log_end(), model::Offset(2));
  EXPECT_TRUE(absl::IsDataLoss(whole.Read(model::Offset(0), 1, model::Isolation::kReadUncommitted).status()));
}

TEST_F(LogDirectoryTest, CutsAWriteThatAKilledProcessDidNotEnd) {
  page_cache_ = PageCache::kWhole;
  options_.durability = Durability::kPageCache;
  ASSERT_TRUE(Append(Open(), MakeBatch({"a"})).ok());
  Kill();
  const std::string path = "data/log/orders-0/00000000000000000000.log";
  const std::string whole = disk_.Content(path);
  std::string next = MakeBatch({std::string(100, 'b')});
  model::SetBaseOffset(next.data(), model::Offset(1));
  model::SetLeaderEpoch(next.data(), model::LeaderEpoch(0));
  ASSERT_TRUE(disk_.Open(path, env::OpenMode::kReadWrite).value()->WriteAt(whole.size(), next.substr(0, 70)).ok());
  OpenDirectory();
  PartitionLog& log = Open();
  EXPECT_EQ(log.recovery().cut_bytes, 70u);
  EXPECT_THAT(ReadAll(log), testing::ElementsAre("a"));
  EXPECT_EQ(log.durable_end(), model::Offset(1));
}

// Thousands of topics that were just made must not keep the disk from others.
TEST_F(LogDirectoryTest, SyncsNothingForALogThatNobodyHasWrittenTo) {
  const uint64_t before = disk_.syncs();
  Open();
  Open({"copied", model::PartitionId(0)}).SetWatermarkBy(WatermarkBy::kOwner);
  world_.RunFor(absl::Minutes(5));
  EXPECT_EQ(disk_.syncs(), before);
  EXPECT_TRUE(CloseDirectory().ok());
  EXPECT_EQ(disk_.syncs(), before);
}

// Knows how much the disk's threads have to do.
class BusyShard : public env::Shard {
 public:
  explicit BusyShard(env::Shard& shard) : shard_(shard) {}
  Instant Now() const override { return shard_.Now(); }
  int64_t WallMillis() const override { return shard_.WallMillis(); }
  void Post(env::Closure closure) override { shard_.Post(std::move(closure)); }
  std::unique_ptr<env::Timer> RunAt(Instant when, env::Closure closure) override {
    return shard_.RunAt(when, std::move(closure));
  }
  void RunBlocking(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) override {
    most = std::max(most, ++now);
    shard_.RunBlocking(std::move(work), [this, done = std::move(done)](const absl::Status& status) mutable {
      --now;
      done(status);
    });
  }
  bool IsCurrent() const override { return shard_.IsCurrent(); }

  int now = 0;
  int most = 0;

 private:
  env::Shard& shard_;
};

// All at once would keep the disk's threads from those who wait for them.
TEST_F(LogDirectoryTest, ChecksOnePartitionAfterTheOther) {
  BusyShard busy(*shard_);
  directory_ = LogDirectory::Open(disk_, busy, directory_options_).value();
  options_.durability = Durability::kPageCache;
  constexpr int kPartitions = 50;
  for (int i = 0; i < kPartitions; ++i) {
    ASSERT_TRUE(Append(Open({"many", model::PartitionId(i)}), MakeBatch({"a"})).ok());
  }
  ASSERT_EQ(busy.most, 0);
  world_.RunFor(absl::Minutes(2));
  EXPECT_EQ(busy.most, 1);
  for (int i = 0; i < kPartitions; ++i) {
    EXPECT_EQ(directory_->Find({"many", model::PartitionId(i)})->durable_end(), model::Offset(1));
  }
  Kill();  // the directory before its shard
}

TEST_F(LogDirectoryTest, ClosesALogThatIsOnDiskWithoutASync) {
  ASSERT_TRUE(Append(Open(), MakeBatch({"a"})).ok());
  CloseAndReopen();
  Open();
  const uint64_t before = disk_.syncs();
  EXPECT_TRUE(CloseDirectory().ok());
  EXPECT_EQ(disk_.syncs(), before);
}

}  // namespace
}  // namespace leat::log
