// Topics, records and committed offsets under power cuts: what was acknowledged is there afterwards, and nothing else
// than what was asked for.
#include <set>

#include "meta/snapshot.h"
#include "tests/broker/broker_fixture.h"
#include "tests/support/seeds.h"

namespace leat::broker {
namespace {

struct Model {
  std::map<std::string, bool> topics;                                // name -> acknowledged; false: asked, not answered
  std::set<std::string> deleted;                                     // deletion asked for: may be gone
  std::map<std::string, std::set<std::string>> acknowledged, asked;  // topic -> values
  std::map<std::string, int64_t> committed;                          // acknowledged
  std::map<std::string, std::set<int64_t>> may_be_committed;
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : w_(seed, 1 + seed % 3) {}

  void Go() {
    for (int life = 0; life < 3; ++life) {
      const absl::Status started = w_.Start();
      ASSERT_TRUE(started.ok()) << started;
      CheckState();
      Live();
      // Power cuts inside a deletion have a test of their own.
      ASSERT_TRUE(w_.world.RunUntil([this] { return deleting_ == 0; }));
      ASSERT_TRUE(w_.Health().ok()) << w_.Health();
      w_.PowerCut();
    }
    ASSERT_TRUE(w_.Start().ok());
    CheckState();
    // The image is a function of the log: a broker that starts again sees the same, but for its own new life.
    const meta::Records records = WithoutLives(meta::SnapshotOf(*w_.broker->image()));
    ASSERT_TRUE(w_.Stop().ok());
    ASSERT_TRUE(w_.Start().ok());
    EXPECT_EQ(WithoutLives(meta::SnapshotOf(*w_.broker->image())), records);
  }

 private:
  void Live() {
    const int steps = static_cast<int>(w_.world.random().Between(5, 30));
    for (int i = 0; i < steps; ++i) {
      Ask();
      w_.world.RunFor(absl::Microseconds(w_.world.random().Between(0, 3000)));
    }
  }

  void Ask() {
    const std::string topic = StrCat("t", w_.world.random().Below(4));
    switch (w_.world.random().Below(8)) {
      case 0:
        m_.topics.emplace(topic, false);
        w_.broker->CreateTopics({{topic, 2}}, [this, topic](const std::vector<TopicResult>& r) {
          if (r[0].outcome.ok() && !m_.deleted.contains(topic)) m_.topics[topic] = true;
        });
        return;
      case 1:
        // A name whose deletion was asked for is left alone from then on: it may be there or not.
        if (!w_.world.random().OneIn(4)) return;
        m_.deleted.insert(topic);
        ++deleting_;
        w_.broker->DeleteTopics({topic}, [this](const auto&) { --deleting_; });
        return;
      case 2:
      case 3: {
        const int64_t offset = ++next_;
        const std::string group = StrCat("g", w_.world.random().Below(3));
        m_.may_be_committed[group].insert(offset);
        w_.broker->CommitOffsets({group, {{Tp("fixed"), model::Offset(offset), "m"}}},
                                 [this, group, offset](const std::vector<CommitOffsetResult>& r) {
                                   if (r[0].outcome.ok()) m_.committed[group] = std::max(m_.committed[group], offset);
                                 });
        return;
      }
      default: {
        const std::string value = StrCat("v", ++next_);
        const std::string target = w_.world.random().OneIn(2) ? "fixed" : topic;
        m_.asked[target].insert(value);
        if (target != "fixed") m_.topics.emplace(target, false);
        ProduceRequest request;
        request.partitions.push_back({Tp(target), Batch({value})});
        w_.broker->Produce(std::move(request), [this, target, value](const ProduceReply& reply) {
          if (reply.partitions[0].outcome.ok()) m_.acknowledged[target].insert(value);
        });
      }
    }
  }

  void CheckState() {
    w_.Create("fixed");
    for (const meta::TopicPtr& topic : w_.broker->image()->Topics()) {
      if (topic->name == "fixed" || meta::IsReservedTopic(topic->name)) continue;
      EXPECT_TRUE(m_.topics.contains(topic->name)) << topic->name << " was never asked for";
    }
    for (const auto& [topic, acknowledged] : m_.topics) {
      if (!acknowledged || m_.deleted.contains(topic)) continue;
      EXPECT_NE(w_.broker->image()->FindTopic(topic), nullptr) << topic << " was lost";
    }
    for (const auto& [topic, asked] : m_.asked) {
      std::vector<std::string> values;
      if (w_.broker->image()->FindTopic(topic) != nullptr) values = Values(w_.FetchOne(Tp(topic)).batches);
      const std::set<std::string> found(values.begin(), values.end());
      EXPECT_EQ(found.size(), values.size()) << "a record came twice";
      for (const std::string& value : found) EXPECT_TRUE(asked.contains(value)) << value << " was never produced";
      if (m_.deleted.contains(topic)) continue;
      for (const std::string& value : m_.acknowledged[topic])
        EXPECT_TRUE(found.contains(value)) << value << " was lost";
    }
    for (const auto& [group, offsets] : m_.may_be_committed) {
      const int64_t stored = w_.Committed(group, Tp("fixed"));
      const auto acknowledged = m_.committed.find(group);
      EXPECT_GE(stored, acknowledged == m_.committed.end() ? -1 : acknowledged->second) << group;
      EXPECT_TRUE(stored == -1 || offsets.contains(stored)) << group << " at " << stored;
    }
  }

  BrokerWorld w_;
  Model m_;
  int64_t next_ = 0;
  int deleting_ = 0;
};

TEST(CrashSimulation, KeepsWhatWasAcknowledgedInEverySeed) {
  const sim::Seeds seeds = sim::SeedsToRun(500);
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    SCOPED_TRACE(StrCat("seed ", seed));
    Simulation run(seed);
    run.Go();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace leat::broker
