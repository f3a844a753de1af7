// The committed offsets of consumer groups, as a replicated state machine: a command gives records and outcomes, and
// only what is replayed changes what is stored. Failover and restart are the same Replay. Pure; not thread-safe.
//
// Offsets of a transaction: TxnOffsetCommit writes its records in a transactional batch of the producer. Replayed with
// that producer's id they are pending: kept aside by producer, invisible to Find. The transaction's marker reaches the
// same partition of the offsets topic; whoever has made it durable (or meets it in a replay of the log) calls
// CompleteTxn, which makes the pending offsets of that producer current or forgets them. A pending offset does not
// replace one that was written behind it in the log. The caller replays batches and markers in the order of the log.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "group/offset_records.h"
#include "group/options.h"
#include "group/requests.h"

namespace leat::group {

struct CommitDecision {
  using Outcome = group::Outcome;
  std::vector<OffsetRecord> records;  // to be made durable, then replayed; of the accepted items, in order
  std::vector<Outcome> outcomes;      // of every item, once the records are durable
};

// Where a record lies and who wrote it.
struct RecordOrigin {
  model::Offset offset{-1};           // in the partition of the offsets topic
  model::ProducerId transaction{-1};  // of the producer whose open transaction it belongs to; -1: none
};

enum class TxnResult { kAbort, kCommit };

class OffsetStore {
 public:
  using GroupOffsets = std::map<model::TopicPartition, OffsetValue>;

  explicit OffsetStore(const Limits& limits) : limits_(limits) {}

  // Checks the items alone: who may commit is decided before.
  CommitDecision CommitOffsets(const CommitCommand& command, int64_t now_ms) const;
  // Tombstones of what is stored for a topic that is gone, for a whole group, or for some partitions of a group.
  // Pending offsets go with them.
  std::vector<OffsetRecord> ForgetTopic(std::string_view topic) const;
  std::vector<OffsetRecord> ForgetGroup(std::string_view group) const;
  std::vector<OffsetRecord> Forget(std::string_view group, const std::vector<model::TopicPartition>& partitions) const;
  // Records that make exactly this state when replayed into an empty store. REQUIRES: pending_count() == 0, because
  // pending offsets live in the batches of their transactions alone.
  std::vector<OffsetRecord> Snapshot() const;

  // Applies one record that is durable. Errors as DecodeOffsetKey and DecodeOffsetValue; the state is then unchanged.
  absl::Status Replay(const RecordOrigin& origin, std::string_view key, std::optional<std::string_view> value);
  // Applies the marker that ends the producer's transaction. Without pending offsets it does nothing.
  void CompleteTxn(model::ProducerId producer, TxnResult result);

  const OffsetValue* Find(std::string_view group, const model::TopicPartition& partition) const;  // null: none
  const GroupOffsets* Find(std::string_view group) const;                                         // null: none
  // True while a transaction that is open holds an offset of this partition (OffsetFetch with require_stable waits).
  bool IsPending(std::string_view group, const model::TopicPartition& partition) const;
  bool HasPending(std::string_view group) const;
  std::vector<model::TopicPartition> PendingPartitions(std::string_view group) const;
  std::vector<std::string> Groups() const;  // that have offsets, pending ones too, by name
  size_t offset_count() const { return offset_count_; }
  size_t pending_count() const;

 private:
  void Store(const OffsetKey& key, OffsetValue value);
  void Erase(const OffsetKey& key);
  void ErasePending(const OffsetKey& key);

  const Limits limits_;
  std::map<std::string, GroupOffsets, std::less<>> groups_;
  std::map<model::ProducerId, std::map<std::string, GroupOffsets, std::less<>>> pending_;
  size_t offset_count_ = 0;
};

}  // namespace leat::group
