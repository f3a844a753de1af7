#include "tests/sim/faults.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "broker/cluster_admin.h"

namespace leat::nodes {

Faults::Faults(Stage& stage)
    : stage_(stage),
      random_(stage.plan.Chance(3)),
      aim_(stage.plan.Chance(Family::kAimed)),
      voters_(stage.plan.Chance(Family::kVoterChanges)),
      join_(stage.plan.Chance(8000)),
      aims_one_in_(static_cast<uint64_t>(aim_.Between(1, 6))) {
  for (const Family family :
       {Family::kCrash, Family::kPower, Family::kPause, Family::kCuts, Family::kSlowLinks, Family::kClientLink,
        Family::kDiskErrors, Family::kDiskFull, Family::kSlowDisk, Family::kClock, Family::kLeaderMoves,
        Family::kReassignment, Family::kVoterChanges, Family::kAimed}) {
    if (stage.plan.has(family)) kinds_.push_back(family);
  }
  ClientLink::Faults link;
  link.mean_delay = stage.plan.client_delay;
  link.loss = stage.plan.client_loss;
  link.stuck = stage.plan.client_stuck;
  stage.link.SetFaults(link);
}

Faults::~Faults() { stage_.world.DropEvents(this); }

void Faults::Next() {
  After(stage_.plan.fault_pause * (2 * random_.Unit()), [this] {
    if (healed_) return;
    if (!kinds_.empty()) One();
    Next();
  });
}

Duration Faults::Span() {
  return absl::Milliseconds(random_.OneIn(3) ? random_.Between(200, 6000) : random_.Between(5, 400));
}

void Faults::One() {
  ++count_;
  const Family kind = kinds_[random_.Below(kinds_.size())];
  const int id = AnyNode();
  Node& node = stage_.cluster.node(id);
  stage_.trace(StrCat("fault ", NameOf(kind), " at ", id));
  switch (kind) {
    case Family::kCrash:
      return Crash(id);
    case Family::kPower:
      return Power();
    case Family::kPause:
      return stage_.cluster.StandStill(id, Span());
    case Family::kCuts:
      return Cut(id);
    case Family::kSlowLinks: {
      const int other = AnyNode();
      stage_.cluster.network().SetSlow(id, other, static_cast<double>(random_.Between(5, 500)));
      return After(Span(), [this, id, other] { stage_.cluster.network().SetSlow(id, other, 1); });
    }
    case Family::kClientLink:
      stage_.link.Cut(id);
      return After(Span(), [this, id] { stage_.link.Restore(id); });
    case Family::kDiskErrors:
    case Family::kDiskFull:
      if (kind == Family::kDiskFull) {
        node.disk.faults().no_space_one_in = static_cast<uint64_t>(random_.Between(1, 4));
        return After(Span(), [&node] { node.disk.faults().no_space_one_in = 0; });
      }
      return Disk(id);
    case Family::kSlowDisk:
      node.machine.disk_slowness = static_cast<double>(random_.Between(5, 100));
      return After(Span(), [&node] { node.machine.disk_slowness = 1; });
    case Family::kClock:
      // Less than an hour apart from each other: what a node's job writes is refused where the leader's clock is
      // further behind than message.timestamp.after.max.ms.
      node.machine.wall_offset_ms = random_.Between(-1'700'000, 1'700'000);
      return;
    case Family::kReassignment:
      return Reassign();
    case Family::kVoterChanges:
      return ChangeVoters(id);
    case Family::kAimed:
      return LeaveFetchBehind();
    default: {
      broker::ElectLeadersRequest request;
      const int asked = stage_.cluster.AnyServing(random_);
      if (asked == 0) return;
      stage_.link.Call<std::vector<broker::PartitionOutcome>>(
          asked, absl::Seconds(5),
          [request](broker::BrokerImpl& broker, broker::Callback<std::vector<broker::PartitionOutcome>> done) {
            broker.cluster_admin().ElectLeaders(request, std::move(done));
          },
          [](const auto&) {});
    }
  }
}

void Faults::Crash(int id) {
  if (random_.OneIn(3)) return stage_.cluster.StopInOrder(id);
  stage_.cluster.Kill(id);
}

// Where a topic is acknowledged from page caches, a majority keeps power: nobody else has lost anything that it has not
// made good.
bool Faults::MayLoseTail(int id) {
  if (!stage_.plan.has(Family::kPageCache)) return true;
  for (int other = 1; other <= stage_.cluster.size(); ++other) {
    const Node& node = stage_.cluster.node(other);
    // One whose sync failed loses it when its process ends.
    if (other != id && (node.lost_tail || node.disk.sync_failed() || other == bad_disk_)) return false;
  }
  return stage_.cluster.size() > 2;
}

void Faults::Power() {
  const bool everybody = random_.OneIn(6);
  for (int id = 1; id <= stage_.cluster.size(); ++id) {
    if ((everybody || random_.OneIn(static_cast<uint64_t>(stage_.cluster.size()))) && MayLoseTail(id)) {
      stage_.cluster.CutPower(id);
    }
  }
}

void Faults::Cut(int id) {
  sim::SimNetwork& network = stage_.cluster.network();
  if (random_.OneIn(2)) {
    for (int other = 1; other <= stage_.cluster.size(); ++other) network.CutBoth(id, other);
    return After(Span(), [this, id, &network] {
      for (int other = 1; other <= stage_.cluster.size(); ++other) {
        network.Restore(id, other);
        network.Restore(other, id);
      }
    });
  }
  const int other = AnyNode();
  network.Cut(id, other);
  After(Span(), [id, other, &network] { network.Restore(id, other); });
}

void Faults::Disk(int id) {
  if (bad_disk_ != 0 || !MayLoseTail(id)) return;
  bad_disk_ = id;
  Node& node = stage_.cluster.node(id);
  const auto one_in = static_cast<uint64_t>(random_.Between(2, 40));
  switch (random_.Below(3)) {
    case 0:
      node.disk.faults().sync_eio_one_in = one_in;
      break;
    case 1:
      node.disk.faults().write_eio_one_in = one_in;
      break;
    default:
      node.disk.faults().read_eio_one_in = one_in;
  }
  After(Span(), [this, &node] {
    bad_disk_ = 0;
    node.disk.faults() = {};
  });
}

// Another set of replicas in another order, of two at least; at times one that is under way is cancelled.
void Faults::Reassign() {
  const std::vector<model::TopicPartition>& partitions = stage_.partitions;
  const int asked = stage_.cluster.AnyServing(random_);
  if (asked == 0 || partitions.empty() || stage_.cluster.size() < 3) return;
  broker::Reassignment wish{.partition = partitions[random_.Below(partitions.size())], .replicas = std::nullopt};
  if (!random_.OneIn(5)) {
    std::vector<model::NodeId> nodes;
    for (int id = 1; id <= stage_.cluster.size(); ++id) nodes.push_back(model::NodeId(id));
    for (size_t i = nodes.size(); i > 1; --i) std::swap(nodes[i - 1], nodes[random_.Below(i)]);
    nodes.resize(static_cast<size_t>(random_.Between(2, 3)));
    wish.replicas = std::move(nodes);
  }
  using Outcomes = std::vector<broker::PartitionOutcome>;
  stage_.link.Call<Outcomes>(
      asked, absl::Seconds(5),
      [request = broker::ReassignRequest{.partitions = {std::move(wish)}}](broker::BrokerImpl& broker,
                                                                           broker::Callback<Outcomes> done) {
        broker.cluster_admin().Reassign(request, std::move(done));
      },
      [](const auto&) {});
}

// A voter loses its vote, and perhaps its process as soon as that is decided; a node without one gets it. Two stay, so
// that nobody leads alone.
void Faults::ChangeVoters(int id) {
  constexpr size_t kFewestVoters = 2;
  const int asked = stage_.cluster.AnyServing(voters_);
  if (asked == 0 || stage_.cluster.size() < 3) return;
  const raft::VoterSet& voters = stage_.cluster.node(asked).broker->metadata()->quorum().voters();
  const bool remove = voters.Find(model::NodeId(id)) != nullptr;
  if (remove && voters.size() <= kFewestVoters) return;
  const bool dies = remove && voters_.OneIn(2);
  const Duration pause = absl::Milliseconds(voters_.Between(0, 1000));
  stage_.link.Call<broker::Outcome>(
      asked, absl::Seconds(70),
      [remove, id](broker::BrokerImpl& broker, broker::Callback<broker::Outcome> done) {
        if (remove) return broker.cluster_admin().RemoveVoter({"", model::NodeId(id), {}}, std::move(done));
        broker.cluster_admin().AddVoter({"", model::NodeId(id), {}, {}}, std::move(done));
      },
      [this, id, remove, dies, pause](const std::optional<broker::Outcome>& reply) {
        stage_.trace(StrCat(remove ? "remove" : "add", " voter ", id, ": ", !reply ? "no answer" : reply->message));
        if (!dies || healed_ || !reply || !reply->ok()) return;
        stage_.cluster.Kill(id);
        stage_.cluster.StartIn(id, pause);
      });
}

void Faults::NoteAsking(int node, int controller) {
  if (!started_ || healed_ || !stage_.plan.has(Family::kAimed)) return;
  const Node& at = stage_.cluster.node(node);
  if (at.serves() || std::exchange(asked_[node], at.life) == at.life || !join_.OneIn(3)) return;
  const Duration held = absl::Milliseconds(join_.Between(300, 3000));
  stage_.trace(StrCat("node ", node, " joins, and hears late of the metadata"));
  stage_.cluster.network().HoldBack(controller, node, env::Service::kRaft, held, held);
}

// A follower's fetches are on their way for so long that they arrive when its machine has lost power, and what they say
// it has, and another process of it is registered. Nobody else's are heard of meanwhile, so that theirs would count.
void Faults::LeaveFetchBehind() {
  const meta::ImagePtr image = stage_.cluster.NewestImage();
  if (image == nullptr || stage_.partitions.empty()) return;
  const model::TopicPartition& name = stage_.partitions[aim_.Below(stage_.partitions.size())];
  const meta::TopicPtr topic = image->FindTopic(name.topic);
  const meta::Partition* found = topic == nullptr ? nullptr : image->FindPartition({topic->id, name.partition});
  if (found == nullptr || found->leader.value() < 1 || found->isr.size() < 2) return;
  const int leader = found->leader.value();
  std::vector<int> others;
  for (const model::NodeId node : found->isr) {
    if (node.value() != leader) others.push_back(node.value());
  }
  const int follower = others[aim_.Below(others.size())];
  std::erase(others, follower);
  if (!MayLoseTail(follower)) return;
  sim::SimNetwork& network = stage_.cluster.network();
  const Duration held = absl::Milliseconds(aim_.Between(2000, 4000));
  const Duration window = absl::Milliseconds(aim_.Between(20, 100));
  const Duration pause = absl::Milliseconds(aim_.Between(0, 200));
  stage_.trace(StrCat("fetches of node ", follower, " from node ", leader, " stay behind"));
  network.HoldBack(follower, leader, env::Service::kFetch, window, held);
  for (const int other : others) network.HoldBack(other, leader, env::Service::kFetch, held, held);
  After(window, [this, follower, leader, held, pause, &network] {
    if (!MayLoseTail(follower)) return;
    stage_.cluster.CutPower(follower);
    stage_.cluster.StartIn(follower, pause);
    network.HoldBack(follower, leader, env::Service::kFetch, held + absl::Seconds(1), held);
  });
}

void Faults::Part(int from, int to, Duration span) {
  if (from == to || from < 1 || to < 1) return;
  sim::SimNetwork& network = stage_.cluster.network();
  network.Cut(from, to);
  After(span, [from, to, &network] { network.Restore(from, to); });
}

void Faults::Restart(int id, Duration in) {
  const bool power = aim_.OneIn(2);
  const Duration pause = absl::Milliseconds(aim_.Between(0, 300));
  After(in, [this, id, power, pause] {
    if (power && !MayLoseTail(id)) return;
    power ? stage_.cluster.CutPower(id) : stage_.cluster.Kill(id);
    stage_.cluster.StartIn(id, pause);
  });
}

void Faults::Aim(const ReplicaChecks::Moment& moment) {
  if (healed_ || !stage_.plan.has(Family::kAimed) || !aim_.OneIn(aims_one_in_)) return;
  ++count_;
  stage_.trace(StrCat("aimed at node ", moment.leader,
                      moment.what == ReplicaChecks::Moment::What::kElection ? ", which is to lead" : ", which proposes",
                      ", the controller is node ", moment.controller));
  moment.what == ReplicaChecks::Moment::What::kElection ? AimAtElection(moment) : AimAtProposal(moment);
}

// The proposal or its answer comes late, and meanwhile the one that it is about is another process, or is not reached.
void Faults::AimAtProposal(const ReplicaChecks::Moment& moment) {
  if (moment.subjects.empty()) return;
  sim::SimNetwork& network = stage_.cluster.network();
  const int subject = moment.subjects[aim_.Below(moment.subjects.size())];
  const int leader = moment.leader, controller = moment.controller;
  const Duration held = absl::Milliseconds(aim_.Between(300, 4000));
  const Duration window = absl::Milliseconds(aim_.Between(50, 400));
  switch (aim_.Below(4)) {
    case 0:
      if (controller == 0) return;
      network.HoldBack(leader, controller, env::Service::kController, window, held);
      Restart(subject, absl::Milliseconds(aim_.Between(0, 30)));
      if (aim_.OneIn(2)) return;
      Part(leader, subject, held + window);
      return Part(subject, leader, held + window);
    case 1:
      if (controller == 0) return;
      network.HoldBack(controller, leader, env::Service::kController, held, held);
      network.HoldBack(controller, leader, env::Service::kRaft, held, held);
      Part(leader, subject, held);
      return Part(subject, leader, held);
    case 2:
      Restart(subject, absl::Milliseconds(aim_.Between(0, 100)));
      if (aim_.OneIn(2)) Part(leader, subject, held);
      return;
    default:
      stage_.cluster.StandStill(subject, held / 2);
      if (aim_.OneIn(2)) Restart(leader, absl::Milliseconds(aim_.Between(0, 100)));
  }
}

// Who has just come to lead, or may lead next, is another process soon, and hears late of what happened meanwhile.
void Faults::AimAtElection(const ReplicaChecks::Moment& moment) {
  const bool eligible = !moment.subjects.empty() && aim_.OneIn(2);
  const int target = eligible ? moment.subjects[aim_.Below(moment.subjects.size())] : moment.leader;
  Restart(target, absl::Milliseconds(aim_.Between(0, 60)));
  if (moment.controller == 0 || aim_.OneIn(2)) return;
  const Duration held = absl::Milliseconds(aim_.Between(300, 2000));
  stage_.cluster.network().HoldBack(moment.controller, target, env::Service::kRaft, held, held);
}

void Faults::NoteInSync() {
  const meta::ImagePtr image = stage_.cluster.NewestImage();
  if (image == nullptr) return;
  for (int id = 1; id <= stage_.cluster.size(); ++id) {
    Node& node = stage_.cluster.node(id);
    if (!node.lost_tail || !node.serves() || node.disk.sync_failed()) continue;
    const meta::BrokerPtr registered = image->FindBroker(model::NodeId(id));
    if (registered == nullptr || registered->epoch() != node.broker->controller_client()->broker_epoch()) continue;
    bool in_sync = true;
    image->partitions().ForEach([&](const meta::PartitionKey&, const meta::Partition& partition) {
      const auto here = [&](const meta::NodeList& list) {
        return std::find(list.begin(), list.end(), model::NodeId(id)) != list.end();
      };
      if (here(partition.replicas) && !here(partition.isr)) in_sync = false;
    });
    if (in_sync) node.lost_tail = false;
  }
}

void Faults::Heal() {
  healed_ = true;
  stage_.trace("heal");
  stage_.world.DropEvents(this);
  stage_.link.SetFaults({});
  stage_.cluster.network().Heal();
  stage_.cluster.network().SetFaults({});
  for (int id = 1; id <= stage_.cluster.size(); ++id) {
    Node& node = stage_.cluster.node(id);
    stage_.link.Restore(id);
    node.disk.faults() = {};
    node.machine.disk_slowness = 1;
  }
  stage_.cluster.Hurry();
}

}  // namespace leat::nodes
