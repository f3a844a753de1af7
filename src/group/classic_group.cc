#include "group/classic_group.h"

#include <algorithm>

#include "base/check.h"

namespace leat::group {

std::string_view StateName(GroupState state) {
  switch (state) {
    case GroupState::kEmpty:
      return "Empty";
    case GroupState::kPreparingRebalance:
      return "PreparingRebalance";
    case GroupState::kCompletingRebalance:
      return "CompletingRebalance";
    case GroupState::kStable:
      return "Stable";
    case GroupState::kDead:
      return "Dead";
  }
  return "Dead";
}

const std::string* ClassicMember::MetadataOf(std::string_view protocol) const {
  for (const Protocol& offered : protocols) {
    if (offered.name == protocol) return &offered.metadata;
  }
  return nullptr;
}

ClassicGroup::ClassicGroup(std::string name, const GroupMetadata& metadata)
    : name_(std::move(name)),
      state_(metadata.members.empty() ? GroupState::kEmpty : GroupState::kStable),
      state_time_ms_(metadata.state_time_ms),
      generation_(metadata.generation),
      protocol_type_(metadata.protocol_type),
      protocol_(metadata.protocol) {
  for (const GroupMetadata::Member& stored : metadata.members) {
    ClassicMember member;
    member.id = stored.id;
    member.instance = stored.instance;
    member.client_id = stored.client_id;
    member.client_host = stored.client_host;
    member.session_timeout = absl::Milliseconds(stored.session_timeout_ms);
    member.rebalance_timeout = absl::Milliseconds(stored.rebalance_timeout_ms);
    member.protocols.push_back({metadata.protocol.value_or(""), stored.subscription});
    member.assignment = stored.assignment;
    Add(std::move(member));
  }
  leader_ = metadata.leader.value_or("");
}

ClassicMember* ClassicGroup::Find(std::string_view id) {
  const auto it = members_.find(id);
  return it == members_.end() ? nullptr : &it->second;
}

const ClassicMember* ClassicGroup::Find(std::string_view id) const {
  const auto it = members_.find(id);
  return it == members_.end() ? nullptr : &it->second;
}

const std::string* ClassicGroup::FindInstance(std::string_view instance) const {
  const auto it = instances_.find(instance);
  return it == instances_.end() ? nullptr : &it->second;
}

model::ErrorCode ClassicGroup::CheckMember(std::string_view id, const std::optional<std::string>& instance) const {
  if (instance) {
    const std::string* current = FindInstance(*instance);
    if (current == nullptr) return model::ErrorCode::kUnknownMemberId;
    if (*current != id) return model::ErrorCode::kFencedInstanceId;
  }
  return Find(id) == nullptr ? model::ErrorCode::kUnknownMemberId : model::ErrorCode::kNone;
}

void ClassicGroup::Count(const ClassicMember& member, int change) {
  std::set<std::string_view> names;
  for (const Protocol& protocol : member.protocols) {
    if (!names.insert(protocol.name).second) continue;
    size_t& count = supported_[protocol.name];
    count = change > 0 ? count + 1 : count - 1;
    if (count == 0) supported_.erase(protocol.name);
  }
}

void ClassicGroup::Add(ClassicMember member) {
  LEAT_CHECK(Find(member.id) == nullptr) << "the id " << member.id << " is taken";
  if (member.instance) {
    const bool free = instances_.emplace(*member.instance, member.id).second;
    LEAT_CHECK(free) << "the instance " << *member.instance << " is taken";
  }
  if (leader_.empty()) leader_ = member.id;
  pending_ids.erase(member.id);
  Count(member, 1);
  std::string id = member.id;
  members_.emplace(std::move(id), std::move(member));
}

ClassicGroup::Removed ClassicGroup::Remove(std::string_view id) {
  const auto it = members_.find(id);
  LEAT_CHECK(it != members_.end());
  ClassicMember member = std::move(it->second);
  members_.erase(it);
  Count(member, -1);
  if (member.instance) instances_.erase(*member.instance);
  pending_syncs.erase(member.id);
  if (leader_ == member.id) leader_ = members_.empty() ? std::string() : members_.begin()->first;
  const std::optional<RequestId> join = TakeJoin(member);
  return {std::move(member), join};
}

void ClassicGroup::SetProtocols(std::string_view id, std::vector<Protocol> protocols) {
  ClassicMember* member = Find(id);
  LEAT_CHECK(member != nullptr);
  Count(*member, -1);
  member->protocols = std::move(protocols);
  Count(*member, 1);
}

void ClassicGroup::ReplaceId(std::string_view instance, const std::string& new_id) {
  const auto named = instances_.find(instance);
  LEAT_CHECK(named != instances_.end());
  auto node = members_.extract(named->second);
  LEAT_CHECK(!node.empty());
  if (leader_ == named->second) leader_ = new_id;
  if (pending_syncs.erase(named->second) > 0) pending_syncs.insert(new_id);
  named->second = new_id;
  node.key() = new_id;
  node.mapped().id = new_id;
  members_.insert(std::move(node));
}

bool ClassicGroup::Supports(std::string_view protocol_type, const std::vector<Protocol>& protocols) const {
  if (protocol_type.empty() || protocols.empty()) return false;
  if (members_.empty()) return true;
  if (protocol_type != protocol_type_) return false;
  return std::any_of(protocols.begin(), protocols.end(), [&](const Protocol& protocol) {
    const auto it = supported_.find(protocol.name);
    return it != supported_.end() && it->second == members_.size();
  });
}

std::string ClassicGroup::ChooseProtocol() const {
  LEAT_CHECK(!members_.empty());
  const auto by_all = [&](const Protocol& protocol) { return supported_.at(protocol.name) == members_.size(); };
  std::map<std::string_view, size_t> votes;
  for (const auto& [id, member] : members_) {
    const auto vote = std::find_if(member.protocols.begin(), member.protocols.end(), by_all);
    LEAT_CHECK(vote != member.protocols.end()) << "members without a common protocol in group " << name_;
    ++votes[vote->name];
  }
  const ClassicMember& first = members_.begin()->second;
  std::string_view best;
  for (const Protocol& protocol : first.protocols) {
    const auto it = votes.find(protocol.name);
    if (it != votes.end() && (best.empty() || it->second > votes.at(best))) best = it->first;
  }
  return std::string(best);
}

void ClassicGroup::Park(ClassicMember& member, RequestId join) {
  LEAT_CHECK(!member.join) << "two joins of " << member.id << " wait";
  member.join = join;
  ++joined_count_;
}

std::optional<RequestId> ClassicGroup::TakeJoin(ClassicMember& member) {
  if (member.join) --joined_count_;
  return std::exchange(member.join, std::nullopt);
}

bool ClassicGroup::ElectJoinedLeader() {
  const ClassicMember* current = Find(leader_);
  if (current != nullptr && current->join) return true;
  for (const auto& [id, member] : members_) {
    if (!member.join) continue;
    leader_ = id;
    return true;
  }
  return false;
}

Duration ClassicGroup::RebalanceTimeout() const {
  Duration longest;
  for (const auto& [id, member] : members_) longest = std::max(longest, member.rebalance_timeout);
  return longest;
}

void ClassicGroup::Become(GroupState state, int64_t now_ms) {
  state_ = state;
  state_time_ms_ = now_ms;
}

void ClassicGroup::BeginGeneration() {
  generation_ = generation_ == INT32_MAX ? 1 : generation_ + 1;
  pending_syncs.clear();
  if (members_.empty()) {
    protocol_.reset();
    leader_.clear();
  } else {
    protocol_ = ChooseProtocol();
  }
}

GroupMetadata ClassicGroup::Metadata(const std::map<std::string, std::string, std::less<>>& assignments) const {
  GroupMetadata metadata{protocol_type_, generation_, protocol_, std::nullopt, state_time_ms_, {}};
  if (!leader_.empty()) metadata.leader = leader_;
  for (const auto& [id, member] : members_) {
    const std::string* subscription = member.MetadataOf(protocol_.value_or(""));
    const auto assignment = assignments.find(id);
    metadata.members.push_back({id, member.instance, member.client_id, member.client_host,
                                static_cast<int32_t>(absl::ToInt64Milliseconds(member.rebalance_timeout)),
                                static_cast<int32_t>(absl::ToInt64Milliseconds(member.session_timeout)),
                                subscription == nullptr ? std::string() : *subscription,
                                assignment == assignments.end() ? std::string() : assignment->second});
  }
  return metadata;
}

GroupMetadata ClassicGroup::Metadata() const {
  std::map<std::string, std::string, std::less<>> assignments;
  for (const auto& [id, member] : members_) assignments.emplace(id, member.assignment);
  return Metadata(assignments);
}

std::vector<JoinedMember> ClassicGroup::JoinedMembers() const {
  std::vector<JoinedMember> joined;
  for (const auto& [id, member] : members_) {
    const std::string* metadata = member.MetadataOf(protocol_.value_or(""));
    joined.push_back({id, member.instance, metadata == nullptr ? std::string() : *metadata});
  }
  return joined;
}

}  // namespace leat::group
