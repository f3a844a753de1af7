// The committed offsets of consumer groups, as a replicated state machine: a command gives records and outcomes, and
// only Replay of a record changes what is stored. Failover and restart are the same Replay. Pure; not thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "group/offset_records.h"
#include "model/error_code.h"

namespace leat::group {

struct Limits {
  size_t metadata_bytes = 4096;  // of one commit (Kafka's offset.metadata.max.bytes)
  size_t group_id_bytes = 255;
  size_t offsets = 1'000'000;  // of all groups together
};

struct CommitCommand {
  struct Item {
    model::TopicPartition partition;
    model::Offset offset;
    std::string metadata;
  };
  std::string group;
  std::vector<Item> items;
};

struct CommitDecision {
  struct Outcome {
    model::ErrorCode code = model::ErrorCode::kNone;
    std::string message;
  };
  std::vector<OffsetRecord> records;  // to be made durable, then replayed; of the accepted items, in order
  std::vector<Outcome> outcomes;      // of every item, once the records are durable
};

class OffsetStore {
 public:
  using GroupOffsets = std::map<model::TopicPartition, OffsetValue>;

  explicit OffsetStore(const Limits& limits) : limits_(limits) {}

  CommitDecision CommitOffsets(const CommitCommand& command, int64_t now_ms) const;
  // Tombstones of what is stored for a topic that is gone, or for a whole group.
  std::vector<OffsetRecord> ForgetTopic(std::string_view topic) const;
  std::vector<OffsetRecord> ForgetGroup(std::string_view group) const;
  // Records that make exactly this state when replayed into an empty store.
  std::vector<OffsetRecord> Snapshot() const;

  // Applies one record that is durable. Errors as DecodeOffsetKey and DecodeOffsetValue; the state is then unchanged.
  absl::Status Replay(std::string_view key, std::optional<std::string_view> value);

  const OffsetValue* Find(std::string_view group, const model::TopicPartition& partition) const;  // null: none
  const GroupOffsets* Find(std::string_view group) const;                                         // null: none
  std::vector<std::string> Groups() const;                                                        // by name
  size_t offset_count() const { return offset_count_; }

 private:
  const Limits limits_;
  std::map<std::string, GroupOffsets, std::less<>> groups_;
  size_t offset_count_ = 0;
};

}  // namespace leat::group
