// What a seed draws, and what goes wrong.
#include <cmath>

#include "tests/replication/sim_cluster.h"

namespace leat::replication::sim {

using model::NodeId;
using model::Offset;

void Cluster::Draw() {
  n_ = static_cast<int>(random_.Between(3, 5));
  const auto family = [&](double most) { return random_.OneIn(5) ? 0.0 : most * random_.Unit(); };
  loss_ = family(0.2);
  duplicate_ = family(0.2);
  stuck_ = family(0.02);
  mean_delay_us_ = 200 * std::pow(60.0, random_.Unit());
  fault_every_us_ = random_.Between(100'000, 500'000);
  produce_every_us_ = random_.Between(10'000, 40'000);
  chaos_us_ = random_.Between(3'000'000, 5'000'000);
  options_ = {.lag_time_max = absl::Milliseconds(random_.Between(300, 1000)),
              .proposal_timeout = absl::Milliseconds(250),
              .proposal_backoff = absl::Milliseconds(40),
              .fetch_timeout = absl::Milliseconds(400),
              .fetch_backoff = absl::Milliseconds(20),
              .fetch_backoff_max = absl::Milliseconds(200),
              .max_waiters = 50,
              .max_damaged_ranges = 2};
  const int partitions = static_cast<int>(random_.Between(1, 3));
  nodes_.resize(static_cast<size_t>(n_) + 1);
  for (int p = 0; p < partitions; ++p) {
    const int64_t replicas = random_.OneIn(4) ? n_ : 3;
    std::vector<NodeId> assigned;
    const int first = static_cast<int>(random_.Below(static_cast<uint64_t>(n_)));
    for (int i = 0; i < replicas; ++i) assigned.push_back(NodeId((first + i) % n_ + 1));
    const int min_insync = static_cast<int>(random_.OneIn(4) ? random_.Between(1, replicas) : 2);
    controller_.AddPartition(assigned, min_insync, random_.OneIn(2) ? Durability::kFsync : Durability::kPageCache);
  }
  truths_.resize(static_cast<size_t>(partitions));
  for (int id = 1; id <= n_; ++id) {
    Node& at = node(id);
    at.logs.resize(truths_.size());
    at.holes.resize(truths_.size());
    at.replicas.resize(truths_.size());
    at.tick_at.assign(truths_.size(), INT64_MAX);
    at.sync_to.assign(truths_.size(), -1);
    at.checked.assign(truths_.size(), 0);
    At(random_.Between(0, 20'000), [this, id] { Start(id); });
  }
  for (size_t p = 0; p < truths_.size(); ++p) ProduceLoop(p);
  At(500'000, [this] { InjectFaults(); });
}

void Cluster::ProduceLoop(size_t p) {
  At(random_.Between(1, 2 * produce_every_us_), [this, p] {
    Produce(p);
    if (random_.OneIn(4)) ReadLatest(p);
    // A little longer than the faults last: that is written which shows that all is well again.
    if (now_us_ < chaos_us_ + 500'000) ProduceLoop(p);
  });
}

void Cluster::InjectFaults() {
  if (healed_) return;
  OneFault();
  At(random_.Between(1, 2 * fault_every_us_), [this] { InjectFaults(); });
}

void Cluster::OneFault() {
  ++result_.faults;
  const int id = static_cast<int>(random_.Between(1, n_));
  const int64_t lasts_us = random_.OneIn(3) ? random_.Between(1'000, 2'000'000) : random_.Between(1'000, 200'000);
  const size_t p = random_.Below(truths_.size());
  switch (random_.Below(11)) {
    case 0:
      Stop(id, false);
      At(lasts_us, [this, id] { Start(id); });
      break;
    case 1:
    case 2:
      CutPower(id);
      At(lasts_us, [this, id] { Start(id); });
      break;
    case 3:
      if (!node(id).up || node(id).paused) break;
      Log(StrCat("node ", id, " pauses"));
      node(id).paused = true;
      At(lasts_us, [this, id, life = node(id).life] {
        if (node(id).life != life || !node(id).paused) return;
        node(id).paused = false;
        for (const Action& action : std::exchange(node(id).deferred, {})) action();
      });
      break;
    case 4:
    case 5: {
      std::set<std::pair<int, int>> links;
      const int other = static_cast<int>(random_.Between(0, n_));
      for (int to = 0; to <= n_; ++to) links.insert({{id, to}, {to, id}});
      if (random_.OneIn(2)) links = {{id, other}};
      Log(StrCat("node ", id, links.size() == 1 ? StrCat(" cannot send to ", other) : " is cut off"));
      cut_.insert(links.begin(), links.end());
      At(lasts_us, [this, links] {
        for (const auto& link : links) cut_.erase(link);
      });
      break;
    }
    case 6: {
      if (!node(id).registered) break;
      Log(StrCat("node ", id, " shuts down"));
      Send(id, 0, [this, id, epoch = node(id).broker_epoch] { controller_.BeginShutdown(id, epoch); });
      At(300'000, [this, id, life = node(id).life] {
        if (node(id).life == life) Stop(id, false);
      });
      At(300'000 + lasts_us, [this, id] { Start(id); });
      break;
    }
    case 7:
    case 8:
      Log(StrCat("the leader of ", p, " moves"));
      controller_.MoveLeader(p, random_.Below(8));
      break;
    case 9:
      DeleteRecords(p);
      break;
    case 10:
      DamageSomething(id);
      break;
  }
}

// True if one more replica may lose what it has: with min.insync.replicas - 1 of them every committed record is left
// on one at least.
bool Cluster::MayHarm(int id, size_t p) const {
  const PartitionView& view = controller_.partitions()[p].view;
  std::set<int> harmed = truths_[p].at_risk;
  harmed.insert(id);
  for (const int other : truths_[p].damaged) {
    const bool whole = nodes_[static_cast<size_t>(other)].holes[p].empty();
    if (!whole || !controller_.partitions()[p].Holds(NodeId(other))) harmed.insert(other);
  }
  return harmed.size() < view.effective_min_insync();
}

void Cluster::CutPower(int id) {
  if (!node(id).up) return;
  for (size_t p = 0; p < truths_.size(); ++p) {
    const PartitionView& view = controller_.partitions()[p].view;
    if (view.durability != Durability::kPageCache || view.Find(NodeId(id)) == nullptr) continue;
    if (!MayHarm(id, p)) return Stop(id, false);
  }
  for (size_t p = 0; p < truths_.size(); ++p) {
    const PartitionView& view = controller_.partitions()[p].view;
    if (view.durability == Durability::kPageCache && view.Find(NodeId(id)) != nullptr) truths_[p].at_risk.insert(id);
  }
  Stop(id, true);
}

void Cluster::DamageSomething(int id) {
  Node& at = node(id);
  const size_t p = random_.Below(truths_.size());
  if (!at.up || at.paused || at.replicas[p] == nullptr || !MayHarm(id, p)) return;
  const SimLog& log = at.logs[p];
  if (log.start >= log.end()) return;
  const int64_t from = random_.Between(log.start, log.end() - 1);
  const OffsetRange range{Offset(from), Offset(random_.Between(from + 1, std::min(log.end(), from + 5)))};
  Log(StrCat("node ", id, " finds ", range.from, "..", range.to, " of ", p, " damaged"));
  AddRange(range, options_.max_damaged_ranges, &at.holes[p]);
  truths_[p].damaged.insert(id);
  const auto role = at.replicas[p]->role();
  at.replicas[p]->OnDamage(range, now());
  if (role != at.replicas[p]->role()) WakeParked(id, p);
  Perform(id, p);
}

void Cluster::DeleteRecords(size_t p) {
  for (int id = 1; id <= n_; ++id) {
    Node& at = node(id);
    if (!at.up || at.paused || at.replicas[p] == nullptr || at.replicas[p]->leader() == nullptr) continue;
    LeaderCore* leader = at.replicas[p]->leader();
    const int64_t to = random_.Between(at.logs[p].start, leader->log().high_watermark.value());
    if (to == at.logs[p].start) continue;
    Log(StrCat(id, "/", p, " deletes records before ", to));
    at.logs[p].start = to;
    leader->OnLogStart(Offset(to));
    Perform(id, p);
  }
}

void Cluster::ReadLatest(size_t p) {
  Truth& truth = truths_[p];
  const PartitionView& view = controller_.partitions()[p].view;
  if (view.leader == kNoNode) return;
  truth.reader_epoch = view.epoch.value();
  const Node& at = node(view.leader.value());
  if (!at.up || at.replicas[p] == nullptr) return;
  const OffsetVerdict latest = at.replicas[p]->LatestOffset(view.epoch);
  if (latest.error != model::ErrorCode::kNone) return;
  if (latest.offset.value() < truth.reader_latest) Fail("I4: the latest offset goes back");
  truth.reader_latest = latest.offset.value();
  const ReadVerdict read = at.replicas[p]->CheckRead({.leader_epoch = view.epoch, .offset = latest.offset});
  if (read.error != model::ErrorCode::kNone) Fail("a reader at the latest offset is refused");
}

void Cluster::Heal() {
  Log("---- healed");
  healed_ = true;
  cut_.clear();
  loss_ = duplicate_ = stuck_ = 0;
  for (int id = 1; id <= n_; ++id) {
    if (!node(id).up) Start(id);
    node(id).paused = false;
    for (const Action& action : std::exchange(node(id).deferred, {})) action();
  }
}

}  // namespace leat::replication::sim
