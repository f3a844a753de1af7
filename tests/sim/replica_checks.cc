#include "tests/sim/replica_checks.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace leat::nodes {
namespace {

// A broker comes back and takes up what has no leader in one change of the metadata. What a controller finds when it
// begins, it mends within its first round of upkeep.
constexpr Duration kLeaderlessPatience = absl::Milliseconds(500);
constexpr Duration kNewTermPatience = absl::Seconds(3);

// The epochs of the offsets [from, to), each with where it begins there.
template <typename Entries>
std::vector<log::LeaderEpochs::Entry> Within(const Entries& entries, int64_t from, int64_t to) {
  std::vector<log::LeaderEpochs::Entry> within;
  for (size_t i = 0; i < entries.size(); ++i) {
    const int64_t begin = std::max(entries[i].start.value(), from);
    const int64_t end = i + 1 < entries.size() ? std::min(entries[i + 1].start.value(), to) : to;
    if (begin < end) within.push_back({entries[i].epoch, model::Offset(begin)});
  }
  return within;
}

std::string Describe(const std::vector<log::LeaderEpochs::Entry>& epochs) {
  std::string out;
  for (const auto& [epoch, start] : epochs) StrAppend(&out, out.empty() ? "" : " ", epoch, "@", start);
  return out;
}

}  // namespace

broker::ShardState::Open ReplicaChecks::CopyOf(int id, const model::TopicPartition& name) {
  const Node& node = cluster_.node(id);
  if (!node.up()) return {};
  const auto& shards = node.broker->shards();
  return shards[broker::OwnerOf(name, shards.size())]->Peek(name);
}

// One that was deposed may not know it yet.
int ReplicaChecks::Controller() {
  int controller = 0;
  model::LeaderEpoch term{-1};
  for (int id = 1; id <= cluster_.size(); ++id) {
    const Node& node = cluster_.node(id);
    if (!node.up() || node.broker->metadata() == nullptr || !node.broker->metadata()->active()) continue;
    if (node.broker->metadata()->epoch() <= term) continue;
    term = node.broker->metadata()->epoch();
    controller = id;
  }
  return controller;
}

void ReplicaChecks::Tell(Moment::What what, int leader, std::vector<int> subjects) {
  if (moment_) moment_({what, leader, Controller(), std::move(subjects)});
}

// Metadata that was committed stays, so that the newest that any node has shown is what holds.
bool ReplicaChecks::TakeNewest(int id) {
  const Node& node = cluster_.node(id);
  if (!node.serves()) return false;
  const int64_t end = node.broker->metadata()->end().value();
  if (end <= newest_end_) return false;
  newest_end_ = end;
  newest_ = node.broker->image();
  for (Truth& truth : truths_) {
    const meta::TopicPtr topic = newest_->FindTopic(truth.name.topic);
    truth.partition = nullptr;
    if (topic == nullptr) continue;
    truth.key = {topic->id, truth.name.partition};
    truth.partition = newest_->FindPartition(truth.key);
    if (truth.partition == nullptr || truth.partition->partition_epoch == truth.partition_epoch) continue;
    CheckReassignment(truth);
    truth.partition_epoch = truth.partition->partition_epoch;
    CheckHolders(truth);
    const int leader = truth.partition->leader.value();
    if (const meta::BrokerPtr broker = newest_->FindBroker(model::NodeId(leader)); leader > 0 && broker != nullptr) {
      truth.given_to.try_emplace(truth.partition->leader_epoch.value(), broker->epoch());
    }
    if (leader == std::exchange(truth.leader, leader) || leader < 1) continue;
    std::vector<int> eligible;
    for (const model::NodeId other : truth.partition->elr) eligible.push_back(other.value());
    Tell(Moment::What::kElection, leader, std::move(eligible));
  }
  return true;
}

// Most events are of one node, or of none: only what it has done can be news.
void ReplicaChecks::AfterEvent() {
  if (cluster_.size() == 1) return;
  turns_.resize(static_cast<size_t>(cluster_.size()));
  for (int id = 1; id <= cluster_.size(); ++id) {
    const uint64_t turns = cluster_.node(id).machine.turns;
    if (std::exchange(turns_[static_cast<size_t>(id - 1)], turns) == turns) continue;
    const bool fresh = TakeNewest(id);
    for (Truth& truth : truths_) {
      const int leader = truth.partition == nullptr ? 0 : truth.partition->leader.value();
      if (leader == id || (fresh && leader > 0)) LookAtLeader(truth);
    }
  }
}

// It ends when all that it adds are in sync, or is cancelled.
void ReplicaChecks::CheckReassignment(Truth& truth) {
  const meta::Partition& now = *truth.partition;
  const meta::NodeList adding = std::exchange(truth.adding, now.adding);
  const int32_t before = std::exchange(truth.adding_epoch, now.partition_epoch);
  // Of several changes at once only the last is seen.
  if (now.partition_epoch != before + 1 || now.is_reassigning()) return;
  for (const model::NodeId added : adding) {
    if (!meta::Contains(now.replicas, added) || meta::Contains(now.isr, added)) continue;
    history_.Fail(StrCat("a reassignment of ", truth.name.ToString(), " has ended, and node ", added,
                         ", which it has added, is not in sync: ", meta::ToString(now.isr)));
  }
}

void ReplicaChecks::LookAtLeader(Truth& truth) {
  const int leader = truth.partition->leader.value();
  const broker::ShardState::Open copy = CopyOf(leader, truth.name);
  if (copy.log == nullptr || copy.replica == nullptr || !cluster_.node(leader).serves()) return;
  const replication::LeaderCore* core = copy.replica->core().leader();
  if (core == nullptr) return;
  if (const int64_t mark = copy.log->high_watermark().value(); mark > truth.committed) {
    for (const auto& entry : Within(copy.log->epochs().entries(), truth.committed, mark)) {
      if (truth.epochs.empty() || truth.epochs.back().epoch != entry.epoch) truth.epochs.push_back(entry);
    }
    truth.committed = mark;
    CheckHolders(truth);
    if (copy.log->options().durability == log::Durability::kFsync) CheckSynced(truth);
  }
  LookAtProposal(truth, leader, *core);
}

void ReplicaChecks::LookAtProposal(Truth& truth, int leader, const replication::LeaderCore& core) {
  const bool pending = core.isr().pending();
  if (pending == std::exchange(truth.proposing, pending) || !pending) return;
  std::vector<int> subjects;
  for (const replication::IsrMember& member : core.isr().proposed()) {
    if (!replication::Contains(core.isr().committed(), member.node)) subjects.push_back(member.node.value());
  }
  for (const model::NodeId node : core.isr().committed()) {
    if (std::ranges::find(core.isr().proposed(), node, &replication::IsrMember::node) == core.isr().proposed().end()) {
      subjects.push_back(node.value());
    }
  }
  Tell(Moment::What::kProposal, leader, std::move(subjects));
}

void ReplicaChecks::CheckHolders(const Truth& truth) {
  for (const model::NodeId node : truth.partition->isr) CheckHolder(truth, node.value());
  for (const model::NodeId node : truth.partition->elr) CheckHolder(truth, node.value());
}

void ReplicaChecks::CheckHolder(const Truth& truth, int id) {
  const Node& node = cluster_.node(id);
  if (!node.serves() || node.disk.sync_failed()) return;
  // The controller cannot know yet that another life of it is there.
  const meta::BrokerPtr registered = newest_->FindBroker(model::NodeId(id));
  if (registered == nullptr || registered->epoch() != node.broker->controller_client()->broker_epoch()) return;
  const log::PartitionLog* log = CopyOf(id, truth.name).log;
  if (log == nullptr) return;
  const std::string who =
      StrCat("node ", id, " may lead ", truth.name.ToString(), " (in sync ", meta::ToString(truth.partition->isr),
             ", eligible ", meta::ToString(truth.partition->elr), ")");
  if (log->log_end().value() < truth.committed) {
    return history_.Fail(StrCat(who, " and its log ends at ", log->log_end(), ", committed is ", truth.committed));
  }
  const int64_t from = log->log_start().value();
  const Epochs expected = Within(truth.epochs, from, truth.committed);
  const Epochs there = Within(log->epochs().entries(), from, truth.committed);
  if (expected != there) {
    history_.Fail(StrCat(who, " and has other records: those committed are of the epochs ", Describe(expected),
                         ", its own of ", Describe(there)));
  }
}

// Of class F, at the moment of the commit.
void ReplicaChecks::CheckSynced(const Truth& truth) {
  for (const model::NodeId node : truth.partition->isr) {
    const Node& at = cluster_.node(node.value());
    const auto synced = truth.synced.find(node.value());
    // What a process finds when it starts is on disk, and it does not know it yet.
    if (!at.serves() || synced == truth.synced.end() || synced->second != at.life) continue;
    const log::PartitionLog* log = CopyOf(node.value(), truth.name).log;
    if (log == nullptr || log->durable_end().value() >= truth.committed) continue;
    history_.Fail(StrCat(truth.name.ToString(), " is committed up to ", truth.committed, ", and in-sync node ", node,
                         " has ", log->durable_end(), " on disk"));
  }
}

void ReplicaChecks::Look() {
  if (cluster_.size() == 1) return;
  for (Truth& truth : truths_) CheckLives(truth);
  CheckLeaderless();
}

// One process leads in an epoch, and no later life of it.
void ReplicaChecks::CheckLives(Truth& truth) {
  for (int id = 1; id <= cluster_.size(); ++id) {
    const broker::ShardState::Open copy = CopyOf(id, truth.name);
    if (copy.log == nullptr) continue;
    const uint64_t life = cluster_.node(id).life;
    if (copy.log->durable_end() >= copy.log->log_end()) truth.synced[id] = life;
    if (copy.replica == nullptr || copy.replica->core().leader() == nullptr) continue;
    const int32_t epoch = copy.replica->core().leader()->view().epoch.value();
    CheckGiven(truth, id, epoch);
    const auto known = truth.leading.try_emplace(epoch, id, life).first;
    if (known->second == std::pair(id, life)) continue;
    history_.Fail(StrCat("node ", id, " leads ", truth.name.ToString(), " in epoch ", epoch, ", in which ",
                         known->second.first == id ? "an earlier life of it" : StrCat("node ", known->second.first),
                         " has led"));
  }
}

// The controller gives a leader epoch to a registration, and not to a later one of the same node.
void ReplicaChecks::CheckGiven(const Truth& truth, int id, int32_t epoch) {
  const auto given = truth.given_to.find(epoch);
  const int64_t own = cluster_.node(id).broker->controller_client()->broker_epoch();
  if (given == truth.given_to.end() || own <= given->second) return;
  history_.Fail(StrCat("node ", id, " leads ", truth.name.ToString(), " in epoch ", epoch,
                       " as the process that registered with epoch ", own, "; it was given to that with epoch ",
                       given->second));
}

void ReplicaChecks::CheckLeaderless() {
  const int controller = Controller();
  if (controller == 0 || cluster_.node(controller).machine.still_until > cluster_.now()) {
    term_ = -1;
    return;
  }
  const coordinator::MetadataLog& metadata = *cluster_.node(controller).broker->metadata();
  const Instant now = cluster_.now();
  const bool new_term = std::exchange(term_, metadata.epoch().value()) != metadata.epoch().value();
  const meta::Image& image = *metadata.image();
  std::map<meta::PartitionKey, Instant> leaderless;
  image.partitions().ForEach([&](const meta::PartitionKey& key, const meta::Partition& partition) {
    if (partition.leader != meta::kNobody) return;
    const auto active = [&](model::NodeId node) { return image.IsActive(node); };
    if (std::ranges::none_of(partition.isr, active) && std::ranges::none_of(partition.elr, active)) return;
    const auto since = leaderless_.find(key);
    leaderless[key] = new_term ? now + kNewTermPatience : since == leaderless_.end() ? now : since->second;
    if (now - leaderless[key] <= kLeaderlessPatience) return;
    history_.Fail(StrCat("partition ", key.partition, " of ", key.topic.ToString(), " has no leader for ",
                         absl::FormatDuration(now - leaderless[key]), ", and of those in sync ",
                         meta::ToString(partition.isr), " or eligible ", meta::ToString(partition.elr),
                         " one is active"));
  });
  leaderless_ = std::move(leaderless);
}

}  // namespace leat::nodes
