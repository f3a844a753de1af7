// Brokers and a controller that moves, on a network that loses and repeats: what was answered is in the metadata once,
// what was refused is not, and what nobody knows is said to be unknown. A broker that is not heard of loses its
// partitions in time, and what an earlier life of a broker asks for is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "coordinator/controller.h"
#include "coordinator/controller_client.h"
#include "tests/coordinator/sim_quorum.h"
#include "tests/support/seeds.h"
#include "tests/support/sim_network.h"
#include "tests/support/sim_shard.h"

namespace leat::coordinator {
namespace {

constexpr int32_t kVoters = 3;
constexpr int32_t kNodes = 4;  // the last has no vote
constexpr Duration kSession = absl::Milliseconds(1500);
constexpr Duration kSlack = absl::Milliseconds(900);  // a quarter of a session between looks, and what a change takes

// One process of a node.
struct Process {
  Process(SimQuorum& quorum, sim::SimNetwork& network, sim::SimWorld& world, int32_t id, uint64_t life)
      : shard(world),
        log(quorum, meta::NodeId(id), shard, id <= kVoters ? SimQuorum::Part::kVotes : SimQuorum::Part::kObserves) {
    env::Transport& transport = *network.Attach(id, {&shard})[0];
    std::map<int32_t, env::PeerAddress> peers;
    for (int32_t i = 1; i <= kNodes; ++i) peers[i] = sim::SimNetwork::AddressOf(i);
    transport.SetPeers(peers);
    Controller::Options options;
    options.self = meta::NodeId(id);
    options.cluster_id = "c";
    options.policy.after_unclean_shutdown = meta::AfterUncleanShutdown::kTrustSynced;
    options.sessions.timeout = kSession;
    options.rebalance_interval = absl::Seconds(7);
    options.random_seed = world.random().Next();
    controller = std::make_unique<Controller>(options, log, transport, shard);
    meta::RegisterBroker registration{.cluster_id = "c",
                                      .broker = {.id = meta::NodeId(id),
                                                 .incarnation = {static_cast<uint64_t>(id), life},
                                                 .listeners = {{"kafka", "h", 9000 + id}},
                                                 .directories = {{static_cast<uint64_t>(id), 77}}}};
    for (uint64_t i = 1; i < life; ++i) registration.known_incarnations.push_back({static_cast<uint64_t>(id), i});
    client = std::make_unique<ControllerClient>(
        ControllerClient::Options{.self = meta::NodeId(id), .random_seed = world.random().Next()}, log, transport,
        shard,
        ControllerClient::Node{[registration] { return registration; }, [this] { return log.end(); },
                               [id] {
                                 if (id <= kVoters) return std::vector<meta::NodeId>();
                                 return std::vector{meta::NodeId(1), meta::NodeId(2), meta::NodeId(3)};
                               }});
    log.on_leader = [this] {
      controller->OnLeadership();
      client->OnLeadership();
    };
    log.on_image = [this] { client->OnApplied(); };
    client->Start([](const absl::Status& status) { LEAT_CHECK_OK(status); });
  }
  ~Process() { shard.Kill(); }

  sim::SimShard shard;
  std::unique_ptr<Controller> controller;
  std::unique_ptr<ControllerClient> client;
  SimQuorum::Log log;
};

class Cluster {
 public:
  explicit Cluster(uint64_t seed) : world(seed), network(world), quorum(world) {
    quorum.on_commit = [this](const meta::Image& before, const meta::Records& records) { Check(before, records); };
    for (int32_t id = 1; id <= kNodes; ++id) Start(id);
    quorum.SetLeader(meta::NodeId(1));
  }
  ~Cluster() {
    for (int32_t id = 1; id <= kNodes; ++id) Kill(id);
  }

  void Start(int32_t id) { processes[id] = std::make_unique<Process>(quorum, network, world, id, ++lives[id]); }
  void Kill(int32_t id) {
    if (!processes.contains(id)) return;
    network.Kill(id);
    processes.erase(id);
  }
  bool AllLive() {
    const meta::Image image = quorum.Replay();
    for (int32_t id = 1; id <= kNodes; ++id) {
      if (!image.IsActive(meta::NodeId(id)) || processes.at(id)->client->fenced()) return false;
      const meta::BrokerPtr broker = image.FindBroker(meta::NodeId(id));
      if (broker->registration.incarnation.low != lives[id]) return false;
    }
    return true;
  }

  // What may never be committed.
  void Check(const meta::Image& before, const meta::Records& records) {
    meta::Image after = before;
    for (const meta::Record& record : records) {
      if (const auto* created = std::get_if<meta::TopicCreated>(&record)) {
        EXPECT_EQ(made.count(created->name), 0u) << created->name << " was made twice";
        made.insert(created->name);
      }
      if (const auto* ids = std::get_if<meta::ProducerIdsReserved>(&record))
        reserved += ids->end - after.producer_ids_end();
      LEAT_CHECK_OK(after.Apply(record).status());
    }
    after.partitions().ForEach([&](const meta::PartitionKey&, const meta::Partition& partition) {
      if (partition.leader == meta::kNobody) return;
      EXPECT_TRUE(after.IsActive(partition.leader)) << "broker " << partition.leader << " leads and may not";
      EXPECT_TRUE(meta::Contains(partition.isr, partition.leader));
    });
  }

  sim::SimWorld world;
  sim::SimNetwork network;
  SimQuorum quorum;
  std::map<int32_t, std::unique_ptr<Process>> processes;
  std::map<int32_t, uint64_t> lives;
  std::set<std::string> made;
  int64_t reserved = 0;
};

struct Asked {
  enum class Outcome { kWaits, kMade, kRefused, kUnknown } outcome = Outcome::kWaits;
  std::string text;
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : c_(seed) {}

  void Go() {
    ASSERT_TRUE(c_.world.RunUntil([&] { return c_.AllLive(); }, absl::Seconds(20)));
    c_.network.SetFaults({.loss = 0.02, .duplicate = 0.05, .reorder = 0.1, .stuck = 0.005, .reset = 0.005});
    const int64_t steps = Random().Between(20, 60);
    for (int64_t i = 0; i < steps; ++i) {
      Step();
      c_.world.RunFor(absl::Milliseconds(Random().Between(0, 400)));
    }
    Heal();
    CheckAnswers();
  }

 private:
  leat::Random& Random() { return c_.world.random(); }
  int32_t SomeNode() { return static_cast<int32_t>(Random().Between(1, kNodes)); }
  meta::NodeId SomeVoter() { return meta::NodeId(static_cast<int32_t>(Random().Between(1, kVoters))); }

  void Step() {
    const int32_t id = SomeNode();
    switch (Random().Below(12)) {
      case 0:
        c_.quorum.SetLeader(SomeVoter());
        return;
      case 1:
        c_.Kill(id);
        if (c_.quorum.leader() == meta::NodeId(id)) c_.quorum.SetLeader(meta::NodeId(1 + id % kVoters));
        return;
      case 2:
        if (!c_.processes.contains(id)) c_.Start(id);
        return;
      case 3:
        c_.network.CutBoth(id, 1 + id % kNodes);
        return;
      case 4:
        c_.network.Heal();
        return;
      case 5:
        ReserveIds(id);
        return;
      default:
        Create(id);
    }
  }

  void Create(int32_t id) {
    if (!c_.processes.contains(id)) return;
    const std::string name = StrCat("t", next_++);
    topics_[name];
    c_.processes[id]->client->Change(
        {meta::CreateTopic{.name = name, .partitions = 2, .configs = {}, .replication_factor = 1}},
        meta::ChangeMode::kApply, [this, name, id](ControllerClient::Changed changed) {
          topics_[name] = OutcomeOf(changed);
          // Whoever asked sees it.
          if (topics_[name].outcome == Asked::Outcome::kMade) {
            EXPECT_NE(c_.processes[id]->log.image()->FindTopic(name), nullptr) << name;
          }
        });
  }

  void ReserveIds(int32_t id) {
    if (!c_.processes.contains(id)) return;
    c_.processes[id]->client->Change({meta::ReserveIds{10}}, meta::ChangeMode::kApply,
                                     [this](ControllerClient::Changed changed) {
                                       if (OutcomeOf(changed).outcome != Asked::Outcome::kMade) return;
                                       const int64_t begin = changed.results[0].producer_ids_begin;
                                       EXPECT_TRUE(blocks_.insert(begin).second) << "given out twice: " << begin;
                                     });
  }

  static Asked OutcomeOf(const ControllerClient::Changed& changed) {
    const absl::Status& status = changed.status.ok() ? changed.results.at(0).status : changed.status;
    Asked asked{Asked::Outcome::kMade, status.ToString()};
    if (status.ok()) return asked;
    const bool unknown = model::CodeOf(status) == model::ErrorCode::kRequestTimedOut;
    asked.outcome = unknown ? Asked::Outcome::kUnknown : Asked::Outcome::kRefused;
    return asked;
  }

  void Heal() {
    c_.network.SetFaults({});
    c_.network.Heal();
    if (!c_.processes.contains(c_.quorum.leader().value())) {
      c_.Start(c_.quorum.leader().value());
    }
    c_.world.RunFor(absl::Seconds(3));
    // Whoever is dead has been fenced meanwhile, and leads nothing.
    const meta::Image image = c_.quorum.Replay();
    for (int32_t id = 1; id <= kNodes; ++id) {
      if (c_.processes.contains(id)) continue;
      EXPECT_FALSE(image.IsActive(meta::NodeId(id))) << id;
      EXPECT_EQ(image.partitions().LedCount(meta::NodeId(id)), 0u) << id;
      c_.Start(id);
    }
    ASSERT_TRUE(c_.world.RunUntil([&] { return c_.AllLive(); }, absl::Seconds(60)));
    c_.world.RunFor(absl::Seconds(60));
    c_.quorum.Replay().partitions().ForEach([](const meta::PartitionKey&, const meta::Partition& partition) {
      EXPECT_NE(partition.leader, meta::kNobody);
    });
  }

  void CheckAnswers() {
    const meta::Image image = c_.quorum.Replay();
    size_t made = 0;
    for (const auto& [name, asked] : topics_) {
      const bool there = image.FindTopic(name) != nullptr;
      EXPECT_TRUE(there || asked.outcome != Asked::Outcome::kMade) << name << " is not there";
      EXPECT_FALSE(there && asked.outcome == Asked::Outcome::kRefused) << name << ": " << asked.text;
      made += there ? 1 : 0;
    }
    EXPECT_EQ(c_.made.size(), made);
    EXPECT_GE(c_.reserved, static_cast<int64_t>(10 * blocks_.size()));
  }

  Cluster c_;
  std::map<std::string, Asked> topics_;
  std::set<int64_t> blocks_;
  int next_ = 0;
};

TEST(ControllerSimulation, AnswersAreTrueInEverySeed) {
  const sim::Seeds seeds = sim::SeedsToRun(300);
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    SCOPED_TRACE(StrCat("seed ", seed));
    Simulation run(seed);
    run.Go();
    if (::testing::Test::HasFailure()) return;
  }
}

class QuietCluster : public ::testing::Test {
 protected:
  QuietCluster() {
    LEAT_CHECK(c.world.RunUntil([&] { return c.AllLive(); }, absl::Seconds(20)));
  }
  ControllerClient::Changed Change(int32_t id, meta::Command command) {
    std::optional<ControllerClient::Changed> got;
    c.processes[id]->client->Change({std::move(command)}, meta::ChangeMode::kApply,
                                    [&](ControllerClient::Changed changed) { got = std::move(changed); });
    LEAT_CHECK(c.world.RunUntil([&] { return got.has_value(); }, absl::Minutes(2)));
    return *std::move(got);
  }
  std::string CodeOfChange(int32_t id, meta::Command command) {
    const ControllerClient::Changed changed = Change(id, std::move(command));
    const absl::Status& status = changed.status.ok() ? changed.results[0].status : changed.status;
    return std::string(model::ErrorName(model::CodeOf(status).value_or(model::ErrorCode::kNone)));
  }
  Cluster c{5};
};

TEST_F(QuietCluster, FencesADeadBrokerInTimeAndItsPartitionsMove) {
  const meta::NodeList replicas{meta::NodeId(3), meta::NodeId(2)};
  ASSERT_EQ(CodeOfChange(2, meta::CreateTopic{.name = "t", .partitions = 1, .configs = {}, .assignments = {replicas}}),
            "NONE");
  const auto leader = [&] {
    const meta::Image image = c.quorum.Replay();
    return image.LeaderOf({image.FindTopic("t")->id, meta::PartitionId(0)});
  };
  ASSERT_EQ(leader(), meta::NodeId(3));
  c.world.RunFor(absl::Seconds(1));
  c.Kill(3);
  const Instant died = c.world.Now();
  ASSERT_TRUE(c.world.RunUntil([&] { return leader() == meta::NodeId(2); }, absl::Seconds(10)));
  EXPECT_LE(c.world.Now() - died, kSession + kSlack);
  EXPECT_GE(c.world.Now() - died, kSession - absl::Milliseconds(600)) << "a session is not over before its time";
  EXPECT_TRUE(c.quorum.Replay().FindBroker(meta::NodeId(3))->fenced);
}

// It hears of the next controller from the log only after it has missed the last one; a session is shorter.
TEST_F(QuietCluster, KeepsABrokerWithoutAVoteWhenTheControllerDies) {
  c.quorum.deaf = absl::Seconds(30);
  for (const int32_t dies : {1, 2}) {
    c.Kill(dies);
    c.quorum.SetLeader(meta::NodeId(dies + 1));
    const Instant until = c.world.Now() + 3 * kSession;
    while (c.world.Now() < until) {
      c.world.RunFor(absl::Milliseconds(10));
      ASSERT_TRUE(c.quorum.Replay().IsActive(meta::NodeId(4)))
          << absl::FormatDuration(until - c.world.Now()) << " before the end";
    }
    c.Start(dies);
  }
}

TEST_F(QuietCluster, ABrokerThatRestartsAtOnceIsLetInAfterItsSession) {
  c.Kill(3);
  c.Start(3);
  const Instant died = c.world.Now();
  ASSERT_TRUE(c.world.RunUntil([&] { return c.AllLive(); }, absl::Seconds(10)));
  EXPECT_LE(c.world.Now() - died, kSession + kSlack);
  EXPECT_EQ(c.quorum.Replay().FindBroker(meta::NodeId(3))->registration.incarnation.low, 2u);
}

TEST_F(QuietCluster, TheControllersOwnBrokerIsLetInAtOnce) {
  c.Kill(1);
  c.Start(1);
  c.quorum.SetLeader(meta::NodeId(1));
  const Instant died = c.world.Now();
  ASSERT_TRUE(c.world.RunUntil([&] { return c.AllLive(); }, absl::Seconds(10)));
  EXPECT_LE(c.world.Now() - died, absl::Milliseconds(400));
}

TEST_F(QuietCluster, ABrokerThatLeavesInOrderIsLetGoOnceTheOthersLead) {
  const meta::NodeList replicas{meta::NodeId(3), meta::NodeId(2)};
  Change(2, meta::CreateTopic{.name = "t", .partitions = 1, .configs = {}, .assignments = {replicas}});
  absl::Status left = Internal("not answered");
  c.processes[3]->client->LeaveInOrder(absl::Seconds(10), [&](absl::Status status) { left = std::move(status); });
  ASSERT_TRUE(c.world.RunUntil([&] { return left.code() != absl::StatusCode::kInternal; }, absl::Seconds(20)));
  EXPECT_TRUE(left.ok()) << left;
  const meta::Image image = c.quorum.Replay();
  EXPECT_EQ(image.LeaderOf({image.FindTopic("t")->id, meta::PartitionId(0)}), meta::NodeId(2));
  for (int32_t id : {1, 2}) {
    EXPECT_EQ(c.processes[id]->log.image()->partitions().LedCount(meta::NodeId(3)), 0u) << id;
  }
}

TEST_F(QuietCluster, ChangesGoOnWithAnotherController) {
  ASSERT_EQ(CodeOfChange(3, meta::CreateTopic{.name = "a", .partitions = 1, .configs = {}}), "NONE");
  c.quorum.SetLeader(meta::NodeId(2));
  c.world.RunFor(
      absl::Milliseconds(50));  // the one before has heard of it: what it takes on meanwhile has no known outcome
  ASSERT_EQ(CodeOfChange(3, meta::CreateTopic{.name = "b", .partitions = 1, .configs = {}}), "NONE");
  ASSERT_EQ(CodeOfChange(1, meta::DeleteTopic{.name = "b"}), "NONE");
  EXPECT_EQ(c.quorum.Replay().topic_count(), 1u);
}

TEST_F(QuietCluster, AChangeSaysSoWhenNoControllerIsThere) {
  c.network.Isolate(3);
  const Instant asked = c.world.Now();
  EXPECT_EQ(CodeOfChange(3, meta::CreateTopic{.name = "a", .partitions = 1, .configs = {}}), "REQUEST_TIMED_OUT");
  EXPECT_LE(c.world.Now() - asked, absl::Seconds(35));
  c.network.Heal();
  c.world.RunFor(absl::Seconds(5));
  EXPECT_EQ(CodeOfChange(3, meta::CreateTopic{.name = "a", .partitions = 1, .configs = {}}), "NONE");
}

class InSyncSets : public QuietCluster {
 protected:
  InSyncSets() {
    Change(2, meta::CreateTopic{.name = "t",
                                .partitions = 1,
                                .configs = {},
                                .assignments = {{meta::NodeId(3), meta::NodeId(2), meta::NodeId(1)}}});
  }
  meta::Partition Now() {
    const meta::Image image = c.quorum.Replay();
    return *image.FindPartition({image.FindTopic("t")->id, meta::PartitionId(0)});
  }
  AlterPartitionsRequest::Item Item(std::initializer_list<int32_t> isr, int64_t attempt) {
    const meta::Image image = c.quorum.Replay();
    const meta::Partition p = Now();
    AlterPartitionsRequest::Item item{{p.leader,
                                       image.FindBroker(p.leader)->epoch(),
                                       {image.FindTopic("t")->id, meta::PartitionId(0)},
                                       p.leader_epoch,
                                       p.partition_epoch,
                                       {}},
                                      attempt};
    for (const int32_t id : isr) {
      item.command.isr.push_back({meta::NodeId(id), image.FindBroker(meta::NodeId(id))->epoch()});
    }
    return item;
  }
  AlterPartitionsReply::Result Alter(const AlterPartitionsRequest::Item& item, int32_t by = 3) {
    std::optional<AlterPartitionsReply::Result> got;
    c.processes[by]->client->AlterIsr(item, [&](AlterPartitionsReply::Result result) { got = std::move(result); });
    LEAT_CHECK(c.world.RunUntil([&] { return got.has_value(); }, absl::Minutes(1)));
    return *std::move(got);
  }
  std::string CodeOfAlter(const AlterPartitionsRequest::Item& item, int32_t by = 3) {
    return std::string(model::ErrorName(model::CodeOf(Alter(item, by).status).value_or(model::ErrorCode::kNone)));
  }
};

TEST_F(InSyncSets, AreChangedOnceByEachAttempt) {
  const AlterPartitionsRequest::Item first = Item({3, 2}, 1);
  const AlterPartitionsReply::Result accepted = Alter(first);
  ASSERT_TRUE(accepted.status.ok()) << accepted.status;
  EXPECT_EQ(accepted.state, Now());
  EXPECT_THAT(Now().isr, ::testing::SizeIs(2));
  EXPECT_EQ(CodeOfAlter(first), "INVALID_UPDATE_VERSION") << "a copy of what was accepted";
}

TEST_F(InSyncSets, AnOlderAttemptFailsOnceALaterOneWasRefused) {
  AlterPartitionsRequest::Item refused = Item({3, 2}, 5);
  refused.command.isr[1].epoch += 100;
  EXPECT_EQ(CodeOfAlter(refused), "INELIGIBLE_REPLICA");
  EXPECT_EQ(CodeOfAlter(Item({3, 2}, 4)), "OPERATION_NOT_ATTEMPTED");
  EXPECT_EQ(CodeOfAlter(Item({3, 2}, 5)), "OPERATION_NOT_ATTEMPTED");
  EXPECT_EQ(CodeOfAlter(Item({3, 2}, 6)), "NONE");
}

TEST_F(InSyncSets, OfAnEarlierLifeAreRefused) {
  const AlterPartitionsRequest::Item old = Item({3, 2}, 1);
  c.Kill(3);
  c.Start(3);
  ASSERT_TRUE(c.world.RunUntil([&] { return c.AllLive(); }, absl::Seconds(10)));
  EXPECT_EQ(CodeOfAlter(old), "STALE_BROKER_EPOCH");
  EXPECT_EQ(CodeOfAlter(old, 2), "INVALID_REQUEST") << "nobody speaks for another broker";
}

TEST_F(QuietCluster, MovesADrainedBrokersCopiesUntilItHasNone) {
  for (int i = 0; i < 5; ++i) {
    Change(2, meta::CreateTopic{.name = StrCat("t", i),
                                .partitions = 100,
                                .configs = {},
                                .assignments = std::vector<meta::NodeList>(100, {meta::NodeId(3)})});
  }
  ASSERT_EQ(CodeOfChange(1, meta::Drain{meta::NodeId(3)}), "NONE");
  c.world.RunFor(absl::Seconds(10));
  size_t reassigning = 0;
  c.quorum.Replay().partitions().ForEach([&](const meta::PartitionKey&, const meta::Partition& partition) {
    reassigning += partition.is_reassigning() ? 1 : 0;
  });
  EXPECT_EQ(reassigning, 500u) << "all of them, though one command moves fewer";
}

TEST_F(QuietCluster, GivesPreferredLeadersTheirPartitionsBack) {
  Change(2, meta::CreateTopic{
                .name = "t", .partitions = 1, .configs = {}, .assignments = {{meta::NodeId(3), meta::NodeId(2)}}});
  const auto partition = [&] {
    const meta::Image image = c.quorum.Replay();
    return *image.FindPartition({image.FindTopic("t")->id, meta::PartitionId(0)});
  };
  c.Kill(3);
  c.world.RunFor(absl::Seconds(4));
  ASSERT_EQ(partition().leader, meta::NodeId(2));
  c.Start(3);
  ASSERT_TRUE(c.world.RunUntil([&] { return c.AllLive(); }, absl::Seconds(10)));
  const meta::Image image = c.quorum.Replay();
  AlterPartitionsRequest::Item item{{meta::NodeId(2),
                                     image.FindBroker(meta::NodeId(2))->epoch(),
                                     {image.FindTopic("t")->id, meta::PartitionId(0)},
                                     partition().leader_epoch,
                                     partition().partition_epoch,
                                     {{meta::NodeId(2), image.FindBroker(meta::NodeId(2))->epoch()},
                                      {meta::NodeId(3), image.FindBroker(meta::NodeId(3))->epoch()}}},
                                    1};
  c.processes[2]->client->AlterIsr(
      item, [](const AlterPartitionsReply::Result& result) { EXPECT_TRUE(result.status.ok()) << result.status; });
  ASSERT_TRUE(c.world.RunUntil([&] { return partition().leader == meta::NodeId(3); }, absl::Seconds(10)));
}

}  // namespace
}  // namespace leat::coordinator
