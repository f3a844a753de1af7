#include "meta/partition_table.h"

#include "base/check.h"

namespace leat::meta {
namespace {

// The same on every build: the order of a snapshot and of the hash follows from it.
size_t BucketOf(const PartitionKey& key, size_t buckets) {
  const uint64_t mixed = (key.topic.high ^ key.topic.low) + static_cast<uint64_t>(key.partition.value());
  return (mixed * 0x9e3779b97f4a7c15ULL >> 32) % buckets;
}

// Where the key is, or belongs.
template <typename Bucket>
auto PlaceOf(Bucket& bucket, const PartitionKey& key) {
  return std::lower_bound(bucket.begin(), bucket.end(), key,
                          [](const auto& entry, const PartitionKey& wanted) { return entry.key < wanted; });
}

}  // namespace

void PartitionSet::Insert(const PartitionKey& key, const Editor& editor) {
  std::vector<PartitionKey>& bucket = buckets_[BucketOf(key, kBuckets)].Edit(editor);
  const auto at = std::lower_bound(bucket.begin(), bucket.end(), key);
  LEAT_CHECK(at == bucket.end() || *at != key) << "a partition is indexed twice";
  bucket.insert(at, key);
  ++size_;
}

void PartitionSet::Erase(const PartitionKey& key, const Editor& editor) {
  std::vector<PartitionKey>& bucket = buckets_[BucketOf(key, kBuckets)].Edit(editor);
  const auto at = std::lower_bound(bucket.begin(), bucket.end(), key);
  LEAT_CHECK(at != bucket.end() && *at == key) << "a partition is not indexed";
  bucket.erase(at);
  --size_;
}

bool PartitionSet::Contains(const PartitionKey& key) const {
  const std::vector<PartitionKey>& bucket = *buckets_[BucketOf(key, kBuckets)];
  return std::binary_search(bucket.begin(), bucket.end(), key);
}

std::vector<PartitionKey> PartitionSet::All() const {
  std::vector<PartitionKey> all;
  all.reserve(size_);
  for (const auto& bucket : buckets_) all.insert(all.end(), bucket->begin(), bucket->end());
  std::sort(all.begin(), all.end());
  return all;
}

const Partition* PartitionTable::Find(const PartitionKey& key) const {
  const Bucket& bucket = *buckets_[BucketOf(key, kBuckets)];
  const auto at = PlaceOf(bucket, key);
  return at == bucket.end() || at->key != key ? nullptr : &at->partition;
}

void PartitionTable::Put(const PartitionKey& key, Partition partition, const Editor& editor) {
  Bucket& bucket = buckets_[BucketOf(key, kBuckets)].Edit(editor);
  const auto at = PlaceOf(bucket, key);
  if (at == bucket.end() || at->key != key) {
    Reindex(key, nullptr, &partition, editor);
    bucket.insert(at, {key, std::move(partition)});
    ++size_;
    return;
  }
  Reindex(key, &at->partition, &partition, editor);
  at->partition = std::move(partition);
}

void PartitionTable::Remove(const PartitionKey& key, const Editor& editor) {
  Bucket& bucket = buckets_[BucketOf(key, kBuckets)].Edit(editor);
  const auto at = PlaceOf(bucket, key);
  if (at == bucket.end() || at->key != key) return;
  Reindex(key, &at->partition, nullptr, editor);
  bucket.erase(at);
  --size_;
}

void PartitionTable::Reindex(const PartitionKey& key, const Partition* before, const Partition* after,
                             const Editor& editor) {
  const auto edit = [&](NodeId broker) -> OfBroker& { return by_broker_.Edit(editor)[broker].Edit(editor); };
  const NodeList none;
  const NodeList& old_replicas = before == nullptr ? none : before->replicas;
  const NodeList& new_replicas = after == nullptr ? none : after->replicas;
  for (const NodeId broker : Without(old_replicas, new_replicas)) edit(broker).held.Erase(key, editor);
  for (const NodeId broker : Without(new_replicas, old_replicas)) edit(broker).held.Insert(key, editor);
  const NodeId old_leader = before == nullptr ? kNobody : before->leader;
  const NodeId new_leader = after == nullptr ? kNobody : after->leader;
  if (old_leader == new_leader) return;
  if (old_leader != kNobody) edit(old_leader).led.Erase(key, editor);
  if (new_leader != kNobody) edit(new_leader).led.Insert(key, editor);
}

void PartitionTable::ForEach(Visit visit) const {
  for (const auto& bucket : buckets_) {
    for (const Entry& entry : *bucket) visit(entry.key, entry.partition);
  }
}

const PartitionTable::OfBroker* PartitionTable::Index(NodeId broker) const {
  const auto it = by_broker_->find(broker);
  return it == by_broker_->end() ? nullptr : &*it->second;
}

std::vector<PartitionKey> PartitionTable::HeldBy(NodeId broker) const {
  const OfBroker* index = Index(broker);
  return index == nullptr ? std::vector<PartitionKey>() : index->held.All();
}
std::vector<PartitionKey> PartitionTable::LedBy(NodeId broker) const {
  const OfBroker* index = Index(broker);
  return index == nullptr ? std::vector<PartitionKey>() : index->led.All();
}
size_t PartitionTable::HeldCount(NodeId broker) const {
  const OfBroker* index = Index(broker);
  return index == nullptr ? 0 : index->held.size();
}
size_t PartitionTable::LedCount(NodeId broker) const {
  const OfBroker* index = Index(broker);
  return index == nullptr ? 0 : index->led.size();
}

}  // namespace leat::meta
