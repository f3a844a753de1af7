#include "group/classic_core.h"

#include <algorithm>

#include "base/check.h"
#include "base/logging.h"
#include "model/consumer_protocol.h"

namespace leat::group {

using model::ErrorCode;

ClassicCore::ClassicCore(const Options& options, Random& random, Outbox& outbox)
    : options_(options), random_(random), outbox_(outbox) {}

const ClassicGroup* ClassicCore::Find(std::string_view group) const {
  const auto it = groups_.find(group);
  return it == groups_.end() ? nullptr : &it->second;
}

ClassicGroup* ClassicCore::FindMutable(std::string_view group) {
  const auto it = groups_.find(group);
  return it == groups_.end() ? nullptr : &it->second;
}

Outcome ClassicCore::CheckCommit(const CommitCommand& command, CommitKind kind, Now now) {
  const ClassicGroup* group = Find(command.group);
  const bool anonymous = command.member.empty() && !command.instance;
  if (group == nullptr) {
    if (command.generation < 0) return {};
    return {ErrorCode::kIllegalGeneration,
            StrCat("group ", command.group, " has no generation ", command.generation, ": join it first")};
  }
  if (group->Is(GroupState::kDead)) return {ErrorCode::kCoordinatorNotAvailable, "the group is being deleted"};
  if (command.generation < 0 && group->members().empty()) return {};
  if (command.generation < 0 && anonymous) {
    if (kind == CommitKind::kTransactional) return {};
    return {ErrorCode::kUnknownMemberId,
            StrCat("group ", command.group, " has ", group->members().size(),
                   " members: only they commit offsets; stop them first, or commit as one of them")};
  }
  if (const ErrorCode code = group->CheckMember(command.member, command.instance); code != ErrorCode::kNone) {
    return {code, StrCat("'", command.member, "' is not a member of group ", command.group, ": join again")};
  }
  if (command.generation != group->generation()) {
    return {ErrorCode::kIllegalGeneration, StrCat("group ", command.group, " is at generation ", group->generation(),
                                                  ", the commit is of ", command.generation, ": join again")};
  }
  const ClassicMember& member = *group->Find(command.member);
  if (!member.joined() && !member.sync) StartSession(*group, member, now);
  if (kind == CommitKind::kPlain && group->Is(GroupState::kCompletingRebalance)) {
    return {ErrorCode::kRebalanceInProgress, "the group is rebalancing: commit when it has a new assignment"};
  }
  return {};
}

GroupDescription ClassicCore::Describe(const ClassicGroup& group) const {
  GroupDescription description;
  description.group = group.name();
  description.state = group.state();
  description.protocol_type = group.protocol_type();
  description.generation = group.generation();
  const bool stable = group.Is(GroupState::kStable);
  if (stable) description.protocol = group.protocol().value_or("");
  for (const auto& [id, member] : group.members()) {
    DescribedMember described{id, member.instance, member.client_id, member.client_host, "", ""};
    if (stable) {
      const std::string* metadata = member.MetadataOf(description.protocol);
      if (metadata != nullptr) described.metadata = *metadata;
      described.assignment = member.assignment;
    }
    description.members.push_back(std::move(described));
  }
  return description;
}

bool ClassicCore::IsSubscribed(const ClassicGroup& group, std::string_view topic) {
  if (group.protocol_type() != "consumer") return false;
  return std::any_of(group.members().begin(), group.members().end(), [&](const auto& entry) {
    for (const Protocol& protocol : entry.second.protocols) {
      const std::optional<model::ConsumerSubscription> read = model::DecodeSubscription(protocol.metadata);
      if (read && std::find(read->topics.begin(), read->topics.end(), topic) != read->topics.end()) return true;
    }
    return false;
  });
}

std::vector<OffsetRecord> ClassicCore::MarkDead(std::string_view name, Now now) {
  ClassicGroup* group = FindMutable(name);
  LEAT_CHECK(group == nullptr || group->members().empty()) << "group " << std::string(name) << " has members";
  if (group != nullptr) {
    group->Become(GroupState::kDead, now.wall_ms);
    for (const std::string& id : group->pending_ids) deadlines_.Cancel({TimerKind::kPendingId, group->name(), id});
    group->pending_ids.clear();
    deadlines_.Cancel({TimerKind::kJoin, group->name(), ""});
    group->initial_delay.reset();
  }
  if (!stored_.contains(name)) return {};
  return {{EncodeGroupKey(name), std::nullopt}};
}

void ClassicCore::Forget(std::string_view group) {
  if (const auto it = groups_.find(group); it != groups_.end()) groups_.erase(it);
}

void ClassicCore::Revive(std::string_view name, Now now) {
  ClassicGroup* group = FindMutable(name);
  if (group != nullptr && group->Is(GroupState::kDead)) group->Become(GroupState::kEmpty, now.wall_ms);
}

void ClassicCore::WriteGroup(const ClassicGroup& group, const GroupMetadata& metadata, Continuation then) {
  const WriteId id = outbox_.Write({{EncodeGroupKey(group.name()), EncodeGroupMetadata(metadata)}});
  writes_.emplace(id, std::move(then));
}

bool ClassicCore::OnWritten(WriteId id, const absl::Status& status, Now now) {
  const auto it = writes_.find(id);
  if (it == writes_.end()) return false;
  Continuation continuation = std::move(it->second);
  writes_.erase(it);
  if (auto* assignment = std::get_if<AssignmentWrite>(&continuation)) {
    FinishAssignment(*assignment, status, now);
  } else if (auto* again = std::get_if<StaticWrite>(&continuation)) {
    FinishStatic(*again, status, now);
  } else if (!status.ok()) {
    // The group is empty all the same; after a restart its old members would be waited for until their sessions end.
    LogWarning("group", "group ", std::get<EmptyWrite>(continuation).group,
               ": that it is empty was not stored: ", Message(status));
  }
  return true;
}

absl::Status ClassicCore::Replay(std::string_view key, std::optional<std::string_view> value) {
  LEAT_ASSIGN_OR_RETURN(const std::optional<std::string> group, DecodeGroupKey(key));
  if (!group) return absl::OkStatus();
  if (!value) {
    stored_.erase(*group);
    return absl::OkStatus();
  }
  LEAT_RETURN_IF_ERROR(DecodeGroupMetadata(*value).status());
  stored_.insert_or_assign(*group, std::string(*value));
  return absl::OkStatus();
}

void ClassicCore::Load(Now now) {
  LEAT_CHECK(groups_.empty()) << "the groups were loaded before";
  for (const auto& [name, value] : stored_) {
    const ClassicGroup& group = groups_.try_emplace(name, name, *DecodeGroupMetadata(value)).first->second;
    for (const auto& [id, member] : group.members()) StartSession(group, member, now);
  }
}

std::vector<OffsetRecord> ClassicCore::Snapshot() const {
  std::vector<OffsetRecord> records;
  for (const auto& [group, value] : stored_) records.push_back({EncodeGroupKey(group), value});
  return records;
}

}  // namespace leat::group
