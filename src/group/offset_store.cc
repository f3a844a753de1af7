#include "group/offset_store.h"

namespace leat::group {
namespace {

using model::ErrorCode;

CommitDecision::Outcome CheckItem(const CommitCommand::Item& item, const Limits& limits) {
  if (!model::IsValidTopicName(item.partition.topic)) {
    return {ErrorCode::kInvalidTopic, StrCat("expected a topic name, got '", item.partition.topic.substr(0, 300), "'")};
  }
  if (item.offset < model::Offset(0)) {
    return {ErrorCode::kInvalidRequest, StrCat("expected an offset of at least 0, got ", item.offset)};
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
    for (CommitDecision::Outcome& outcome : decision.outcomes) {
      outcome = {ErrorCode::kInvalidGroupId,
                 StrCat("expected a group id of 1 to ", limits_.group_id_bytes, " bytes, got ", command.group.size())};
    }
    return decision;
  }
  size_t count = offset_count_;
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
                                EncodeOffsetValue({item.offset, model::LeaderEpoch(-1), item.metadata, now_ms})});
  }
  return decision;
}

std::vector<OffsetRecord> OffsetStore::ForgetTopic(std::string_view topic) const {
  std::vector<OffsetRecord> records;
  for (const auto& [group, offsets] : groups_) {
    for (const auto& [partition, value] : offsets) {
      if (partition.topic == topic) records.push_back({EncodeOffsetKey({group, partition}), std::nullopt});
    }
  }
  return records;
}

std::vector<OffsetRecord> OffsetStore::ForgetGroup(std::string_view group) const {
  std::vector<OffsetRecord> records;
  if (const GroupOffsets* offsets = Find(group)) {
    for (const auto& [partition, value] : *offsets) {
      records.push_back({EncodeOffsetKey({std::string(group), partition}), std::nullopt});
    }
  }
  return records;
}

std::vector<OffsetRecord> OffsetStore::Snapshot() const {
  std::vector<OffsetRecord> records;
  records.reserve(offset_count_);
  for (const auto& [group, offsets] : groups_) {
    for (const auto& [partition, value] : offsets) {
      records.push_back({EncodeOffsetKey({group, partition}), EncodeOffsetValue(value)});
    }
  }
  return records;
}

absl::Status OffsetStore::Replay(std::string_view key, std::optional<std::string_view> value) {
  LEAT_ASSIGN_OR_RETURN(const std::optional<OffsetKey> decoded, DecodeOffsetKey(key));
  if (!decoded) return absl::OkStatus();
  if (value) {
    LEAT_ASSIGN_OR_RETURN(OffsetValue offset, DecodeOffsetValue(*value));
    const bool added = groups_[decoded->group].insert_or_assign(decoded->partition, std::move(offset)).second;
    if (added) ++offset_count_;
    return absl::OkStatus();
  }
  const auto group = groups_.find(decoded->group);
  if (group == groups_.end()) return absl::OkStatus();
  offset_count_ -= group->second.erase(decoded->partition);
  if (group->second.empty()) groups_.erase(group);
  return absl::OkStatus();
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

std::vector<std::string> OffsetStore::Groups() const {
  std::vector<std::string> names;
  for (const auto& [group, offsets] : groups_) names.push_back(group);
  return names;
}

}  // namespace leat::group
