// Producers and transactions in a partition's log, over restarts, power cuts and damage.
#include <gtest/gtest.h>

#include "log/file_names.h"
#include "model/error_status.h"
#include "tests/log/log_fixture.h"

namespace leat::log {
namespace {

using model::ErrorCode;
using model::Isolation;
using model::Offset;
using model::TransactionEnd;

constexpr auto kAbort = TransactionEnd::kAbort;
constexpr auto kCommit = TransactionEnd::kCommit;
constexpr auto kCommitted = Isolation::kReadCommitted;

class TransactionsTest : public LogTest {
 protected:
  static ErrorCode Code(const absl::StatusOr<AppendResult>& result) {
    return model::CodeOf(result.status()).value_or(result.ok() ? ErrorCode::kNone : ErrorCode::kUnknownServerError);
  }
  // What a reader of committed records gets: the values, without those of aborted transactions.
  static std::vector<std::string> CommittedValues(PartitionLog& log) {
    std::vector<std::string> values;
    Offset at = log.log_start();
    while (at < log.last_stable_offset()) {
      const auto read = log.Read(at, 1, kCommitted);
      EXPECT_TRUE(read.ok()) << read.status();
      if (!read.ok() || read->batches.empty()) break;
      const model::BatchHeader header = HeaderOf(read->batches);
      const bool aborted =
          header.transactional() &&
          std::any_of(read->aborted.begin(), read->aborted.end(), [&](const auto& transaction) {
            return transaction.producer_id == header.producer_id && transaction.first_offset <= header.base_offset;
          });
      if (!header.control() && !aborted) {
        for (std::string& value : Values(read->batches)) values.push_back(std::move(value));
      }
      at = header.next_offset();
    }
    return values;
  }
  absl::StatusOr<AppendResult> Send(PartitionLog& log, const FromProducer& from, const std::string& value) {
    return from.transactional ? AppendVerified(log, ProducerBatch(from, {value}))
                              : Append(log, ProducerBatch(from, {value}));
  }
  std::string FilePath(int64_t base, std::string_view suffix) { return SegmentPath(kFolder, Offset(base), suffix); }
};

TEST_F(TransactionsTest, AnswersARepeatedBatchWithTheFirstOffset) {
  PartitionLog& log = Open();
  ASSERT_TRUE(Append(log, MakeBatch({"x"})).ok());
  const std::string batch = ProducerBatch({.sequence = 0}, {"a", "b"});
  ASSERT_TRUE(Append(log, batch).ok());
  const auto again = Append(log, batch);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->base_offset, Offset(1));
  EXPECT_EQ(again->last_offset, Offset(2));
  EXPECT_EQ(log.log_end(), Offset(3));
}

TEST_F(TransactionsTest, AnswersARepeatOnlyOnceTheFirstIsOnDisk) {
  PartitionLog& log = Open();
  const std::string batch = ProducerBatch({.sequence = 0}, {"a"});
  int first = 0, second = 0;
  log.Append(batch, {}, [&](auto r) { first += r.ok() ? 1 : -1; });
  log.Append(batch, {}, [&](auto r) { second += r.ok() ? 1 : -1; });
  EXPECT_EQ(second, 0);
  world_.RunUntil([&] { return second != 0; });
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
  EXPECT_EQ(log.log_end(), Offset(1));
}

TEST_F(TransactionsTest, FailsARepeatWhoseFirstCannotBecomeDurable) {
  PartitionLog& log = Open();
  const std::string batch = ProducerBatch({.sequence = 0}, {"a"});
  disk_.faults().sync_eio_one_in = 1;
  std::optional<absl::Status> second;
  log.Append(batch, {}, [](auto) {});
  log.Append(batch, {}, [&](auto r) { second = r.status(); });
  ASSERT_TRUE(world_.RunUntil([&] { return second.has_value(); }));
  EXPECT_TRUE(absl::IsUnavailable(*second)) << *second;
}

TEST_F(TransactionsTest, KnowsRepeatsAfterAPowerCutAndAfterClosing) {
  for (const bool closed : {false, true}) {
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(Send(Open({"orders", model::PartitionId(closed)}), {.sequence = i}, StrCat("v", i)).ok());
      if (i == 2) world_.RunFor(absl::Seconds(61));  // a checkpoint between
      closed ? CloseAndReopen() : CutPowerAndReopen();
    }
    PartitionLog& log = Open({"orders", model::PartitionId(closed)});
    for (int i = 0; i < 5; ++i) EXPECT_EQ(Send(log, {.sequence = i}, StrCat("v", i))->base_offset, Offset(i)) << i;
    EXPECT_EQ(Code(Send(log, {.sequence = 6}, "gap")), ErrorCode::kOutOfOrderSequenceNumber);
    EXPECT_EQ(log.log_end(), Offset(5));
  }
}

TEST_F(TransactionsTest, KeepsProducersWhenTheirRecordsAreDeleted) {
  options_.segment_bytes = 300;
  PartitionLog& log = Open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Send(log, {.sequence = i}, "mine").ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Append(log, MakeBatch({"other"})).ok());
  ASSERT_TRUE(DeleteBefore(log, 20).ok());
  CutPowerAndReopen();
  PartitionLog& again = Open();
  EXPECT_EQ(Code(Send(again, {.sequence = 5}, "gap")), ErrorCode::kOutOfOrderSequenceNumber);
  EXPECT_EQ(Send(again, {.sequence = 2}, "mine")->base_offset, Offset(2));
}

TEST_F(TransactionsTest, ForgetsProducersAfterTheirTimeApartFromRetention) {
  options_.retention_age = absl::InfiniteDuration();
  options_.producer_expiration = absl::Hours(1);
  PartitionLog& log = Open();
  ASSERT_TRUE(Send(log, {.sequence = 3}, "a").ok());
  world_.RunFor(absl::Minutes(50));
  EXPECT_EQ(log.DescribeProducers().size(), 1u);
  world_.RunFor(absl::Minutes(20));
  EXPECT_EQ(log.DescribeProducers().size(), 0u);
}

TEST_F(TransactionsTest, HoldsCommittedReadersBackAtTheFirstOpenTransaction) {
  PartitionLog& log = Open();
  ASSERT_TRUE(Append(log, MakeBatch({"before"})).ok());
  ASSERT_TRUE(Send(log, {.id = 1, .transactional = true}, "one").ok());
  ASSERT_TRUE(Send(log, {.id = 2, .transactional = true}, "two").ok());
  ASSERT_TRUE(Append(log, MakeBatch({"after"})).ok());
  EXPECT_EQ(log.last_stable_offset(), Offset(1));
  EXPECT_EQ(log.Read(Offset(0), 1000, kCommitted)->last_stable_offset, Offset(1));
  EXPECT_EQ(log.Read(Offset(1), 1000, kCommitted)->batches, "");
  EXPECT_EQ(Values(log.Read(Offset(0), 1000)->batches).size(), 4u) << "others read all";
  ASSERT_TRUE(EndWith(log, EndOfTransaction(2, kAbort)).ok());
  EXPECT_EQ(log.last_stable_offset(), Offset(1)) << "1 is open";
  ASSERT_TRUE(EndWith(log, EndOfTransaction(1, kCommit)).ok());
  EXPECT_EQ(log.last_stable_offset(), log.high_watermark());
  EXPECT_EQ(CommittedValues(log), (std::vector<std::string>{"before", "one", "after"}));
}

TEST_F(TransactionsTest, CountsATransactionAsOpenUntilItsMarkerIsDurable) {
  PartitionLog& log = Open();
  ASSERT_TRUE(Send(log, {.transactional = true}, "a").ok());
  bool ended = false;
  log.AppendMarker(EndOfTransaction(7, kCommit), model::LeaderEpoch(0), [&](auto) { ended = true; });
  EXPECT_EQ(log.last_stable_offset(), Offset(0));
  ASSERT_TRUE(world_.RunUntil([&] { return ended; }));
  EXPECT_EQ(log.last_stable_offset(), Offset(2));
}

TEST_F(TransactionsTest, WakesCommittedReadersWhenTheStableOffsetMoves) {
  PartitionLog& log = Open();
  ASSERT_TRUE(Send(log, {.transactional = true}, "a").ok());
  int all = 0, committed = 0;
  log.WaitForData(Offset(0), [&] { ++all; });
  log.WaitForData(
      Offset(0), [&] { ++committed; }, kCommitted);
  EXPECT_EQ(all, 1);
  EXPECT_EQ(committed, 0);
  ASSERT_TRUE(Append(log, MakeBatch({"x"})).ok());
  EXPECT_EQ(committed, 0) << "the end of the log is not the end of what is stable";
  ASSERT_TRUE(EndWith(log, EndOfTransaction(7, kAbort)).ok());
  EXPECT_EQ(committed, 1);
}

TEST_F(TransactionsTest, LooksTimesUpAmongStableRecordsOnly) {
  PartitionLog& log = Open();
  ASSERT_TRUE(Append(log, MakeBatch({"x"}, 1000)).ok());
  ASSERT_TRUE(AppendVerified(log, ProducerBatch({.transactional = true}, {"a"}, 2000)).ok());
  EXPECT_EQ((*log.FindTimestamp(1500))->offset, Offset(1));
  EXPECT_EQ(*log.FindTimestamp(1500, kCommitted), std::nullopt);
  EXPECT_EQ((*log.MaxTimestamp(kCommitted))->offset, Offset(0));
  EXPECT_EQ((*log.MaxTimestamp())->offset, Offset(1));
}

TEST_F(TransactionsTest, RefusesABatchThatNobodyVerified) {
  PartitionLog& log = Open();
  EXPECT_EQ(Code(Append(log, ProducerBatch({.transactional = true}, {"a"}))), ErrorCode::kInvalidTxnState);
  EXPECT_EQ(log.log_end(), Offset(0));
  const VerificationTicket ticket = log.StartVerification(model::ProducerId(7), 0);
  // The transaction ends while the coordinator is asked: a batch that was delayed must not begin another one.
  ASSERT_TRUE(EndWith(log, EndOfTransaction(7, kAbort)).ok());
  std::optional<absl::StatusOr<AppendResult>> late;
  log.Append(ProducerBatch({.transactional = true}, {"late"}), {.verification = ticket},
             [&](auto r) { late = std::move(r); });
  ASSERT_TRUE(world_.RunUntil([&] { return late.has_value(); }));
  EXPECT_EQ(Code(*late), ErrorCode::kInvalidTxnState);
  ASSERT_TRUE(Send(log, {.transactional = true}, "a").ok());
  EXPECT_EQ(log.StartVerification(model::ProducerId(7), 0), VerificationTicket::kNone) << "open: nothing to ask";
  EXPECT_TRUE(Append(log, ProducerBatch({.sequence = 1, .transactional = true}, {"b"})).ok());
}

TEST_F(TransactionsTest, RefusesSeveralBatchesOfAProducerAtOnce) {
  PartitionLog& log = Open();
  EXPECT_EQ(Code(Append(log, ProducerBatch({.sequence = 0}, {"a"}) + ProducerBatch({.sequence = 1}, {"b"}))),
            ErrorCode::kInvalidRecord);
}

TEST_F(TransactionsTest, RefusesControlBatchesFromClients) {
  PartitionLog& log = Open();
  const std::string marker = model::EncodeMarkerBatch({model::ProducerId(7), 0, {kCommit, 0}, 1000});
  EXPECT_EQ(Code(Append(log, marker)), ErrorCode::kInvalidRecord);
}

TEST_F(TransactionsTest, KnowsOpenAndAbortedTransactionsAfterAPowerCut) {
  options_.segment_bytes = 400;
  options_.durability = Durability::kFsync;
  std::vector<std::string> expected;
  for (int i = 0; i < 30; ++i) {
    PartitionLog& log = *directory_->OpenPartition(kOrders, options_).value();
    const int64_t id = 1 + i % 3;
    const auto sequence = static_cast<int32_t>(i / 3);
    ASSERT_TRUE(Send(log, {.id = id, .sequence = sequence, .transactional = true}, StrCat("v", i)).ok());
    ASSERT_TRUE(Append(log, MakeBatch({StrCat("plain", i)})).ok());
    expected.push_back(StrCat("plain", i));
    if (i % 5 == 4) {
      // The other two stay open over the restart.
      ASSERT_TRUE(EndWith(log, EndOfTransaction(id, i % 2 == 0 ? kAbort : kCommit)).ok());
    }
    if (i % 7 == 3) world_.RunFor(absl::Seconds(61));
    const auto before = log.DescribeProducers();
    const Offset stable = log.last_stable_offset();
    i % 2 == 0 ? CutPowerAndReopen() : CloseAndReopen();
    PartitionLog& again = Open();
    EXPECT_EQ(again.last_stable_offset(), stable) << i;
    const auto after = again.DescribeProducers();
    ASSERT_EQ(after.size(), before.size());
    for (size_t k = 0; k < after.size(); ++k) {
      EXPECT_EQ(after[k].open_since, before[k].open_since);
      EXPECT_EQ(after[k].last_sequence, before[k].last_sequence);
    }
    KillAndReopen();
  }
  PartitionLog& log = Open();
  for (int64_t id = 1; id <= 3; ++id) ASSERT_TRUE(EndWith(log, EndOfTransaction(id, kAbort)).ok());
  std::vector<std::string> plain;
  for (std::string& value : CommittedValues(log)) {
    if (value.starts_with("plain")) plain.push_back(std::move(value));
  }
  EXPECT_EQ(plain, expected);
}

// Fills several segments with aborted transactions that span them, and closes.
class AbortedTransactionsTest : public TransactionsTest {
 protected:
  void Fill() {
    options_.segment_bytes = 500;
    options_.index_interval_bytes = 100;
    PartitionLog& log = Open();
    int32_t sequence[3] = {0, 0, 0};
    for (int i = 0; i < 40; ++i) {
      const int64_t id = i % 3;
      ASSERT_TRUE(Send(log, {.id = id, .sequence = sequence[id]++, .transactional = true}, StrCat("aborted", i)).ok());
      ASSERT_TRUE(Append(log, MakeBatch({StrCat("plain", i)})).ok());
      expected_.push_back(StrCat("plain", i));
      if (i % 4 != 3) continue;
      ASSERT_TRUE(EndWith(log, EndOfTransaction(id, kAbort)).ok());
    }
    for (int64_t id = 0; id < 3; ++id) ASSERT_TRUE(EndWith(log, EndOfTransaction(id, kAbort)).ok());
    ASSERT_GT(log.segment_count(), 5);
    ASSERT_EQ(CommittedValues(log), expected_);
    CloseAndReopen();
  }
  std::vector<std::string> Files(std::string_view suffix) {
    std::vector<std::string> paths;
    const std::vector<std::string> names = disk_.List(kFolder).value();
    for (const std::string& name : names) {
      if (name.ends_with(suffix)) paths.push_back(env::JoinPath(kFolder, name));
    }
    return paths;
  }
  void WriteOver(const std::string& path, std::string_view bytes) {
    ASSERT_TRUE(env::WriteFileAtomically(disk_, path, bytes).ok());
  }
  std::vector<std::string> expected_;
};

TEST_F(AbortedTransactionsTest, AreReadBackFromTheirFiles) {
  Fill();
  EXPECT_GE(Files(kAbortedIndexSuffix).size(), 3u);
  EXPECT_EQ(CommittedValues(Open()), expected_);
  EXPECT_EQ(Open({"other", model::PartitionId(0)}).recovery().scanned_bytes, 0u);
}

TEST_F(AbortedTransactionsTest, AreFoundAgainWhenAFileIsDamaged) {
  Fill();
  const std::vector<std::string> files = Files(kAbortedIndexSuffix);
  // The one of the last segment, which recovery looks at, and another.
  for (const std::string& path : {files.front(), files.back()}) {
    const std::string good = env::ReadWholeFile(disk_, path).value();
    for (size_t bit = 0; bit < 8 * good.size(); bit += 3) {
      // The last stable offset, which ends an entry, is only plausible: the file has no checksum.
      if (bit / 8 % AbortedIndex::kEntryBytes >= 26) continue;
      std::string damaged = good;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      WriteOver(path, damaged);
      ASSERT_EQ(CommittedValues(Open()), expected_) << path << " bit " << bit;
      KillAndReopen();
    }
    WriteOver(path, good.substr(0, good.size() - 1));
    EXPECT_EQ(CommittedValues(Open()), expected_) << path;
    ASSERT_TRUE(CloseDirectory().ok());
    KillAndReopen();
    EXPECT_EQ(env::ReadWholeFile(disk_, path).value(), good) << "written again";
  }
}

TEST_F(AbortedTransactionsTest, AreFoundAgainWithoutAnySnapshot) {
  Fill();
  for (const std::string& path : Files(kSnapshotSuffix)) ASSERT_TRUE(disk_.Remove(path).ok());
  for (const std::string& path : Files(kAbortedIndexSuffix)) WriteOver(path, "damaged");
  EXPECT_EQ(CommittedValues(Open()), expected_);
}

TEST_F(AbortedTransactionsTest, ADamagedSnapshotGivesWayToAnOlderOneOrTheLog) {
  Fill();
  const auto before = [&] {
    PartitionLog& log = Open();
    return log.DescribeProducers();
  }();
  ASSERT_EQ(before.size(), 3u);
  std::vector<std::string> snapshots = Files(kSnapshotSuffix);
  ASSERT_GE(snapshots.size(), 3u);
  KillAndReopen();
  while (!snapshots.empty()) {
    WriteOver(snapshots.back(), "damaged");
    snapshots.pop_back();
    const auto after = Open().DescribeProducers();
    ASSERT_EQ(after.size(), 3u);
    for (size_t k = 0; k < 3; ++k) {
      EXPECT_EQ(after[k].last_sequence, before[k].last_sequence);
      EXPECT_EQ(after[k].coordinator_epoch, before[k].coordinator_epoch);
    }
    KillAndReopen();
  }
}

TEST_F(AbortedTransactionsTest, GoWithTheirSegmentsAndLeaveNoFiles) {
  Fill();
  PartitionLog& log = Open();
  ASSERT_TRUE(DeleteBefore(log, log.high_watermark().value()).ok());
  ASSERT_TRUE(CloseDirectory().ok());
  KillAndReopen();
  PartitionLog& again = Open();
  EXPECT_EQ(again.segment_count(), 1);
  EXPECT_LE(Files(kAbortedIndexSuffix).size(), 1u);
  EXPECT_LE(Files(kSnapshotSuffix).size(), 3u);
  EXPECT_EQ(again.DescribeProducers().size(), 3u);
}

TEST_F(TransactionsTest, DeletingRecordsOfAnOpenTransactionMovesTheStableOffsetAlong) {
  PartitionLog& log = Open();
  ASSERT_TRUE(Send(log, {.transactional = true}, "a").ok());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Append(log, MakeBatch({"x"})).ok());
  ASSERT_TRUE(DeleteBefore(log, 4).ok());
  EXPECT_EQ(log.last_stable_offset(), Offset(4));
  CutPowerAndReopen();
  PartitionLog& again = Open();
  EXPECT_EQ(again.last_stable_offset(), Offset(4)) << "still open";
  ASSERT_TRUE(EndWith(again, EndOfTransaction(7, kAbort)).ok());
  EXPECT_EQ(again.last_stable_offset(), again.high_watermark());
  EXPECT_EQ(CommittedValues(again).size(), 2u);
}

TEST_F(TransactionsTest, WritesNoSnapshotWithoutProducers) {
  options_.segment_bytes = 200;
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Append(i == 0 ? Open() : *directory_->Find(kOrders), MakeBatch({"x"})).ok());
  CloseAndReopen();
  const std::vector<std::string> names = disk_.List(kFolder).value();
  EXPECT_GT(names.size(), 3u);
  for (const std::string& name : names) {
    EXPECT_FALSE(name.ends_with(kSnapshotSuffix) || name.ends_with(kAbortedIndexSuffix)) << name;
  }
}

}  // namespace
}  // namespace leat::log
