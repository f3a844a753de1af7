// Views in a cluster: every node answers for all partitions, and the next leader makes the table again.
#include "broker/views.h"
#include "tests/broker/cluster_fixture.h"

namespace leat::broker {
namespace {

class ClusterViews : public Cluster {
 protected:
  template <typename Reply, typename Call>
  Reply Await(Call call) {
    auto reply = std::make_shared<std::optional<Reply>>();
    call([reply](Reply answer) { reply->emplace(std::move(answer)); });
    LEAT_CHECK(world.RunUntil([&] { return reply->has_value(); }, absl::Minutes(2)));
    return std::move(**reply);
  }
  void StartViews(int32_t id) {
    views[id] = Views::Create(*nodes[id]->broker, {}, MakeMemoryViewStores());
    views[id]->Start();
  }
  void KillWithViews(int32_t id) {
    for (int i = 0; i < 100; ++i) {
      for (const auto& shard : nodes[id]->shards) shard->Kill();
    }
    views.erase(id);
    Kill(id);
  }
  ~ClusterViews() override {
    for (int32_t id = 1; id <= kNodes; ++id) KillWithViews(id);
  }
  int32_t LeaderOf(int32_t by, const model::TopicPartition& partition) {
    const auto find = [&] {
      const meta::TopicPtr topic = ImageOf(by)->FindTopic(partition.topic);
      return ImageOf(by)->FindPartition({topic->id, partition.partition})->leader.value();
    };
    LEAT_CHECK(world.RunUntil([&] { return find() > 0 && nodes[find()]->broker != nullptr; }, absl::Minutes(1)));
    return find();
  }
  void Put(int32_t by, int32_t partition, const std::string& key, const std::string& value) {
    model::BatchBuilder builder({});
    builder.Add(1, key, value);
    const std::string batch = *builder.Finish();
    for (int attempt = 0; attempt < 100; ++attempt) {
      ProduceRequest request;
      request.partitions.push_back({Tp("users", partition), std::string(batch)});
      const int32_t leader = LeaderOf(by, Tp("users", partition));
      const ProduceReply reply =
          Await<ProduceReply>([&](auto done) { nodes[leader]->broker->Produce(std::move(request), std::move(done)); });
      if (reply.partitions[0].outcome.ok()) return;
      world.RunFor(absl::Milliseconds(200));
    }
    FAIL() << "nobody takes " << key;
  }
  std::map<std::string, std::string> TableFrom(int32_t node) {
    absl::StatusOr<view::MergedPage> page = Unavailable("not asked");
    for (int attempt = 0; attempt < 20 && !page.ok(); ++attempt) {
      page = Await<absl::StatusOr<view::MergedPage>>(
          [&](auto done) { views[node]->Scan({.view = "users"}, std::move(done)); });
    }
    EXPECT_TRUE(page.ok()) << page.status();
    std::map<std::string, std::string> table;
    if (!page.ok()) return table;
    for (const view::PartitionRow& row : page->rows) table[row.row.key] = row.row.entry.value;
    return table;
  }

  std::map<int32_t, std::unique_ptr<Views>> views;
};

TEST_F(ClusterViews, AreAnsweredByEveryNodeAndOutliveALeader) {
  StartAll();
  for (int32_t id = 1; id <= kNodes; ++id) StartViews(id);
  std::optional<TopicResult> created;
  nodes[1]->broker->CreateTopics({{"users", 3, {{"cleanup.policy", "compact"}, {"leat.view", "true"}}}},
                                 [&](std::vector<TopicResult> results) { created = results[0]; });
  ASSERT_TRUE(world.RunUntil([&] { return created.has_value(); }, absl::Minutes(2)));
  ASSERT_TRUE(created->outcome.ok()) << created->outcome.message;
  std::map<std::string, std::string> wanted;
  for (int32_t partition = 0; partition < 3; ++partition) {
    for (int i = 0; i < 4; ++i) {
      const std::string key = StrCat("k", partition, i);
      Put(1, partition, key, "1");
      wanted[key] = "1";
    }
  }
  for (int32_t node = 1; node <= kNodes; ++node) EXPECT_EQ(TableFrom(node), wanted) << "node " << node;

  const int32_t dead = LeaderOf(1, Tp("users", 0));
  const int32_t alive = dead % kNodes + 1;
  KillWithViews(dead);
  Put(alive, 0, "k00", "2");
  wanted["k00"] = "2";
  EXPECT_EQ(TableFrom(alive), wanted);

  Start(dead);
  ASSERT_TRUE(world.RunUntil([&] { return nodes[dead]->started.has_value(); }, absl::Seconds(60)));
  StartViews(dead);
  Put(alive, 1, "k10", "2");
  wanted["k10"] = "2";
  for (int32_t node = 1; node <= kNodes; ++node) EXPECT_EQ(TableFrom(node), wanted) << "node " << node;
}

}  // namespace
}  // namespace leat::broker
