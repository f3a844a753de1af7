// All partitions that have replicas, and for each broker those of them that it holds and leads. The index follows from
// the table: it costs a broker's own partitions, not all, to fence it. Immutable like the image that it is part of.
#pragma once

#include <absl/functional/function_ref.h>

#include <array>
#include <map>
#include <vector>

#include "meta/partition.h"
#include "meta/shared_node.h"

namespace leat::meta {

// A set of partitions, in buckets so that a change copies little.
class PartitionSet {
 public:
  void Insert(const PartitionKey& key, const Editor& editor);
  void Erase(const PartitionKey& key, const Editor& editor);
  bool Contains(const PartitionKey& key) const;
  size_t size() const { return size_; }
  std::vector<PartitionKey> All() const;  // in order

 private:
  static constexpr size_t kBuckets = 64;
  std::array<SharedNode<std::vector<PartitionKey>>, kBuckets> buckets_;  // each sorted
  size_t size_ = 0;
};

class PartitionTable {
 public:
  using Visit = absl::FunctionRef<void(const PartitionKey&, const Partition&)>;

  // Null: no such partition, or one that has no replicas. Valid until the table is changed or gone.
  const Partition* Find(const PartitionKey& key) const;
  void Put(const PartitionKey& key, Partition partition, const Editor& editor);
  void Remove(const PartitionKey& key, const Editor& editor);
  size_t size() const { return size_; }
  // In an order that depends on the contents only.
  void ForEach(Visit visit) const;

  // Of one broker: what it has a copy of, and what it leads. In order.
  std::vector<PartitionKey> HeldBy(NodeId broker) const;
  std::vector<PartitionKey> LedBy(NodeId broker) const;
  size_t HeldCount(NodeId broker) const;
  size_t LedCount(NodeId broker) const;

 private:
  struct Entry {
    PartitionKey key;
    Partition partition;
  };
  using Bucket = std::vector<Entry>;  // sorted by key
  struct OfBroker {
    PartitionSet held, led;
  };
  using ByBroker = std::map<NodeId, SharedNode<OfBroker>>;
  static constexpr size_t kBuckets = 256;

  const OfBroker* Index(NodeId broker) const;
  void Reindex(const PartitionKey& key, const Partition* before, const Partition* after, const Editor& editor);

  std::array<SharedNode<Bucket>, kBuckets> buckets_;
  SharedNode<ByBroker> by_broker_;
  size_t size_ = 0;
};

}  // namespace leat::meta
