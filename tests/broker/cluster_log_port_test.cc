// What jobs read and write in a cluster of three: whoever leads, and when the leader is gone.
#include "broker/cluster_log_port.h"

#include "broker/transactions.h"
#include "tests/broker/cluster_fixture.h"

namespace leat::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ClusterLog : public Cluster {
 protected:
  template <typename Reply, typename Call>
  Reply Await(Call call) {
    auto reply = std::make_shared<std::optional<Reply>>();
    call([reply](Reply answer) { *reply = std::move(answer); });
    LEAT_CHECK(world.RunUntil([&] { return reply->has_value(); }, absl::Minutes(2)));
    return std::move(**reply);
  }
  run::LogPort& At(int32_t node) { return nodes[node]->broker->job_log(); }
  int32_t LeaderOf(int32_t asked, const model::TopicPartition& partition) {
    const meta::TopicPtr topic = ImageOf(asked)->FindTopic(partition.topic);
    return ImageOf(asked)->FindPartition({topic->id, partition.partition})->leader.value();
  }
  // A topic that every node knows of.
  void Make(const std::string& topic, int32_t partitions) {
    ASSERT_TRUE(Await<absl::Status>([&](auto done) { At(1).EnsureTopic(topic, partitions, {}, done); }).ok());
    for (int32_t id = 1; id <= kNodes; ++id) {
      ASSERT_TRUE(world.RunUntil([&] { return ImageOf(id)->FindTopic(topic) != nullptr; }, absl::Minutes(1)));
    }
  }
  absl::StatusOr<model::Offset> Append(int32_t node, const model::TopicPartition& partition, const std::string& bytes) {
    return Await<absl::StatusOr<model::Offset>>([&](auto done) { At(node).Append({partition, bytes}, done); });
  }
  std::vector<std::string> Read(int32_t node, const model::TopicPartition& partition) {
    std::vector<std::string> values;
    model::Offset next(0);
    while (true) {
      const auto data = Await<absl::StatusOr<run::LogData>>([&](auto done) {
        At(node).Fetch({.partition = partition, .offset = next, .max_wait = absl::ZeroDuration()}, done);
      });
      if (!data.ok()) ADD_FAILURE() << data.status();
      if (!data.ok() || data->batches.empty()) return values;
      for (std::string& value : Values(data->batches, next)) values.push_back(std::move(value));
      std::string_view rest = data->batches;
      while (!rest.empty()) next = model::ParseBatchHeader(*model::TakeBatch(&rest))->next_offset();
    }
  }
};

TEST_F(ClusterLog, ReachesEveryPartitionFromEveryNode) {
  StartAll();
  Make("t", 6);
  std::set<int32_t> leaders;
  for (int32_t p = 0; p < 6; ++p) leaders.insert(LeaderOf(1, Tp("t", p)));
  ASSERT_EQ(leaders.size(), 3u);
  for (int32_t p = 0; p < 6; ++p) {
    for (int32_t node = 1; node <= kNodes; ++node) {
      const auto base = Append(node, Tp("t", p), Batch({StrCat(p, " from ", node)}, 1'000 + node));
      ASSERT_TRUE(base.ok()) << base.status();
      EXPECT_EQ(base->value(), node - 1);
    }
  }
  for (int32_t node = 1; node <= kNodes; ++node) {
    const auto ends = Await<absl::StatusOr<std::vector<run::PartitionOffsets>>>(
        [&](auto done) { At(node).DescribeTopic("t", done); });
    ASSERT_TRUE(ends.ok()) << ends.status();
    ASSERT_EQ(ends->size(), 6u);
    for (int32_t p = 0; p < 6; ++p) {
      const run::PartitionOffsets& end = (*ends)[static_cast<size_t>(p)];
      EXPECT_EQ(end.partition.value(), p);
      EXPECT_EQ(end.earliest.value(), 0);
      EXPECT_EQ(end.latest.value(), 3);
      EXPECT_THAT(Read(node, Tp("t", p)),
                  ElementsAre(StrCat(p, " from 1"), StrCat(p, " from 2"), StrCat(p, " from 3")));
      const auto at =
          Await<absl::StatusOr<model::Offset>>([&](auto done) { At(node).OffsetForTime(Tp("t", p), 1'002, done); });
      ASSERT_TRUE(at.ok()) << at.status();
      EXPECT_EQ(at->value(), 1);
    }
  }
  const auto none = Await<absl::StatusOr<std::vector<run::PartitionOffsets>>>(
      [&](auto done) { At(2).DescribeTopic("nowhere", done); });
  EXPECT_TRUE(absl::IsNotFound(none.status())) << none.status();
}

TEST_F(ClusterLog, KeepsOffsetsOfGroupsWhereverTheyAreCoordinated) {
  StartAll();
  Make("t", 2);
  for (int32_t node = 1; node <= kNodes; ++node) {
    for (const std::string group : {"a", "b", "c", "d"}) {
      const absl::Status stored = Await<absl::Status>([&](auto done) {
        At(node).CommitOffsets(group, {{Tp("t", 0), model::Offset(node)}, {Tp("t", 1), model::Offset(7)}}, done);
      });
      ASSERT_TRUE(stored.ok()) << stored;
      const auto read = Await<absl::StatusOr<std::vector<model::Offset>>>([&](auto done) {
        At(node % kNodes + 1).CommittedOffsets(group, {Tp("t", 0), Tp("t", 1)}, done);
      });
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_THAT(*read, ElementsAre(model::Offset(node), model::Offset(7)));
    }
  }
}

TEST_F(ClusterLog, AppendsOfOneNodeStayInOrder) {
  StartAll();
  Make("t", 3);
  for (int32_t p = 0; p < 3; ++p) {
    int answered = 0;
    std::vector<std::string> sent;
    for (int i = 0; i < 20; ++i) {
      sent.push_back(StrCat(i));
      At(1).Append({Tp("t", p), Batch({sent.back()})}, [&, i](const absl::StatusOr<model::Offset>& base) {
        ASSERT_TRUE(base.ok()) << base.status();
        EXPECT_EQ(base->value(), i);
        ++answered;
      });
    }
    ASSERT_TRUE(world.RunUntil([&] { return answered == 20; }, absl::Minutes(1)));
    EXPECT_EQ(Read(2, Tp("t", p)), sent);
  }
}

// A batch without a number may have been written when the answer is lost: it fails, and what waits behind it too.
TEST_F(ClusterLog, AppendsWhoseAnswerIsLostFailWithAllBehindThem) {
  StartAll();
  Make("t", 3);
  for (int32_t p = 0; p < 3; ++p) {
    const int32_t leader = LeaderOf(1, Tp("t", p));
    if (leader == 1) continue;
    std::vector<absl::Status> answers;
    for (int i = 0; i < 5; ++i) {
      At(1).Append({Tp("t", p), Batch({StrCat(i)})},
                   [&](const absl::StatusOr<model::Offset>& base) { answers.push_back(base.status()); });
    }
    world.RunFor(absl::Microseconds(100));
    Kill(leader);
    ASSERT_TRUE(world.RunUntil([&] { return answers.size() == 5; }, absl::Minutes(1)));
    bool failed = false;
    for (const absl::Status& answer : answers) {
      EXPECT_FALSE(failed && answer.ok()) << "an append overtook one that failed";
      failed = failed || !answer.ok();
      EXPECT_TRUE(answer.ok() || absl::IsUnavailable(answer)) << answer;
    }
    EXPECT_TRUE(failed);
    // The next leader is found. Until there is one, what has no number fails at once where the last one is gone.
    ASSERT_TRUE(world.RunUntil([&] { return LeaderOf(1, Tp("t", p)) != leader; }, absl::Minutes(1)));
    const auto base = Append(1, Tp("t", p), Batch({"after"}));
    ASSERT_TRUE(base.ok()) << base.status();
    EXPECT_EQ(Read(1, Tp("t", p)).back(), "after");
    return;
  }
  FAIL() << "node 1 leads everything";
}

TEST_F(ClusterLog, NumberedAppendsSurviveTheLossOfTheLeaderOnceAndInOrder) {
  StartAll();
  Make("t", 3);
  const auto producer = Await<ProducerIdReply>(
      [&](auto done) { nodes[1]->broker->transactions().InitProducerId({.transactional_id = {}}, std::move(done)); });
  ASSERT_TRUE(producer.outcome.ok());
  for (int32_t p = 0; p < 3; ++p) {
    const int32_t leader = LeaderOf(1, Tp("t", p));
    if (leader == 1) continue;
    std::vector<std::string> sent;
    size_t answered = 0;
    for (int i = 0; i < 30; ++i) {
      model::BatchBuilder builder(
          {.producer_id = producer.producer_id, .producer_epoch = producer.producer_epoch, .base_sequence = i});
      sent.push_back(StrCat(i));
      builder.Add(1, std::nullopt, sent.back());
      At(1).Append({Tp("t", p), *builder.Finish()}, [&](const absl::StatusOr<model::Offset>& base) {
        EXPECT_TRUE(base.ok()) << base.status();
        ++answered;
      });
    }
    ASSERT_TRUE(world.RunUntil([&] { return answered == 10; }, absl::Minutes(1)));
    Kill(leader);
    ASSERT_TRUE(world.RunUntil([&] { return answered == 30; }, absl::Minutes(1)));
    EXPECT_EQ(Read(1, Tp("t", p)), sent);
    return;
  }
  FAIL() << "node 1 leads everything";
}

TEST_F(ClusterLog, SaysWhoDoesNotAnswer) {
  StartAll();
  Make("t", 3);
  int32_t away = 0;
  model::TopicPartition partition = Tp("t", 0);
  for (int32_t p = 0; p < 3 && (away == 0 || away == 1); ++p) {
    partition = Tp("t", p);
    away = LeaderOf(1, partition);
  }
  ASSERT_NE(away, 1);
  // Node 1 alone hears of nobody: its image names the old leader for ever.
  for (int32_t id = 2; id <= kNodes; ++id) Kill(id);
  const auto data = Await<absl::StatusOr<run::LogData>>(
      [&](auto done) { At(1).Fetch({.partition = partition, .offset = model::Offset(0)}, done); });
  EXPECT_TRUE(absl::IsUnavailable(data.status())) << data.status();
  EXPECT_THAT(std::string(Message(data.status())), HasSubstr(StrCat("node ", away)));
}

}  // namespace
}  // namespace leat::broker
