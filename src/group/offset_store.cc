#include "group/offset_store.h"

#include <algorithm>
#include <set>

#include "base/check.h"

namespace leat::group {
namespace {

using model::ErrorCode;

Outcome CheckItem(const CommitCommand::Item& item, const Limits& limits) {
  if (!model::IsValidTopicName(item.partition.topic)) {
    return {ErrorCode::kInvalidTopic, StrCat("expected a topic name, got '", item.partition.topic.substr(0, 300), "'")};
  }
  if (item.metadata.size() > limits.metadata_bytes) {
    return {ErrorCode::kOffsetMetadataTooLarge, StrCat("the metadata of a commit has ", item.metadata.size(),
                                                       " bytes, at most ", limits.metadata_bytes, " are kept")};
  }
  return {};
}

}  // namespace

CommitDecision OffsetStore::CommitOffsets(const CommitCommand& command, int64_t now_ms) const {
  CommitDecision decision;
  decision.outcomes.resize(command.items.size());
  if (command.group.empty() || command.group.size() > limits_.group_id_bytes) {
    for (Outcome& outcome : decision.outcomes) {
      outcome = {ErrorCode::kInvalidGroupId,
                 StrCat("expected a group id of 1 to ", limits_.group_id_bytes, " bytes, got ", command.group.size())};
    }
    return decision;
  }
  size_t count = offset_count_ + pending_count();
  for (size_t i = 0; i < command.items.size(); ++i) {
    const CommitCommand::Item& item = command.items[i];
    decision.outcomes[i] = CheckItem(item, limits_);
    if (decision.outcomes[i].code != ErrorCode::kNone) continue;
    if (Find(command.group, item.partition) == nullptr && ++count > limits_.offsets) {
      decision.outcomes[i] = {ErrorCode::kPolicyViolation, StrCat("the broker keeps at most ", limits_.offsets,
                                                                  " committed offsets: delete groups")};
      continue;
    }
    decision.records.push_back({EncodeOffsetKey({command.group, item.partition}),
                                EncodeOffsetValue({item.offset, item.leader_epoch, item.metadata, now_ms})});
  }
  return decision;
}

std::vector<OffsetRecord> OffsetStore::ForgetTopic(std::string_view topic) const {
  std::set<OffsetKey> keys;
  const auto collect = [&](const std::string& group, const GroupOffsets& offsets) {
    for (const auto& [partition, value] : offsets) {
      if (partition.topic == topic) keys.insert({group, partition});
    }
  };
  for (const auto& [group, offsets] : groups_) collect(group, offsets);
  for (const auto& [producer, groups] : pending_) {
    for (const auto& [group, offsets] : groups) collect(group, offsets);
  }
  std::vector<OffsetRecord> records;
  for (const OffsetKey& key : keys) records.push_back({EncodeOffsetKey(key), std::nullopt});
  return records;
}

std::vector<OffsetRecord> OffsetStore::ForgetGroup(std::string_view group) const {
  std::vector<model::TopicPartition> partitions = PendingPartitions(group);
  if (const GroupOffsets* offsets = Find(group)) {
    for (const auto& [partition, value] : *offsets) partitions.push_back(partition);
  }
  return Forget(group, partitions);
}

std::vector<OffsetRecord> OffsetStore::Forget(std::string_view group,
                                              const std::vector<model::TopicPartition>& partitions) const {
  std::vector<OffsetRecord> records;
  for (const model::TopicPartition& partition : std::set(partitions.begin(), partitions.end())) {
    if (Find(group, partition) == nullptr && !IsPending(group, partition)) continue;
    records.push_back({EncodeOffsetKey({std::string(group), partition}), std::nullopt});
  }
  return records;
}

std::vector<OffsetRecord> OffsetStore::Snapshot() const {
  LEAT_CHECK(pending_.empty()) << "a snapshot would lose the offsets of open transactions";
  std::vector<OffsetRecord> records;
  records.reserve(offset_count_);
  for (const auto& [group, offsets] : groups_) {
    for (const auto& [partition, value] : offsets) {
      records.push_back({EncodeOffsetKey({group, partition}), EncodeOffsetValue(value)});
    }
  }
  return records;
}

absl::Status OffsetStore::Replay(const RecordOrigin& origin, std::string_view key,
                                 std::optional<std::string_view> value) {
  LEAT_ASSIGN_OR_RETURN(const std::optional<OffsetKey> decoded, DecodeOffsetKey(key));
  if (!decoded) return absl::OkStatus();
  if (!value) {
    Erase(*decoded);
    ErasePending(*decoded);
    return absl::OkStatus();
  }
  LEAT_ASSIGN_OR_RETURN(OffsetValue offset, DecodeOffsetValue(*value));
  offset.written_at = origin.offset;
  if (origin.transaction >= model::ProducerId(0)) {
    pending_[origin.transaction][decoded->group].insert_or_assign(decoded->partition, std::move(offset));
  } else {
    Store(*decoded, std::move(offset));
  }
  return absl::OkStatus();
}

void OffsetStore::CompleteTxn(model::ProducerId producer, TxnResult result) {
  auto ended = pending_.extract(producer);
  if (ended.empty() || result == TxnResult::kAbort) return;
  for (auto& [group, offsets] : ended.mapped()) {
    for (auto& [partition, value] : offsets) {
      const OffsetValue* current = Find(group, partition);
      if (current != nullptr && current->written_at > value.written_at) continue;
      Store({group, partition}, std::move(value));
    }
  }
}

void OffsetStore::Store(const OffsetKey& key, OffsetValue value) {
  const bool added = groups_[key.group].insert_or_assign(key.partition, std::move(value)).second;
  if (added) ++offset_count_;
}

void OffsetStore::Erase(const OffsetKey& key) {
  const auto group = groups_.find(key.group);
  if (group == groups_.end()) return;
  offset_count_ -= group->second.erase(key.partition);
  if (group->second.empty()) groups_.erase(group);
}

void OffsetStore::ErasePending(const OffsetKey& key) {
  for (auto producer = pending_.begin(); producer != pending_.end();) {
    const auto group = producer->second.find(key.group);
    if (group != producer->second.end()) {
      group->second.erase(key.partition);
      if (group->second.empty()) producer->second.erase(group);
    }
    producer = producer->second.empty() ? pending_.erase(producer) : std::next(producer);
  }
}

const OffsetValue* OffsetStore::Find(std::string_view group, const model::TopicPartition& partition) const {
  const GroupOffsets* offsets = Find(group);
  if (offsets == nullptr) return nullptr;
  const auto it = offsets->find(partition);
  return it == offsets->end() ? nullptr : &it->second;
}

const OffsetStore::GroupOffsets* OffsetStore::Find(std::string_view group) const {
  const auto it = groups_.find(group);
  return it == groups_.end() ? nullptr : &it->second;
}

bool OffsetStore::IsPending(std::string_view group, const model::TopicPartition& partition) const {
  return std::any_of(pending_.begin(), pending_.end(), [&](const auto& producer) {
    const auto it = producer.second.find(group);
    return it != producer.second.end() && it->second.contains(partition);
  });
}

bool OffsetStore::HasPending(std::string_view group) const {
  return std::any_of(pending_.begin(), pending_.end(),
                     [&](const auto& producer) { return producer.second.contains(group); });
}

std::vector<model::TopicPartition> OffsetStore::PendingPartitions(std::string_view group) const {
  std::set<model::TopicPartition> partitions;
  for (const auto& [producer, groups] : pending_) {
    const auto it = groups.find(group);
    if (it == groups.end()) continue;
    for (const auto& [partition, value] : it->second) partitions.insert(partition);
  }
  return {partitions.begin(), partitions.end()};
}

std::vector<std::string> OffsetStore::Groups() const {
  std::set<std::string> names;
  for (const auto& [group, offsets] : groups_) names.insert(group);
  for (const auto& [producer, groups] : pending_) {
    for (const auto& [group, offsets] : groups) names.insert(group);
  }
  return {names.begin(), names.end()};
}

size_t OffsetStore::pending_count() const {
  size_t count = 0;
  for (const auto& [producer, groups] : pending_) {
    for (const auto& [group, offsets] : groups) count += offsets.size();
  }
  return count;
}

}  // namespace leat::group
