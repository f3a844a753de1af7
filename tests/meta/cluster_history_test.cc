#include "tests/meta/cluster_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/check.h"
#include "tests/support/seeds.h"

namespace leat::meta {

ClusterHistory::ClusterHistory(uint64_t seed, Bug bug)
    : random_(seed), sessions_({.timeout = absl::Milliseconds(1000)}, image_, model::Offset(0), now_) {
  policy_.limits.topics = 6;
  policy_.limits.partitions_per_topic = 5;
  policy_.limits.partitions = 20;
  policy_.bug = bug;
  for (int32_t i = 1; i <= kNodes; ++i) nodes_[NodeId(i)] = {};
}

void ClusterHistory::Fail(const std::string& what) {
  if (failure_.empty()) failure_ = StrCat(doing_, ": ", what);
}

std::string ClusterHistory::Run(int steps) {
  Take("format", FormatCluster(image_, "c"));
  for (const auto& [id, node] : nodes_) StartNode(id);
  for (const auto& [id, node] : nodes_) Beat(id);
  for (int i = 0; i < steps && failure_.empty(); ++i) Step();
  if (failure_.empty()) CheckReplays();
  return failure_;
}

void ClusterHistory::Take(const std::string& what, const absl::StatusOr<Records>& decided) {
  doing_ = StrCat("record ", all_.size(), ", ", what);
  if (!decided.ok() || !failure_.empty()) return;
  for (const Record& record : *decided) {
    absl::StatusOr<Delta> delta = image_.Apply(record);
    if (!delta.ok()) return Fail(StrCat("does not apply: ", Message(delta.status())));
    all_.push_back(record);
    for (const Delta::PartitionChange& change : delta->partitions) Follow(change);
  }
  if (!decided->empty()) CheckAll();
}

// What a change means for who holds what.
void ClusterHistory::Follow(const Delta::PartitionChange& change) {
  if (!change.after) {
    complete_.erase(change.key);
    return;
  }
  const Partition& after = *change.after;
  Replicas& complete = complete_[change.key];
  if (!change.before) {
    complete = Replicas(after.replicas.begin(), after.replicas.end());  // of nothing, so far
    return;
  }
  const Partition& before = *change.before;
  std::erase_if(complete, [&](NodeId node) { return !Contains(after.replicas, node); });
  if (before.leader != kNobody && before.leader != after.leader) handed_over_[before.leader] = End();
  for (const NodeId node : after.replicas) {
    const bool was_full = Contains(before.replicas, node) && !Contains(before.adding, node);
    if (!was_full && !Contains(after.isr, node) && !Contains(after.adding, node)) {
      Fail(StrCat("replica ", node, " was never in sync, and is added no more"));
    }
  }
  if (after.leader == kNobody || after.leader == before.leader) return;
  const TopicPtr topic = image_.FindTopic(change.key.topic);
  if (change.election == Election::kUnclean) {
    ++elections_["unclean"];
    if (!unclean_asked_ && !UncleanElectionAllowed(image_, *topic, policy_))
      Fail("an unclean election, though it is off");
    complete = {after.leader};
  } else if (change.election == Election::kLastKnown) {
    ++elections_["last known"];
    if (!Contains(before.last_known_elr, after.leader)) Fail("not the last known leader");
    complete = {after.leader};
  } else {
    ++elections_[change.election == Election::kClean ? "clean" : "eligible"];
  }
}

void ClusterHistory::CheckPartition(const PartitionKey& key, const Partition& p) {
  const std::string state = StrCat(" (replicas ", ToString(p.replicas), ", in sync ", ToString(p.isr), ", eligible ",
                                   ToString(p.elr), ", leader ", p.leader, ")");
  const Replicas& complete = complete_[key];
  if (p.leader != kNobody && !Contains(p.isr, p.leader)) Fail("the leader is not in sync" + state);
  if (!Intersection(p.isr, p.elr).empty()) Fail("in sync and eligible at once" + state);
  if (!ContainsAll(p.replicas, p.isr) || !ContainsAll(p.replicas, p.elr)) Fail("in sync, but no replica" + state);
  for (const NodeId node : p.isr) {
    if (!image_.IsActive(node)) Fail(StrCat("broker ", node, " is in sync, but not live", state));
  }
  for (const NodeList* nodes : {&p.isr, &p.elr}) {
    for (const NodeId node : *nodes) {
      if (!complete.contains(node)) Fail(StrCat("broker ", node, " misses acknowledged records", state));
      if (p.leader == kNobody && image_.IsActive(node)) Fail(StrCat("broker ", node, " could lead", state));
    }
  }
}

void ClusterHistory::CheckAll() {
  std::map<NodeId, std::pair<std::vector<PartitionKey>, std::vector<PartitionKey>>> scan;
  image_.partitions().ForEach([&](const PartitionKey& key, const Partition& partition) {
    CheckPartition(key, partition);
    for (const NodeId node : partition.replicas) scan[node].first.push_back(key);
    if (partition.leader != kNobody) scan[partition.leader].second.push_back(key);
  });
  for (auto& [id, node] : nodes_) {
    auto& [held, led] = scan[id];
    std::sort(held.begin(), held.end());
    std::sort(led.begin(), led.end());
    if (held != image_.partitions().HeldBy(id)) Fail(StrCat("the index of what broker ", id, " holds is wrong"));
    if (led != image_.partitions().LedBy(id)) Fail(StrCat("the index of what broker ", id, " leads is wrong"));
    if (held.size() != image_.partitions().HeldCount(id)) Fail("a count is wrong");
  }
}

void ClusterHistory::CheckReplays() {
  const auto replay = [&](const Records& records, std::string_view what) {
    Image image;
    for (const Record& record : records) {
      const absl::StatusOr<Delta> delta = image.Apply(record);
      if (!delta.ok()) return Fail(StrCat("replay of ", what, ": ", Message(delta.status())));
    }
    if (image.Hash() != image_.Hash()) Fail(StrCat("replay of ", what, " makes another state"));
    if (SnapshotOf(image) != SnapshotOf(image_)) Fail(StrCat("the snapshot after replay of ", what, " differs"));
  };
  replay(all_, "all records");
  replay(SnapshotOf(image_), "the snapshot");
}

void ClusterHistory::Step() {
  unclean_asked_ = false;
  switch (random_.Below(10)) {
    case 0:
    case 1:
    case 2:
      return StepNodes();
    case 3:
      return StepTopics();
    case 4:
    case 5:
    case 6:
    case 7:
      return StepPartition();
    case 8:
      return StepOperator();
    default:
      now_ = now_ + absl::Milliseconds(random_.Between(0, 700));
      for (const auto& [id, node] : nodes_) {
        if (!random_.OneIn(4)) Beat(id);
      }
      // Another controller takes over.
      if (random_.OneIn(8)) sessions_ = BrokerSessions({.timeout = absl::Milliseconds(1000)}, image_, End(), now_);
      for (const NodeId id : sessions_.Expired(image_, now_)) {
        Take(StrCat("fence ", id), FenceBroker(image_, id, policy_));
      }
  }
}

void ClusterHistory::StepNodes() {
  const NodeId id = SomeNode();
  Node& node = nodes_[id];
  if (!node.running) {
    if (random_.OneIn(3)) TryWrongRegistrations(id);
    return StartNode(id);
  }
  switch (random_.Below(4)) {
    case 0:
      node.running = node.stopping = false;  // crashes
      return;
    case 1:
      node.stopping = true;
      [[fallthrough]];
    default:
      return Beat(id);
  }
}

RegisterBroker ClusterHistory::Registration(NodeId id, const Node& node) const {
  const auto number = static_cast<uint64_t>(id.value());
  return {.cluster_id = "c",
          .broker = {.id = id,
                     .incarnation = {number, node.life},
                     .listeners = {{"kafka", "host", 9000 + id.value()}},
                     .rack = StrCat("r", id.value() % 3),
                     .directories = {{1000 + number, node.disk}}},
          .known_incarnations = node.known,
          .clean_shutdown_epoch = node.clean_epoch};
}

void ClusterHistory::StartNode(NodeId id) {
  Node& node = nodes_[id];
  if (node.life > 0 && random_.OneIn(12)) {
    ++node.disk;  // replaced
    node.known.clear();
    node.clean_epoch = -1;
  }
  ++node.life;
  const BrokerPtr before = image_.FindBroker(id);
  const bool lost = before != nullptr && node.clean_epoch != before->epoch();
  const Session session = sessions_.IsAlive(image_, id, now_) ? Session::kAlive : Session::kNone;
  const RegisterBroker command = Registration(id, node);
  node.known.push_back(command.broker.incarnation);
  const absl::StatusOr<Records> decided = Decide(image_, command, session, policy_);
  doing_ = StrCat("start of ", id);
  if (!decided.ok()) {
    if (session == Session::kNone) Fail(StrCat("refused: ", Message(decided.status())));
    return;
  }
  if (session == Session::kAlive) return Fail("let in beside a live process");
  // What it had in memory only is gone.
  if (lost) {
    for (auto& [key, complete] : complete_) complete.erase(id);
  }
  Take(StrCat("start of ", id, lost ? " after a crash" : ""), decided);
  if (!failure_.empty()) return;
  node.running = true;
  node.stopping = false;
  node.clean_epoch = -1;
  node.epoch = image_.FindBroker(id)->epoch();
  node.reported = model::Offset(-1);
  sessions_.Registered(id, node.epoch, End(), now_);
}

void ClusterHistory::TryWrongRegistrations(NodeId id) {
  Node node = nodes_[id];
  const BrokerPtr before = image_.FindBroker(id);
  ++node.life;
  const auto refused = [&](const std::string& what, const RegisterBroker& command, Session session) {
    doing_ = what;
    if (Decide(image_, command, session, policy_).ok()) Fail("let in");
  };
  RegisterBroker foreign = Registration(id, node);
  foreign.cluster_id = "d";
  refused("another cluster", foreign, Session::kNone);
  if (before == nullptr) return;
  refused("a second node with one id", Registration(id, node), Session::kAlive);
  std::erase(node.known, before->registration.incarnation);
  if (before->registration.directories == Registration(id, node).broker.directories) {
    refused("a rolled-back disk", Registration(id, node), Session::kNone);
  }
}

void ClusterHistory::Beat(NodeId id) {
  Node& node = nodes_[id];
  if (!node.running || !failure_.empty()) return;
  node.applied = random_.OneIn(5) ? node.applied : End();
  const auto wish = node.stopping ? Heartbeat::Wish::kStop : Heartbeat::Wish::kServe;
  const Heartbeat heartbeat{id, node.epoch, node.applied, wish};
  const absl::StatusOr<BrokerSessions::Outcome> outcome = sessions_.Handle(image_, heartbeat, End(), now_, policy_);
  doing_ = StrCat("heartbeat of ", id);
  if (!outcome.ok()) {
    node.running = false;  // unregistered meanwhile
    return;
  }
  node.reported = node.applied;
  const bool was_fenced = image_.FindBroker(id)->fenced;
  Take(doing_, outcome->records);
  if (!outcome->answer.may_stop) return;
  node.running = node.stopping = false;
  node.clean_epoch = node.epoch;
  if (image_.partitions().LedCount(id) > 0) Fail("it may stop, but leads");
  for (const auto& [other, state] : nodes_) {
    const BrokerPtr broker = image_.FindBroker(other);
    if (other == id || broker == nullptr || broker->fenced || was_fenced || !handed_over_.contains(id)) continue;
    if (state.reported < handed_over_[id])
      Fail(StrCat("it may stop, but broker ", other, " does not know who leads now"));
  }
}

void ClusterHistory::StepTopics() {
  const std::string name = StrCat("t", random_.Below(6));
  const TopicPtr topic = image_.FindTopic(name);
  if (topic == nullptr) {
    CreateTopic command{.name = name,
                        .partitions = static_cast<int32_t>(random_.Between(1, 4)),
                        .configs = {{"min.insync.replicas", StrCat(random_.Between(1, 2))}},
                        .replication_factor = static_cast<int32_t>(random_.Between(1, 4))};
    if (random_.OneIn(4)) command.configs["unclean.leader.election.enable"] = "true";
    return Take("create " + name, Decide(image_, command, policy_, random_));
  }
  if (random_.OneIn(6)) return Take("delete " + name, Decide(image_, DeleteTopic{name}));
  AlterTopic command{.name = name};
  if (random_.OneIn(2)) command.partitions = topic->partitions + 1;
  if (random_.OneIn(2)) command.set["min.insync.replicas"] = StrCat(random_.Between(1, 3));
  if (random_.OneIn(4)) command.set["unclean.leader.election.enable"] = random_.OneIn(2) ? "true" : "false";
  Take("alter " + name, Decide(image_, command, policy_, random_));
}

std::optional<PartitionKey> ClusterHistory::SomePartition() {
  const std::vector<TopicPtr> topics = image_.Topics();
  if (topics.empty()) return std::nullopt;
  const TopicPtr& topic = topics[random_.Below(topics.size())];
  return PartitionKey{topic->id,
                      PartitionId(static_cast<int32_t>(random_.Below(static_cast<uint64_t>(topic->partitions))))};
}

// The leader acknowledges something: whoever is not in sync misses it.
void ClusterHistory::Commit(const PartitionKey& key) {
  const Partition& p = *image_.FindPartition(key);
  const auto least = static_cast<size_t>(MinInsync(image_, *image_.FindTopic(key.topic), policy_));
  if (p.leader == kNobody || p.isr.size() < std::min(least, p.replicas.size())) return;
  complete_[key] = Replicas(p.isr.begin(), p.isr.end());
}

void ClusterHistory::LeaderChangesIsr(const PartitionKey& key) {
  const Partition p = *image_.FindPartition(key);
  if (p.leader == kNobody) return;
  AlterPartition command{p.leader, image_.FindBroker(p.leader)->epoch(), key, p.leader_epoch, p.partition_epoch, {}};
  Replicas joins;
  for (const NodeId node : p.replicas) {
    const bool in_sync = Contains(p.isr, node);
    if (node != p.leader && random_.OneIn(in_sync ? 3 : 2)) continue;
    const BrokerPtr broker = image_.FindBroker(node);
    int64_t epoch = broker == nullptr ? -1 : broker->epoch();
    // It caught up in an earlier life, and lost what it had since.
    const bool stale = !in_sync && random_.OneIn(5);
    if (stale) --epoch;
    if (!in_sync && !stale) joins.insert(node);
    command.isr.push_back({node, epoch});
  }
  if (random_.OneIn(20)) --command.broker_epoch;
  if (random_.OneIn(20)) --command.partition_epoch;
  const absl::StatusOr<Records> decided = Decide(image_, command, policy_);
  if (!decided.ok()) return;
  complete_[key].insert(joins.begin(), joins.end());
  Take(StrCat("in-sync set by ", p.leader), decided);
}

void ClusterHistory::StepPartition() {
  const std::optional<PartitionKey> key = SomePartition();
  if (!key) return StepTopics();
  switch (random_.Below(8)) {
    case 0:
    case 1:
      return Commit(*key);
    case 2:
    case 3:
    case 4:
      return LeaderChangesIsr(*key);
    case 5:
      return Take("preferred election", Decide(image_, ElectLeader{*key}, policy_));
    case 6:
      if (!random_.OneIn(6)) return;
      unclean_asked_ = true;
      return Take("unclean election", Decide(image_, ElectLeader{*key, ElectionWish::kUnclean}, policy_));
    default: {
      std::optional<NodeList> target = SomeNodes();
      if (random_.OneIn(4)) target = std::nullopt;
      return Take(target ? StrCat("reassignment to ", ToString(*target)) : "cancelled reassignment",
                  Decide(image_, Reassign{*key, target}, policy_));
    }
  }
}

NodeList ClusterHistory::SomeNodes() {
  NodeList nodes;
  const auto count = static_cast<size_t>(random_.Between(1, 3));
  while (nodes.size() < count) {
    const NodeId node = SomeNode();
    if (!Contains(nodes, node)) nodes.push_back(node);
  }
  return nodes;
}

void ClusterHistory::StepOperator() {
  const NodeId id = SomeNode();
  switch (random_.Below(7)) {
    case 0:
      return Take("rebalance", RebalanceLeaders(image_, {.percent = static_cast<int32_t>(random_.Below(30))}, policy_));
    case 1:
      return Take("leaderless", ElectLeaderless(image_, 5, policy_));
    case 2: {
      absl::StatusOr<Drained> drained = DrainBroker(image_, id, 3, policy_, random_);
      if (drained.ok()) Take(StrCat("drain ", id), std::move(drained->records));
      return;
    }
    case 3:
      return Take(StrCat("keep ", id), StopDraining(image_, id));
    case 4:
      return Take(StrCat("unregister ", id), UnregisterBroker(image_, id));
    case 5:
      return Take(
          "throttle",
          Decide(image_, AlterBrokerConfigs{id, {{"leader.replication.throttled.rate", StrCat(random_.Between(1, 9))}}},
                 policy_));
    default: {
      AlterBrokerConfigs command;
      if (random_.OneIn(2)) command.remove = {"min.insync.replicas"};
      if (command.remove.empty()) command.set = {{"min.insync.replicas", StrCat(random_.Between(1, 2))}};
      return Take("cluster config", Decide(image_, command, policy_));
    }
  }
}

namespace {

constexpr int kSteps = 150;

TEST(ClusterHistory, KeepsTheRulesOverThousandsOfCommands) {
  std::map<std::string, int> elections;
  size_t records = 0;
  const sim::Seeds seeds = sim::SeedsToRun(1500);
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    ClusterHistory history(seed);
    ASSERT_EQ(history.Run(kSteps), "") << "replay with LEAT_SEED=" << seed;
    records += history.records();
    for (const auto& [kind, count] : history.elections()) elections[kind] += count;
  }
  if (seeds.replay) return;
  // The generator reaches what it is there for.
  EXPECT_GT(records, 66 * seeds.count);
  for (const char* kind : {"clean", "eligible", "last known", "unclean"}) {
    EXPECT_GT(static_cast<uint64_t>(elections[kind]), seeds.count / 8) << kind;
  }
}

TEST(ClusterHistory, IsTheSameForASeed) {
  ClusterHistory a(9), b(9);
  EXPECT_EQ(a.Run(kSteps), b.Run(kSteps));
  EXPECT_EQ(a.records(), b.records());
}

struct PlantedBug : ::testing::TestWithParam<Bug> {};

TEST_P(PlantedBug, IsCaught) {
  uint64_t seed = 1;
  std::string failure;
  while (failure.empty() && seed <= 1000) failure = ClusterHistory(seed++, GetParam()).Run(kSteps);
  EXPECT_NE(failure, "") << "not caught by 1000 histories";
  RecordProperty("seeds", static_cast<int>(seed - 1));
  RecordProperty("failure", failure);
}

INSTANTIATE_TEST_SUITE_P(Every, PlantedBug,
                         ::testing::Values(Bug::kAcceptStaleBrokerEpoch, Bug::kElectOutsideIsr,
                                           Bug::kForgetPartitionEpoch, Bug::kKeepFencedInIsr, Bug::kUncleanAlthoughOff,
                                           Bug::kKeepUncleanInElr, Bug::kForgetLeaderEpoch,
                                           Bug::kFinishReassignmentEarly, Bug::kLeaveLeaderless,
                                           Bug::kStopWithoutOthers));

}  // namespace
}  // namespace leat::meta
