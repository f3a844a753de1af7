// Replicas of one partition on real logs, with a controller that does what it is asked for.
#include "broker/replica.h"

#include <gtest/gtest.h>

#include "broker/replica_fetch.h"
#include "broker/replica_host.h"
#include "model/error_status.h"
#include "model/record_batch.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_network.h"
#include "tests/support/sim_shard.h"

namespace leat::broker {
namespace {

using model::ErrorCode;
using model::LeaderEpoch;
using model::NodeId;
using model::Offset;

const meta::PartitionKey kKey{model::TopicId{7, 7}, model::PartitionId(0)};

std::string Batch(const std::string& value, int records = 1) {
  model::BatchBuilder builder({});
  for (int i = 0; i < records; ++i) builder.Add(1'700'000'000'000, std::nullopt, value);
  return *builder.Finish();
}

class Replicas : public ::testing::Test, private ControllerPort {
 protected:
  struct Node {
    explicit Node(int number) : id(number), disk(static_cast<uint64_t>(number)) {}
    int id;
    sim::SimDisk disk;
    replication::Throttle sending, fetching;
    std::unique_ptr<sim::SimShard> shard;
    std::unique_ptr<log::LogDirectory> directory;
    log::PartitionLog* log = nullptr;
    std::unique_ptr<ReplicaHost> host;
    std::unique_ptr<ReplicaFetchServer> server;
    Replica& replica() { return *host->Find(kKey); }
  };

  Replicas() {
    for (int id = 1; id <= 3; ++id) {
      nodes_.push_back(std::make_unique<Node>(id));
      Start(id);
    }
  }
  ~Replicas() override {
    for (int id = 1; id <= 3; ++id) Stop(id);
    world_.DropEvents(this);
  }

  Node& node(int id) { return *nodes_[static_cast<size_t>(id) - 1]; }

  void Start(int id) {
    Node& at = node(id);
    at.shard = std::make_unique<sim::SimShard>(world_);
    env::Transport* transport = network_.Attach(id, {at.shard.get()})[0];
    std::map<int32_t, env::PeerAddress> peers;
    for (int32_t other = 1; other <= 3; ++other) peers[other] = sim::SimNetwork::AddressOf(other);
    transport->SetPeers(peers);
    at.directory = *log::LogDirectory::Open(at.disk, *at.shard, {.path = "/log"});
    log::LogOptions options;
    options.segment_bytes = 1000;
    at.log = *at.directory->OpenPartition({"t", model::PartitionId(0)}, options);
    at.host = std::make_unique<ReplicaHost>(ReplicaHost::Config{.node = NodeId(id),
                                                                .shard = at.shard.get(),
                                                                .transport = transport,
                                                                .controller = this,
                                                                .replication = {.lag_time_max = absl::Seconds(1)},
                                                                .fetch = {},
                                                                .follower_throttle = &at.fetching},
                                            replication::BrokerEpoch(id));
    at.server = std::make_unique<ReplicaFetchServer>(
        *at.shard, *transport, ReplicaFetchServer::Limits{},
        [](const meta::PartitionKey&) { return std::optional<size_t>(0); }, &at.sending);
    at.server->SetHost(at.host.get());
    at.server->Start({at.server.get()});
    at.host->Add(kKey, {"t", model::PartitionId(0)}, *at.log);
  }
  void Stop(int id) {
    Node& at = node(id);
    if (at.shard == nullptr) return;
    network_.Kill(id);
    at.shard->Kill();
    at.server.reset();
    at.directory.reset();
    at.host.reset();
    at.shard.reset();
  }

  void SetView(int leader, std::vector<int> replicas, std::vector<int> isr) {
    if (NodeId(leader) != view_.leader) view_.epoch = view_.epoch + 1;
    view_.leader = NodeId(leader);
    ++view_.partition_epoch;
    view_.replicas.clear();
    view_.isr.clear();
    for (const int id : replicas) view_.replicas.push_back({NodeId(id), replication::BrokerEpoch(id)});
    for (const int id : isr) view_.isr.push_back(NodeId(id));
    Publish();
  }
  void Publish() {
    for (const auto& at : nodes_) {
      if (at->host != nullptr && view_.Find(NodeId(at->id)) != nullptr) at->replica().OnView(view_);
    }
  }

  void AlterIsr(const meta::PartitionKey&, replication::BrokerEpoch, const replication::ProposeIsr& proposal,
                AlterDone done) override {
    world_.Schedule(
        world_.Now() + absl::Milliseconds(1), this,
        [this, proposal, done = std::make_shared<AlterDone>(std::move(done))] {
          if (proposal.leader_epoch != view_.epoch || proposal.partition_epoch != view_.partition_epoch) {
            return (*done)({.error = ErrorCode::kInvalidUpdateVersion});
          }
          view_.isr.clear();
          for (const replication::IsrMember& member : proposal.isr) view_.isr.push_back(member.node);
          ++view_.partition_epoch;
          (*done)({.leader_epoch = view_.epoch, .partition_epoch = view_.partition_epoch, .isr = view_.isr});
          Publish();
        });
  }
  void GiveUpLeadership(const meta::PartitionKey&, replication::BrokerEpoch, LeaderEpoch) override { ++given_up_; }

  // The outcome, once there is one.
  std::shared_ptr<std::optional<absl::Status>> Append(int id, const std::string& batch, Acks acks = Acks::kAll,
                                                      Duration timeout = absl::Seconds(5)) {
    auto outcome = std::make_shared<std::optional<absl::Status>>();
    Replica& replica = node(id).replica();
    if (absl::Status refused = replica.CheckAppend(LeaderEpoch(-1), acks); !refused.ok()) {
      *outcome = refused;
      return outcome;
    }
    node(id).log->Append(
        batch, {.epoch = view_.epoch},
        replica.Answering(acks, world_.Now() + timeout,
                          [outcome](const absl::StatusOr<log::AppendResult>& result) { *outcome = result.status(); }));
    return outcome;
  }
  absl::Status Await(const std::shared_ptr<std::optional<absl::Status>>& outcome) {
    EXPECT_TRUE(world_.RunUntil([&] { return outcome->has_value(); }, absl::Minutes(1)));
    return outcome->value_or(absl::UnknownError("no answer"));
  }
  bool Level() {
    for (const auto& at : nodes_) {
      if (at->host == nullptr || view_.Find(NodeId(at->id)) == nullptr) continue;
      if (at->log->log_end() != node(view_.leader.value()).log->log_end()) return false;
      if (at->log->high_watermark() != at->log->log_end()) return false;
    }
    return true;
  }
  std::string Content(int id) {
    std::string all;
    Offset from = node(id).log->log_start();
    while (from < node(id).log->log_end()) {
      const absl::StatusOr<log::ReadResult> read = node(id).log->ReadReplicated(from, 1 << 20);
      if (!read.ok() || read->batches.empty()) {
        ADD_FAILURE() << read.status();
        break;
      }
      std::string_view rest = read->batches;
      while (!rest.empty()) from = model::ParseBatchHeader(*model::TakeBatch(&rest))->next_offset();
      all += read->batches;
    }
    return all;
  }

  sim::SimWorld world_{1};
  sim::SimNetwork network_{world_};
  replication::PartitionView view_{.min_insync = 2, .durability = replication::Durability::kFsync};
  std::vector<std::unique_ptr<Node>> nodes_;
  int given_up_ = 0;
};

TEST_F(Replicas, CommitWhatAllInSyncHold) {
  SetView(1, {1, 2, 3}, {1, 2, 3});
  EXPECT_TRUE(Await(Append(1, Batch("a", 3))).ok());
  EXPECT_EQ(node(1).log->high_watermark(), Offset(3));
  EXPECT_TRUE(world_.RunUntil([&] { return Level(); }, absl::Seconds(5)));
  EXPECT_EQ(Content(2), Content(1));
  EXPECT_EQ(Content(3), Content(1));
}

TEST_F(Replicas, CommitNothingWhileAMemberIsCutOffAndGoOnWithoutIt) {
  SetView(1, {1, 2, 3}, {1, 2, 3});
  EXPECT_TRUE(Await(Append(1, Batch("a"))).ok());
  network_.Isolate(3);
  const auto late = Append(1, Batch("b"), Acks::kAll, absl::Milliseconds(300));
  EXPECT_EQ(model::CodeOf(Await(late)), ErrorCode::kRequestTimedOut);
  EXPECT_EQ(node(1).log->high_watermark(), Offset(1));
  // It leaves the set when it has lagged for too long.
  EXPECT_TRUE(world_.RunUntil([&] { return view_.isr.size() == 2; }, absl::Seconds(5)));
  EXPECT_TRUE(Await(Append(1, Batch("c"))).ok());
  network_.Heal();
  EXPECT_TRUE(world_.RunUntil([&] { return view_.isr.size() == 3 && Level(); }, absl::Seconds(20)));
  EXPECT_EQ(Content(3), Content(1));
}

TEST_F(Replicas, NoticeAMissingFollowerAlsoWhenNobodyWaitsForIt) {
  view_.durability = replication::Durability::kPageCache;
  SetView(1, {1, 2, 3}, {1, 2, 3});
  network_.Isolate(2);
  EXPECT_TRUE(world_.RunUntil([&] { return true; }));
  world_.RunFor(absl::Seconds(3));
  EXPECT_TRUE(Await(Append(1, Batch("a"), Acks::kLeader)).ok());
  EXPECT_TRUE(world_.RunUntil([&] { return node(1).log->high_watermark() == Offset(1); }, absl::Seconds(5)));
  EXPECT_EQ(view_.isr.size(), 2);
}

TEST_F(Replicas, RefuseWithTooFewInSync) {
  view_.min_insync = 3;
  SetView(1, {1, 2, 3}, {1, 2});
  network_.Isolate(3);
  EXPECT_EQ(model::CodeOf(Await(Append(1, Batch("a")))), ErrorCode::kNotEnoughReplicas);
}

TEST_F(Replicas, CutTheTailThatOnlyAFormerLeaderHas) {
  SetView(1, {1, 2, 3}, {1, 2, 3});
  EXPECT_TRUE(Await(Append(1, Batch("a"))).ok());
  network_.Isolate(1);
  const auto lost = Append(1, Batch("only here", 2));
  world_.RunFor(absl::Milliseconds(100));
  SetView(2, {1, 2, 3}, {2, 3});
  EXPECT_EQ(model::CodeOf(Await(lost)), ErrorCode::kNotLeaderOrFollower);
  EXPECT_TRUE(Await(Append(2, Batch("b"))).ok());
  EXPECT_EQ(model::CodeOf(Await(Append(1, Batch("c")))), ErrorCode::kNotLeaderOrFollower);
  network_.Heal();
  EXPECT_TRUE(world_.RunUntil([&] { return view_.isr.size() == 3 && Level(); }, absl::Seconds(20)));
  EXPECT_EQ(Content(1), Content(2));
  EXPECT_EQ(node(1).log->log_end(), Offset(2));
}

TEST_F(Replicas, LeaveAnOnlyCopyToItsLog) {
  SetView(1, {1}, {1});
  EXPECT_TRUE(node(1).replica().alone());
  EXPECT_TRUE(Await(Append(1, Batch("a", 2))).ok());
  EXPECT_EQ(node(1).log->high_watermark(), Offset(2));
}

TEST_F(Replicas, BecomeSeveralOfOne) {
  SetView(1, {1}, {1});
  node(1).log->Append(Batch("a", 2), {.epoch = view_.epoch}, [](const auto&) {});
  world_.RunFor(absl::Seconds(1));
  SetView(1, {1, 2, 3}, {1});
  EXPECT_EQ(node(1).log->high_watermark(), Offset(2)) << "what was shown stays shown";
  EXPECT_TRUE(world_.RunUntil([&] { return view_.isr.size() == 3 && Level(); }, absl::Seconds(20)));
  EXPECT_TRUE(Await(Append(1, Batch("b"))).ok());
  EXPECT_TRUE(world_.RunUntil([&] { return Level(); }, absl::Seconds(5)));
  EXPECT_EQ(Content(3), Content(1));
}

TEST_F(Replicas, DeleteRecordsEverywhere) {
  SetView(1, {1, 2, 3}, {1, 2, 3});
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Await(Append(1, Batch(std::string(200, 'x')))).ok());
  world_.RunFor(absl::Milliseconds(100));
  std::optional<ErrorCode> done;
  node(1).log->DeleteRecordsBefore(Offset(10), [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    node(1).replica().AwaitLogStart(Offset(10), world_.Now() + absl::Seconds(5), [&](ErrorCode code) { done = code; });
  });
  EXPECT_TRUE(world_.RunUntil([&] { return done.has_value(); }, absl::Milliseconds(50)))
      << "the fetches that wait at the leader are not held until there are records";
  EXPECT_EQ(done, ErrorCode::kNone);
  EXPECT_TRUE(
      world_.RunUntil([&] { return node(2).log->log_start() == Offset(10) && node(3).log->log_start() == Offset(10); },
                      absl::Seconds(5)));
}

// A follower's next fetch may be on its way when those that wait are told.
TEST_F(Replicas, DeleteRecordsWhateverTheFetchesAreDoing) {
  SetView(1, {1, 2, 3}, {1, 2, 3});
  for (int64_t n = 1; n <= 40; ++n) {
    EXPECT_TRUE(Await(Append(1, Batch("x"))).ok());
    world_.RunFor(absl::Microseconds(250) * n);
    std::optional<ErrorCode> done;
    node(1).log->DeleteRecordsBefore(Offset(n), [&](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      node(1).replica().AwaitLogStart(Offset(n), world_.Now() + absl::Seconds(5), [&](ErrorCode code) { done = code; });
    });
    ASSERT_TRUE(world_.RunUntil([&] { return done.has_value(); }, absl::Milliseconds(50))) << n;
    EXPECT_EQ(done, ErrorCode::kNone);
  }
}

TEST_F(Replicas, ReadFromTheNearestThatHasIt) {
  SetView(1, {1, 2, 3}, {1, 2, 3});
  for (replication::ReplicaView& replica : view_.replicas) replica.rack = replica.node == NodeId(2) ? "b" : "a";
  ++view_.partition_epoch;
  Publish();
  EXPECT_TRUE(Await(Append(1, Batch("a"))).ok());
  EXPECT_TRUE(world_.RunUntil([&] { return Level(); }, absl::Seconds(5)));
  EXPECT_EQ(node(1).replica().CheckRead({.offset = Offset(0), .rack = "b"}).preferred, NodeId(2));
  EXPECT_EQ(node(2).replica().CheckRead({.offset = Offset(0), .rack = "b"}).error, ErrorCode::kNone);
  EXPECT_EQ(node(2).replica().LatestOffset(LeaderEpoch(-1)).error, ErrorCode::kNotLeaderOrFollower);
}

// An old segment of a follower is damaged: it says so, is out of the set, and gets the leader's bytes.
TEST_F(Replicas, MendADamagedRange) {
  SetView(1, {1, 2, 3}, {1, 2, 3});
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(Await(Append(1, Batch(std::string(200, 'x')))).ok());
  EXPECT_TRUE(world_.RunUntil([&] { return Level(); }, absl::Seconds(5)));
  node(3).disk.FlipBit("/log/t-0/00000000000000000000.log", 400, 3);
  EXPECT_TRUE(absl::IsDataLoss(node(3).log->Read(Offset(0), 1 << 20).status()) ||
              absl::IsDataLoss(node(3).log->Read(Offset(1), 1 << 20).status()));
  ASSERT_EQ(node(3).log->damaged().size(), 1);
  node(3).replica().LookForDamage();
  EXPECT_TRUE(world_.RunUntil([&] { return node(3).log->damaged().empty(); }, absl::Seconds(10)));
  EXPECT_TRUE(world_.RunUntil([&] { return view_.isr.size() == 3; }, absl::Seconds(10)));
  EXPECT_EQ(Content(3), Content(1));
}

// A follower's fetch waits at the leader for up to two seconds: nothing but the high watermark moves here.
TEST_F(Replicas, TellFollowersOfAHighWatermarkAtOnce) {
  SetView(1, {1, 2, 3}, {1, 2, 3});
  world_.RunFor(absl::Seconds(1));
  EXPECT_TRUE(Await(Append(1, Batch("a"))).ok());
  EXPECT_TRUE(world_.RunUntil([&] { return Level(); }, absl::Milliseconds(50)))
      << node(2).log->high_watermark() << " " << node(3).log->high_watermark();
}

// What the wait for more records is for: a watermark that follows each batch closely needs no message of its own.
TEST_F(Replicas, SendAHighWatermarkWithTheNextRecords) {
  SetView(1, {1, 2, 3}, {1, 2, 3});
  world_.RunFor(absl::Seconds(1));
  const uint64_t before = network_.counters().delivered;
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(Await(Append(1, Batch("a"))).ok());
  EXPECT_LE(network_.counters().delivered - before, 20 * 4 + 8) << "a fetch and an answer for each batch and follower";
}

// On either side: what is copied to a replica that is not in sync keeps to the rate, and nobody else waits for it.
TEST_F(Replicas, CopyNoFasterThanTheThrottle) {
  for (replication::Throttle* throttle : {&node(1).sending, &node(3).fetching}) {
    SetView(1, {1, 2}, {1, 2});
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(Await(Append(1, Batch(std::string(1000, 'x')))).ok());
    const auto size = [&](int id) { return static_cast<int64_t>(Content(id).size()); };
    const int64_t copied = size(3);
    throttle->SetRate(2000, world_.Now());
    const uint64_t before = network_.counters().delivered;
    SetView(1, {1, 2, 3}, {1, 2});
    world_.RunFor(absl::Seconds(4));
    EXPECT_GE(size(3) - copied, 6000);
    EXPECT_LE(size(3) - copied, 8000 + 2 * 1100) << "a batch more than is allowed";
    const Instant asked = world_.Now();
    EXPECT_TRUE(Await(Append(1, Batch("in sync"))).ok());
    EXPECT_LE(world_.Now() - asked, absl::Milliseconds(50));
    EXPECT_TRUE(world_.RunUntil([&] { return Level(); }, absl::Minutes(1)));
    EXPECT_LE(network_.counters().delivered - before, 400u) << "who must wait does not ask all the time";
    EXPECT_EQ(Content(3), Content(1));
    throttle->SetRate(std::nullopt, world_.Now());
  }
}

TEST_F(Replicas, GiveUpADamagedLog) {
  SetView(1, {1, 2, 3}, {1, 2, 3});
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(Await(Append(1, Batch(std::string(200, 'x')))).ok());
  node(1).disk.FlipBit("/log/t-0/00000000000000000000.log", 400, 3);
  (void)node(1).log->Read(Offset(0), 1 << 20);
  (void)node(1).log->Read(Offset(1), 1 << 20);
  node(1).replica().LookForDamage();
  EXPECT_EQ(node(1).replica().CheckLeader(LeaderEpoch(-1)), ErrorCode::kNotLeaderOrFollower);
  world_.RunFor(absl::Seconds(3));
  EXPECT_GE(given_up_, 3) << "it is said again until the image changes";
  SetView(2, {1, 2, 3}, {2, 3});
  EXPECT_TRUE(
      world_.RunUntil([&] { return view_.isr.size() == 3 && node(1).log->damaged().empty(); }, absl::Seconds(20)));
}

}  // namespace
}  // namespace leat::broker
