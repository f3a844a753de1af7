// Offsets that nobody has used for the retention time go, and groups that have neither members nor offsets with them.
#include <algorithm>
#include <set>

#include "group/core.h"

namespace leat::group {

bool Core::IsExpired(const ClassicGroup* group, const model::TopicPartition& partition, const OffsetValue& value,
                     int64_t now_ms) const {
  int64_t unused_since_ms = value.commit_time_ms;
  if (group != nullptr && group->Is(GroupState::kEmpty)) {
    // The offsets of members count from when the last one left, so that a group that pauses loses none early.
    unused_since_ms = std::max(unused_since_ms, group->state_time_ms());
  } else if (group != nullptr) {
    const bool readable = group->Is(GroupState::kStable) && group->protocol_type() == "consumer";
    if (!readable || ClassicCore::IsSubscribed(*group, partition.topic)) return false;
  }
  return now_ms - unused_since_ms >= absl::ToInt64Milliseconds(options_.offsets_retention);
}

void Core::ExpireGroup(const std::string& name, Now now) {
  const ClassicGroup* group = classic_.Find(name);
  if (group != nullptr && group->Is(GroupState::kDead)) return;
  const OffsetStore::GroupOffsets* offsets = offsets_.Find(name);
  std::vector<model::TopicPartition> expired;
  if (offsets != nullptr) {
    for (const auto& [partition, value] : *offsets) {
      if (offsets_.IsPending(name, partition)) continue;
      if (IsExpired(group, partition, value, now.wall_ms)) expired.push_back(partition);
    }
  }
  std::vector<OffsetRecord> records = offsets_.Forget(name, expired);
  const bool nothing_left = (offsets == nullptr || expired.size() == offsets->size()) && !offsets_.HasPending(name);
  if (group == nullptr || !group->Is(GroupState::kEmpty) || !nothing_left || !group->pending_ids.empty()) {
    if (!records.empty()) Park(std::move(records), Forgetting{StrCat("of group ", name, " that have expired")});
    return;
  }
  for (OffsetRecord& record : classic_.MarkDead(name, now)) records.push_back(std::move(record));
  if (records.empty()) {
    classic_.Forget(name);
  } else {
    Park(std::move(records), ParkedDelete{std::nullopt, name});
  }
}

void Core::ExpireOffsets(Now now) {
  std::set<std::string> names;
  for (const GroupListing& listing : List()) names.insert(listing.group);
  for (const std::string& name : names) ExpireGroup(name, now);
}

}  // namespace leat::group
