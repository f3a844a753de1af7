#include <gtest/gtest.h>

#include "coordinator/group_coordinator.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_shard.h"
#include "tests/support/sim_world.h"

namespace leat::coordinator {
namespace {

using ::testing::ElementsAre;

class Coordinators : public ::testing::Test {
 protected:
  Coordinators() { Open(); }
  ~Coordinators() override { Kill(); }
  void Open() {
    directory_ = *log::LogDirectory::Open(disk_, shard_, {.path = "/log"});
    log::LogOptions options;
    options.segment_bytes = 4096;
    options.delete_old = false;
    log_ = *directory_->OpenPartition({"t", model::PartitionId(0)}, options);
  }
  void Kill() {
    while (world_.queued() > 0) shard_.Kill();
    directory_.reset();
  }
  sim::SimWorld world_{1};
  sim::SimDisk disk_{1};
  sim::SimShard shard_{world_};
  std::unique_ptr<log::LogDirectory> directory_;
  log::PartitionLog* log_ = nullptr;
};

TEST_F(Coordinators, OffsetsSurviveARewriteAndAPowerCut) {
  const GroupCoordinator::Options options{.rewrite_above_bytes = 20000, .rewrite_factor = 2};
  auto groups = *GroupCoordinator::Open({log_}, shard_, options);
  const model::TopicPartition partition{"events", model::PartitionId(0)};
  int answered = 0;
  for (int i = 1; i <= 1000; ++i) {
    groups->CommitOffsets({StrCat("g", i % 3), {{partition, model::Offset(i), ""}}}, [&](const auto& outcomes) {
      EXPECT_EQ(outcomes[0].code, model::ErrorCode::kNone);
      ++answered;
    });
    if (i % 5 == 0) world_.RunFor(absl::Milliseconds(20));
  }
  world_.RunFor(absl::Seconds(1));
  EXPECT_EQ(answered, 1000);
  EXPECT_LT(log_->size_bytes(), 60000u) << "the log was not begun anew";
  Kill();
  groups.reset();
  disk_.PowerCut();
  Open();
  groups = *GroupCoordinator::Open({log_}, shard_, options);
  EXPECT_THAT(groups->Groups(), ElementsAre("g0", "g1", "g2"));
  EXPECT_EQ(groups->Find("g0")->at(partition).offset, model::Offset(999));
  EXPECT_EQ(groups->Find("g1")->at(partition).offset, model::Offset(1000));
  EXPECT_EQ(groups->Find("g2")->at(partition).offset, model::Offset(998));
}

TEST_F(Coordinators, WhoWaitsHearsWhyItIsClosed) {
  auto groups = *GroupCoordinator::Open({log_}, shard_, {.groups = {.initial_rebalance_delay = absl::Seconds(3)}});
  std::optional<model::ErrorCode> joined;
  groups->Join({.group = "g",
                .client_id = "c",
                .protocol_type = "consumer",
                .protocols = {{"range", "s"}},
                .session_timeout = absl::Seconds(10),
                .rebalance_timeout = absl::Seconds(60)},
               [&](const group::JoinReply& reply) { joined = reply.code; });
  ASSERT_FALSE(joined.has_value());
  bool closed = false;
  groups->Close([&] { closed = true; }, model::ErrorCode::kNotCoordinator);
  EXPECT_EQ(joined, model::ErrorCode::kNotCoordinator);
  model::ErrorCode later = model::ErrorCode::kNone;
  groups->CommitOffsets({"g", {{{"events", model::PartitionId(0)}, model::Offset(1), ""}}},
                        [&](const auto& outcomes) { later = outcomes[0].code; });
  EXPECT_EQ(later, model::ErrorCode::kNotCoordinator);
  world_.RunFor(absl::Seconds(10));
  EXPECT_TRUE(closed) << "a timer of a closed coordinator went on";
}

TEST_F(Coordinators, MembersAndTransactionsSurviveAPowerCut) {
  const GroupCoordinator::Options options{.groups = {.initial_rebalance_delay = absl::ZeroDuration()}};
  auto groups = *GroupCoordinator::Open({log_}, shard_, options);
  group::JoinReply joined;
  groups->Join({.group = "g",
                .client_id = "c",
                .protocol_type = "consumer",
                .protocols = {{"range", "s"}},
                .session_timeout = absl::Seconds(10),
                .rebalance_timeout = absl::Seconds(60)},
               [&](group::JoinReply reply) { joined = std::move(reply); });
  ASSERT_EQ(joined.generation, 1);
  bool synced = false;
  groups->Sync({.group = "g", .member = joined.member, .generation = 1, .assignments = {{joined.member, "all"}}},
               [&](const group::SyncReply& reply) { synced = reply.assignment == "all"; });
  EXPECT_FALSE(synced) << "the assignment is told before it is durable";
  const model::TopicPartition partition{"events", model::PartitionId(0)};
  bool committed = false;
  groups->CommitOffsetsInTxn({{"simple", {{partition, model::Offset(5), ""}}}, model::ProducerId(7), 0},
                             [&](const auto& outcomes) {
                               EXPECT_EQ(outcomes[0].code, model::ErrorCode::kNone) << outcomes[0].message;
                               committed = true;
                             });
  world_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(synced);
  EXPECT_TRUE(committed);
  Kill();
  groups.reset();
  disk_.PowerCut();
  Open();
  groups = *GroupCoordinator::Open({log_}, shard_, options);
  EXPECT_EQ(groups->Describe("g").members.at(0).assignment, "all");
  EXPECT_TRUE(groups->IsPending("simple", partition)) << "the transaction is still open";
  log_->AppendMarker(
      {.producer_id = model::ProducerId(7), .producer_epoch = 0, .marker = {model::TransactionEnd::kCommit, 0}},
      model::LeaderEpoch(0), [&](const auto& result) {
        ASSERT_TRUE(result.ok()) << result.status();
        groups->CompleteTxn(model::PartitionId(0), model::ProducerId(7), group::TxnResult::kCommit);
      });
  world_.RunFor(absl::Seconds(1));
  EXPECT_EQ(groups->Find("simple")->at(partition).offset, model::Offset(5));
  Kill();
  groups.reset();
  disk_.PowerCut();
  Open();
  groups = *GroupCoordinator::Open({log_}, shard_, options);
  EXPECT_EQ(groups->Find("simple")->at(partition).offset, model::Offset(5)) << "the marker is in the log";
  // Without heartbeats the member is gone, and the timers see to it.
  world_.RunFor(absl::Seconds(15));
  EXPECT_EQ(groups->Describe("g").state, group::GroupState::kEmpty);
}

TEST_F(Coordinators, ClosingAnswersWhoWaitsForOthers) {
  auto groups = *GroupCoordinator::Open({log_}, shard_, {});
  model::ErrorCode code = model::ErrorCode::kNone;
  const group::JoinRequest join{.group = "g",
                                .client_id = "c",
                                .protocol_type = "consumer",
                                .protocols = {{"range", "s"}},
                                .session_timeout = absl::Seconds(10),
                                .rebalance_timeout = absl::Seconds(60)};
  groups->Join(join, [&](const group::JoinReply& reply) { code = reply.code; });
  world_.RunFor(absl::Milliseconds(10));
  EXPECT_EQ(code, model::ErrorCode::kNone) << "it waits for others for a while";
  bool closed = false;
  groups->Close([&] { closed = true; });
  EXPECT_EQ(code, model::ErrorCode::kCoordinatorNotAvailable);
  world_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(closed);
  code = model::ErrorCode::kNone;
  groups->Join(join, [&](const group::JoinReply& reply) { code = reply.code; });
  EXPECT_EQ(code, model::ErrorCode::kCoordinatorNotAvailable);
}

}  // namespace
}  // namespace leat::coordinator
