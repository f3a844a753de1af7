// Groups and transactions in a cluster: coordinated where their partition is led, and by the next leader when that node
// is gone.
#include "broker/coordinators.h"
#include "broker/transactions.h"
#include "tests/broker/cluster_fixture.h"
#include "tests/broker/read_committed.h"

namespace leat::broker {
namespace {

using model::ErrorCode;
using ::testing::ElementsAre;

class ClusterCoordinators : public Cluster {
 protected:
  // A node that is alive.
  int32_t Any() const {
    for (const auto& [id, node] : nodes) {
      if (node->broker != nullptr) return id;
    }
    return -1;
  }
  // Waits until somebody alive coordinates the name.
  int32_t CoordinatorFor(CoordinatorKind kind, const std::string& name) {
    const auto find = [&] { return CoordinatorOf(*ImageOf(Any()), kind, name, model::NodeId(-1)).value(); };
    LEAT_CHECK(world.RunUntil([&] { return find() > 0 && nodes[find()]->broker != nullptr; }, absl::Minutes(1)));
    return find();
  }
  int32_t LeaderOf(const model::TopicPartition& partition) {
    const auto find = [&] {
      const meta::TopicPtr topic = ImageOf(Any())->FindTopic(partition.topic);
      return ImageOf(Any())->FindPartition({topic->id, partition.partition})->leader.value();
    };
    LEAT_CHECK(world.RunUntil([&] { return find() > 0 && nodes[find()]->broker != nullptr; }, absl::Minutes(1)));
    return find();
  }
  template <typename Reply, typename Call>
  Reply Await(Call call) {
    auto reply = std::make_shared<std::optional<Reply>>();
    call([reply](Reply answer) { *reply = std::move(answer); });
    LEAT_CHECK(world.RunUntil([&] { return reply->has_value(); }, absl::Minutes(2)));
    return std::move(**reply);
  }
  // Tries again as a client does, until the code is none that says so.
  template <typename Try>
  ErrorCode Insist(Try attempt) {
    ErrorCode code = ErrorCode::kNone;
    for (int i = 0; i < 600; ++i) {
      code = attempt();
      switch (code) {
        case ErrorCode::kNotCoordinator:
        case ErrorCode::kCoordinatorNotAvailable:
        case ErrorCode::kCoordinatorLoadInProgress:
        case ErrorCode::kConcurrentTransactions:
        case ErrorCode::kNotLeaderOrFollower:
        case ErrorCode::kNotEnoughReplicas:
          world.RunFor(absl::Milliseconds(100));
          continue;
        default:
          return code;
      }
    }
    return code;
  }

  ErrorCode CommitAt(int32_t node, const std::string& group, int64_t offset) {
    CommitOffsetsRequest request{.group = group, .offsets = {}};
    request.offsets.push_back({.partition = Tp("t"), .offset = model::Offset(offset)});
    return Await<std::vector<CommitOffsetResult>>(
               [&](auto done) { nodes[node]->broker->CommitOffsets(request, std::move(done)); })[0]
        .outcome.code;
  }
  int64_t CommittedOf(const std::string& group) {
    int64_t offset = -2;
    Insist([&] {
      const int32_t at = CoordinatorFor(CoordinatorKind::kGroup, group);
      std::vector<FetchGroupOffsets> request(1);
      request[0].group = group;
      request[0].partitions.emplace().push_back(Tp("t"));
      const auto results = Await<std::vector<GroupOffsets>>([&](auto done) {
        nodes[at]->broker->groups().FetchOffsets(request, StableOffsets::kRequired, std::move(done));
      });
      if (!results[0].outcome.ok()) return results[0].outcome.code;
      if (results[0].offsets[0].outcome.code == ErrorCode::kUnstableOffsetCommit) {
        return ErrorCode::kCoordinatorLoadInProgress;
      }
      offset = results[0].offsets[0].offset.value();
      return ErrorCode::kNone;
    });
    return offset;
  }

  ProducerIdentity Producer(const std::string& id) {
    ProducerIdReply reply;
    EXPECT_EQ(Insist([&] {
                const int32_t at = CoordinatorFor(CoordinatorKind::kTransaction, id);
                InitProducerIdRequest request{.transactional_id = id};
                reply = Await<ProducerIdReply>(
                    [&](auto done) { nodes[at]->broker->transactions().InitProducerId(request, std::move(done)); });
                return reply.outcome.code;
              }),
              ErrorCode::kNone)
        << reply.outcome.message;
    return {id, reply.producer_id, reply.producer_epoch};
  }
  ErrorCode Produce(const ProducerIdentity& producer, const model::TopicPartition& partition, const std::string& value,
                    int32_t sequence = 0) {
    return Insist([&] {
      model::BatchBuilder builder({.producer_id = producer.id,
                                   .producer_epoch = producer.epoch,
                                   .base_sequence = sequence,
                                   .transactional = true});
      const int32_t at = LeaderOf(partition);
      builder.Add(nodes[at]->shards[0]->WallMillis(), std::nullopt, value);
      ProduceRequest request;
      request.transactional_id = producer.transactional_id;
      request.rules = TransactionRules::kEpochRises;
      request.partitions.push_back({partition, *builder.Finish()});
      const ProduceReply reply =
          Await<ProduceReply>([&](auto done) { nodes[at]->broker->Produce(std::move(request), std::move(done)); });
      return reply.partitions[0].outcome.code;
    });
  }
  ErrorCode CommitOffsetIn(const ProducerIdentity& producer, const std::string& group, int64_t offset) {
    return Insist([&] {
      TxnCommitOffsetsRequest request{
          .producer = producer, .group = group, .member = {}, .instance = {}, .offsets = {}};
      request.offsets.push_back({.partition = Tp("t"), .offset = model::Offset(offset)});
      const int32_t at = CoordinatorFor(CoordinatorKind::kGroup, group);
      return Await<std::vector<CommitOffsetResult>>(
                 [&](auto done) { nodes[at]->broker->transactions().CommitOffsets(request, std::move(done)); })[0]
          .outcome.code;
    });
  }
  ProducerIdReply End(const ProducerIdentity& producer, model::TransactionEnd end) {
    ProducerIdReply reply;
    Insist([&] {
      const int32_t at = CoordinatorFor(CoordinatorKind::kTransaction, producer.transactional_id);
      reply = Await<ProducerIdReply>([&](auto done) {
        nodes[at]->broker->transactions().End({producer, end, TransactionRules::kEpochRises}, std::move(done));
      });
      return reply.outcome.code;
    });
    return reply;
  }
  std::vector<std::string> Committed(const model::TopicPartition& partition) {
    std::vector<std::string> values;
    model::Offset next(0);
    while (true) {
      FetchRequest request;
      request.max_wait = absl::ZeroDuration();
      request.isolation = model::Isolation::kReadCommitted;
      request.partitions.push_back({.partition = partition, .offset = next});
      const int32_t at = LeaderOf(partition);
      const FetchReply reply =
          Await<FetchReply>([&](auto done) { nodes[at]->broker->Fetch(std::move(request), std::move(done)); });
      const ReadRecords read = TakeCommitted(reply.partitions[0], next);
      values.insert(values.end(), read.values.begin(), read.values.end());
      if (read.next == next) return values;
      next = read.next;
    }
  }
  // Waits until the partition has these values, or for a minute.
  void ExpectCommitted(const model::TopicPartition& partition, const std::vector<std::string>& values) {
    for (int i = 0; i < 600 && Committed(partition) != values; ++i) world.RunFor(absl::Milliseconds(100));
    EXPECT_EQ(Committed(partition), values) << partition.ToString();
  }
};

TEST_F(ClusterCoordinators, AGroupIsCoordinatedWhereItsPartitionIsLed) {
  StartAll();
  ASSERT_TRUE(Create(1, "t").outcome.ok());
  const int32_t before = CoordinatorFor(CoordinatorKind::kGroup, "g");
  EXPECT_EQ(CommitAt(before % kNodes + 1, "g", 4), ErrorCode::kNotCoordinator);
  EXPECT_EQ(Insist([&] { return CommitAt(before, "g", 5); }), ErrorCode::kNone);
  EXPECT_EQ(CommittedOf("g"), 5);
  Kill(before);
  EXPECT_EQ(CommittedOf("g"), 5);
  const int32_t after = CoordinatorFor(CoordinatorKind::kGroup, "g");
  EXPECT_NE(after, before);
  EXPECT_EQ(Insist([&] { return CommitAt(after, "g", 6); }), ErrorCode::kNone);
  EXPECT_EQ(CommittedOf("g"), 6);
}

TEST_F(ClusterCoordinators, ATransactionReachesPartitionsOnAllNodes) {
  StartAll();
  ASSERT_TRUE(Create(1, "t", 6).outcome.ok());
  std::set<int32_t> leaders;
  for (int i = 0; i < 6; ++i) leaders.insert(LeaderOf(Tp("t", i)));
  ASSERT_GT(leaders.size(), 1u);
  // The coordinators of these are on different nodes.
  for (const std::string id : {"a", "b", "c", "d"}) {
    ProducerIdentity producer = Producer(id);
    for (int i = 0; i < 6; ++i) EXPECT_EQ(Produce(producer, Tp("t", i), id + "1"), ErrorCode::kNone);
    EXPECT_EQ(CommitOffsetIn(producer, "g" + id, 3), ErrorCode::kNone);
    const ProducerIdReply ended = End(producer, model::TransactionEnd::kCommit);
    ASSERT_TRUE(ended.outcome.ok()) << ended.outcome.message;
    producer.epoch = ended.producer_epoch;
    for (int i = 0; i < 6; ++i) EXPECT_EQ(Produce(producer, Tp("t", i), id + "2"), ErrorCode::kNone);
    EXPECT_EQ(CommitOffsetIn(producer, "g" + id, 9), ErrorCode::kNone);
    EXPECT_TRUE(End(producer, model::TransactionEnd::kAbort).outcome.ok());
    EXPECT_EQ(CommittedOf("g" + id), 3);
  }
  for (int i = 0; i < 6; ++i) ExpectCommitted(Tp("t", i), {"a1", "b1", "c1", "d1"});
}

TEST_F(ClusterCoordinators, TheNextLeaderEndsWhatWasDecided) {
  StartAll();
  ASSERT_TRUE(Create(1, "t", 3).outcome.ok());
  ProducerIdentity producer = Producer("a");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Produce(producer, Tp("t", i), "yes"), ErrorCode::kNone);
  EXPECT_EQ(CommitOffsetIn(producer, "g", 3), ErrorCode::kNone);
  const ProducerIdReply ended = End(producer, model::TransactionEnd::kCommit);
  ASSERT_TRUE(ended.outcome.ok()) << ended.outcome.message;
  const int32_t before = CoordinatorFor(CoordinatorKind::kTransaction, "a");
  Kill(before);
  for (int i = 0; i < 3; ++i) ExpectCommitted(Tp("t", i), {"yes"});
  EXPECT_EQ(CommittedOf("g"), 3);
  EXPECT_NE(CoordinatorFor(CoordinatorKind::kTransaction, "a"), before);
  producer.epoch = ended.producer_epoch;
  EXPECT_EQ(Produce(producer, Tp("t"), "again"), ErrorCode::kNone);
  EXPECT_TRUE(End(producer, model::TransactionEnd::kCommit).outcome.ok());
  ExpectCommitted(Tp("t"), {"yes", "again"});
}

TEST_F(ClusterCoordinators, AnOpenTransactionIsFencedByTheNextLeader) {
  StartAll();
  ASSERT_TRUE(Create(1, "t", 3).outcome.ok());
  const ProducerIdentity producer = Producer("a");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Produce(producer, Tp("t", i), "no"), ErrorCode::kNone);
  Kill(CoordinatorFor(CoordinatorKind::kTransaction, "a"));
  const ProducerIdentity next = Producer("a");
  EXPECT_EQ(next.id, producer.id);
  EXPECT_GT(next.epoch, producer.epoch);
  EXPECT_EQ(Produce(producer, Tp("t"), "late", 1), ErrorCode::kInvalidProducerEpoch);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Produce(next, Tp("t", i), "yes"), ErrorCode::kNone);
  EXPECT_TRUE(End(next, model::TransactionEnd::kCommit).outcome.ok());
  for (int i = 0; i < 3; ++i) ExpectCommitted(Tp("t", i), {"yes"});
}

}  // namespace
}  // namespace leat::broker
