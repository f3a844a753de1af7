#include "coordinator/txn_coordinator.h"

#include <gtest/gtest.h>

#include "tests/support/sim_disk.h"
#include "tests/support/sim_shard.h"
#include "tests/support/sim_world.h"

namespace leat::coordinator {
namespace {

using model::ErrorCode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const model::TopicPartition kFirst{"t", model::PartitionId(0)};
const model::TopicPartition kSecond{"t", model::PartitionId(1)};

// Takes markers after a while, or not at all.
class FakePort final : public TxnPort {
 public:
  explicit FakePort(sim::SimShard& shard) : shard_(shard) {}
  void ReserveProducerIds(int64_t count, absl::AnyInvocable<void(absl::StatusOr<Block>)> done) override {
    ++reservations;
    if (!ids.ok()) {
      shard_.Post([done = std::move(done), status = ids]() mutable { done(status); });
      return;
    }
    next_ += count;
    shard_.Post([done = std::move(done), block = Block{next_ - count, next_}]() mutable { done(block); });
  }
  void WriteMarker(const txn::Markers& markers, const model::TopicPartition& partition,
                   absl::AnyInvocable<void(absl::Status)> done) override {
    ++attempts;
    const bool fails = failing.contains(partition);
    if (!fails) {
      written.push_back(StrCat(partition.ToString(), " ", markers.result == txn::Result::kCommit ? "commit" : "abort",
                               " ", markers.producer_epoch));
    }
    const absl::Status status = fails ? Unavailable("the partition is away") : absl::OkStatus();
    shard_.Post([done = std::move(done), status]() mutable { done(status); });
  }

  void OnEnded(txn::Result result, Duration markers_took) override { ended.emplace_back(result, markers_took); }
  void OnTimedOut() override { ++timed_out; }

  absl::Status ids;
  std::vector<std::pair<txn::Result, Duration>> ended;
  int timed_out = 0;
  std::set<model::TopicPartition> failing;
  std::vector<std::string> written;
  int attempts = 0;
  int reservations = 0;

 private:
  sim::SimShard& shard_;
  int64_t next_ = 1;
};

class TxnCoordinators : public ::testing::Test {
 protected:
  TxnCoordinators() { Open(); }
  ~TxnCoordinators() override { Kill(); }
  void Open() {
    directory_ = *log::LogDirectory::Open(disk_, shard_, {.path = "/log"});
    log_ = *directory_->OpenPartition({"t", model::PartitionId(0)}, {});
    coordinator_ = *TxnCoordinator::Open({log_}, shard_, port_, {});
    coordinator_->Start();
  }
  void Kill() {
    while (world_.queued() > 0) shard_.Kill();
    directory_.reset();
    coordinator_.reset();
  }
  txn::Decision Init(const std::string& id, int32_t timeout_ms = 60'000) {
    txn::Decision got;
    coordinator_->InitProducerId({{id}, timeout_ms}, [&](txn::Decision decision) { got = std::move(decision); });
    world_.RunFor(absl::Milliseconds(50));
    return got;
  }
  txn::Decision Add(const txn::Identity& producer, std::vector<model::TopicPartition> partitions) {
    txn::Decision got;
    got.code = ErrorCode::kRequestTimedOut;
    coordinator_->AddPartitions({producer, std::move(partitions), txn::Version::kEpochPerTransaction},
                                [&](txn::Decision decision) { got = std::move(decision); });
    world_.RunFor(absl::Milliseconds(50));
    return got;
  }
  txn::Decision Commit(const txn::Identity& producer) {
    txn::Decision got;
    coordinator_->End({producer, txn::Result::kCommit, txn::Version::kEpochPerTransaction},
                      [&](txn::Decision decision) { got = std::move(decision); });
    world_.RunFor(absl::Milliseconds(50));
    return got;
  }
  txn::State StateOf(const std::string& id) { return coordinator_->core().Find(id)->state; }

  sim::SimWorld world_{1};
  sim::SimDisk disk_{1};
  sim::SimShard shard_{world_};
  FakePort port_{shard_};
  std::unique_ptr<log::LogDirectory> directory_;
  log::PartitionLog* log_ = nullptr;
  std::unique_ptr<TxnCoordinator> coordinator_;
};

TEST_F(TxnCoordinators, TriesMarkersAgainUntilEachPartitionHasItsOwn) {
  const txn::Decision producer = Init("a");
  Add({"a", producer.producer_id, 0}, {kFirst, kSecond});
  port_.failing = {kSecond};
  EXPECT_TRUE(Commit({"a", producer.producer_id, 0}).ok()) << "answered when it is decided";
  world_.RunFor(absl::Seconds(2));
  EXPECT_EQ(StateOf("a"), txn::State::kPrepareCommit);
  EXPECT_GT(port_.attempts, 3);
  EXPECT_LT(port_.attempts, 10) << "the pauses grow";
  EXPECT_EQ(coordinator_->backlog().transactions, 1u);
  EXPECT_EQ(coordinator_->backlog().markers, 1u);
  EXPECT_THAT(port_.ended, IsEmpty());
  port_.failing.clear();
  world_.RunFor(absl::Seconds(5));
  EXPECT_EQ(StateOf("a"), txn::State::kCompleteCommit);
  EXPECT_THAT(port_.written, ElementsAre("t-0 commit 1", "t-1 commit 1"));
  EXPECT_EQ(coordinator_->backlog().transactions, 0u);
  ASSERT_EQ(port_.ended.size(), 1u);
  EXPECT_EQ(port_.ended[0].first, txn::Result::kCommit);
  EXPECT_GT(port_.ended[0].second, absl::Seconds(2));
}

TEST_F(TxnCoordinators, GoesOnWithMarkersAfterAPowerCut) {
  const txn::Decision producer = Init("a");
  Add({"a", producer.producer_id, 0}, {kFirst});
  port_.failing = {kFirst};
  EXPECT_TRUE(Commit({"a", producer.producer_id, 0}).ok());
  Kill();
  disk_.PowerCut();
  port_.failing.clear();
  Open();
  world_.RunFor(absl::Milliseconds(100));
  EXPECT_EQ(StateOf("a"), txn::State::kCompleteCommit);
  EXPECT_THAT(port_.written, ElementsAre("t-0 commit 1"));
}

TEST_F(TxnCoordinators, ACommandWaitsForTheMarkersButNotForEver) {
  const txn::Decision producer = Init("a");
  Add({"a", producer.producer_id, 0}, {kFirst});
  port_.failing = {kFirst};
  Commit({"a", producer.producer_id, 0});
  std::optional<ErrorCode> early, late;
  coordinator_->AddPartitions({{"a", producer.producer_id, 1}, {kFirst}, txn::Version::kEpochPerTransaction},
                              [&](const txn::Decision& decision) { early = decision.code; });
  world_.RunFor(absl::Seconds(1));
  EXPECT_EQ(early, std::nullopt);
  world_.RunFor(absl::Seconds(2));
  EXPECT_EQ(early, ErrorCode::kConcurrentTransactions);
  coordinator_->AddPartitions({{"a", producer.producer_id, 1}, {kFirst}, txn::Version::kEpochPerTransaction},
                              [&](const txn::Decision& decision) { late = decision.code; });
  port_.failing.clear();
  world_.RunFor(absl::Seconds(6));
  EXPECT_TRUE(late.has_value());
}

TEST_F(TxnCoordinators, InitProducerIdAbortsWhatIsOpenAndThenAnswers) {
  const txn::Decision old = Init("a");
  Add({"a", old.producer_id, 0}, {kFirst});
  const txn::Decision now = Init("a");
  EXPECT_TRUE(now.ok()) << now.message;
  EXPECT_EQ(now.producer_epoch, 2);
  EXPECT_THAT(port_.written, ElementsAre("t-0 abort 1"));
}

TEST_F(TxnCoordinators, PartitionsThatComeTogetherAreWrittenTogether) {
  const txn::Decision producer = Init("a");
  const model::Offset before = log_->log_end();
  int answered = 0;
  for (int32_t i = 0; i < 50; ++i) {
    coordinator_->AddPartitions({{"a", producer.producer_id, 0}, {{"t", model::PartitionId(i)}}},
                                [&](const txn::Decision& decision) { answered += decision.ok() ? 1 : 0; });
  }
  world_.RunFor(absl::Milliseconds(100));
  EXPECT_EQ(answered, 50);
  EXPECT_EQ(coordinator_->core().Find("a")->partitions.size(), 50u);
  EXPECT_EQ(log_->log_end() - before, 2);
}

TEST_F(TxnCoordinators, AbortsWhatTakesLongerThanItsTimeout) {
  const txn::Decision producer = Init("a", 1000);
  Add({"a", producer.producer_id, 0}, {kFirst});
  world_.RunFor(absl::Milliseconds(700));
  EXPECT_EQ(StateOf("a"), txn::State::kOngoing);
  world_.RunFor(absl::Milliseconds(400));
  EXPECT_EQ(StateOf("a"), txn::State::kCompleteAbort);
  EXPECT_EQ(port_.timed_out, 1);
  ASSERT_EQ(port_.ended.size(), 1u);
  EXPECT_EQ(port_.ended[0].first, txn::Result::kAbort);
  EXPECT_EQ(Commit({"a", producer.producer_id, 0}).code, ErrorCode::kProducerFenced);
}

TEST_F(TxnCoordinators, AbortsAfterTheDiskHasRoomAgain) {
  const txn::Decision producer = Init("a", 1000);
  Add({"a", producer.producer_id, 0}, {kFirst});
  disk_.faults().capacity_bytes = disk_.used_bytes();
  EXPECT_EQ(Commit({"a", producer.producer_id, 0}).code, ErrorCode::kCoordinatorNotAvailable);
  world_.RunFor(absl::Seconds(3));
  EXPECT_EQ(StateOf("a"), txn::State::kOngoing);
  EXPECT_THAT(port_.written, IsEmpty());
  disk_.faults().capacity_bytes.reset();
  world_.RunFor(absl::Seconds(1));
  EXPECT_EQ(StateOf("a"), txn::State::kCompleteAbort);
}

TEST_F(TxnCoordinators, SaysSoWhenNoProducerIdCanBeReserved) {
  port_.ids = Unavailable("no disk");
  EXPECT_EQ(Init("a").code, ErrorCode::kCoordinatorNotAvailable);
  absl::StatusOr<model::ProducerId> id;
  coordinator_->NewProducerId([&](absl::StatusOr<model::ProducerId> got) { id = std::move(got); });
  world_.RunFor(absl::Milliseconds(10));
  EXPECT_FALSE(id.ok());
  port_.ids = absl::OkStatus();
  EXPECT_TRUE(Init("a").ok());
}

TEST_F(TxnCoordinators, TakesABlockOfProducerIdsForMany) {
  std::set<int64_t> ids;
  for (int i = 0; i < 1500; ++i) {
    coordinator_->NewProducerId([&](absl::StatusOr<model::ProducerId> id) { ids.insert(id->value()); });
  }
  world_.RunFor(absl::Milliseconds(10));
  EXPECT_EQ(ids.size(), 1500u);
  EXPECT_EQ(port_.reservations, 2);
}

TEST_F(TxnCoordinators, RefusesAFloodOfCommandsOfOneId) {
  const txn::Decision producer = Init("a");
  Add({"a", producer.producer_id, 0}, {kFirst});
  port_.failing = {kFirst};
  Commit({"a", producer.producer_id, 0});
  int refused = 0;
  for (int i = 0; i < 150; ++i) {
    coordinator_->InitProducerId({{"a"}}, [&](const txn::Decision& decision) {
      refused += decision.code == ErrorCode::kConcurrentTransactions ? 1 : 0;
    });
  }
  EXPECT_EQ(refused, 50);
}

TEST_F(TxnCoordinators, AnswersWhatWaitsWhenItCloses) {
  const txn::Decision producer = Init("a");
  Add({"a", producer.producer_id, 0}, {kFirst});
  port_.failing = {kFirst};
  Commit({"a", producer.producer_id, 0});
  std::optional<ErrorCode> waiting;
  coordinator_->InitProducerId({{"a"}}, [&](const txn::Decision& decision) { waiting = decision.code; });
  bool closed = false;
  coordinator_->Close([&] { closed = true; });
  world_.RunFor(absl::Milliseconds(10));
  EXPECT_EQ(waiting, ErrorCode::kCoordinatorNotAvailable);
  EXPECT_TRUE(closed);
  EXPECT_EQ(Init("b").code, ErrorCode::kCoordinatorNotAvailable);
}

}  // namespace
}  // namespace leat::coordinator
