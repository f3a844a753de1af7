#include "broker/replica_host.h"

#include <algorithm>

namespace leat::broker {
namespace {
constexpr Duration kTickDelay = absl::Microseconds(1);
}  // namespace

ReplicaHost::ReplicaHost(const Config& config, replication::BrokerEpoch life)
    : config_(config), self_{config.node, life} {
  fetcher_ = std::make_unique<ReplicaFetcher>(
      shard(), *config_.transport, config_.node, config_.fetch, config_.follower_throttle,
      [this](const meta::PartitionKey& key, replication::FetchId id, absl::StatusOr<ReplicaFetcher::Fetched> fetched) {
        Replica* replica = Find(key);
        if (replica == nullptr) return;
        if (fetched.ok()) {
          replica->OnFetchAnswer(id, fetched->answer, std::move(fetched->batches));
        } else {
          replica->OnFetchFailed(id);
        }
      });
}

// Those whom their ends concern hear of them in the order of the partitions, in each run of a simulation.
ReplicaHost::~ReplicaHost() {
  for (const meta::PartitionKey& key : Keys()) replicas_.erase(key);
}

Replica& ReplicaHost::Add(const meta::PartitionKey& key, const model::TopicPartition& name, log::PartitionLog& log) {
  std::unique_ptr<Replica>& replica = replicas_[key];
  if (replica == nullptr) replica = std::make_unique<Replica>(*this, key, name, log);
  return *replica;
}

Replica* ReplicaHost::Find(const meta::PartitionKey& key) {
  const auto it = replicas_.find(key);
  return it == replicas_.end() ? nullptr : it->second.get();
}

std::vector<meta::PartitionKey> ReplicaHost::Keys() const {
  std::vector<meta::PartitionKey> keys;
  keys.reserve(replicas_.size());
  for (const auto& [key, replica] : replicas_) keys.push_back(key);
  std::ranges::sort(keys);
  return keys;
}

void ReplicaHost::Remove(const meta::PartitionKey& key) {
  Replica* const leaving = Find(key);
  if (leaving == nullptr) return;
  leaving->Detach();
  Unschedule(leaving);
  // It may be on the stack.
  shard().Post([replica = std::shared_ptr<Replica>(std::move(replicas_.at(key)))] {});
  replicas_.erase(key);
}

void ReplicaHost::Stop() {
  timer_.reset();
  fetcher_->Stop();
  ticks_.clear();
  for (const meta::PartitionKey& key : Keys()) Find(key)->Detach();
  replicas_.clear();
}

void ReplicaHost::Unschedule(Replica* replica) {
  ticks_.erase({replica->tick_at_, replica->key()});
  replica->tick_at_ = Instant::Max();
}

// A deadline that moves back, as with every fetch that is answered, costs nothing: the tick comes too early once, and
// looks when it is due in fact.
void ReplicaHost::Schedule(Replica* replica) {
  const Instant deadline = replica->NextDeadline();
  if (deadline >= replica->tick_at_) return;
  // A little behind it, so that a tick never comes twice at one instant.
  const Instant next = std::max(deadline, shard().Now()) + kTickDelay;
  if (next >= replica->tick_at_) return;
  Unschedule(replica);
  replica->tick_at_ = next;
  ticks_.insert({next, replica->key()});
  ArmTimer();
}

void ReplicaHost::ArmTimer() {
  if (ticks_.empty()) return;
  const Instant next = ticks_.begin()->first;
  if (timer_ != nullptr && timer_at_ <= next) return;
  timer_at_ = next;
  timer_ = shard().RunAt(next, [this] { TickDue(); });
}

void ReplicaHost::TickDue() {
  const Instant now = shard().Now();
  // What is ticked may want its next tick at once: that one comes with the next timer.
  std::vector<Replica*> due;
  while (!ticks_.empty() && ticks_.begin()->first <= now) {
    due.push_back(Find(ticks_.begin()->second));
    due.back()->tick_at_ = Instant::Max();
    ticks_.erase(ticks_.begin());
  }
  timer_.reset();
  for (Replica* replica : due) {
    replica->Tick();
    Schedule(replica);
  }
  ArmTimer();
}

}  // namespace leat::broker
