#include "group/core.h"

#include <set>

#include "base/check.h"
#include "base/logging.h"
#include "model/error_status.h"

namespace leat::group {
namespace {

using model::ErrorCode;

// What a client is told of a record that was not stored.
Outcome NotStored(const absl::Status& status) {
  if (const std::optional<ErrorCode> code = model::CodeOf(status)) return {*code, std::string(Message(status))};
  switch (status.code()) {
    case absl::StatusCode::kOutOfRange:
      return {ErrorCode::kRecordListTooLarge, std::string(Message(status))};
    case absl::StatusCode::kUnavailable:
      return {ErrorCode::kCoordinatorNotAvailable, std::string(Message(status))};
    default:
      return {ErrorCode::kKafkaStorageError, StrCat("it was not stored: ", Message(status))};
  }
}

void FailAll(std::vector<Outcome>& outcomes, const Outcome& failure) {
  for (Outcome& outcome : outcomes) {
    if (outcome.code == ErrorCode::kNone) outcome = failure;
  }
}

}  // namespace

Core::Core(const Options& options, Random& random)
    : options_(options), offsets_(options.limits), classic_(options, random, outbox_) {}

void Core::Heartbeat(RequestId id, const HeartbeatRequest& request, Now now) {
  outbox_.Answer(id, classic_.Heartbeat(request, now));
}

void Core::Leave(RequestId id, const LeaveRequest& request, Now now) {
  outbox_.Answer(id, classic_.Leave(request, now));
}

void Core::Commit(RequestId id, const CommitCommand& command, Now now) {
  CommitAs(id, command, CommitKind::kPlain, std::nullopt, now);
}

void Core::CommitInTxn(RequestId id, const TxnCommitCommand& command, Now now) {
  CommitAs(id, command.commit, CommitKind::kTransactional, TxnStamp{command.producer, command.producer_epoch}, now);
}

void Core::CommitAs(RequestId id, const CommitCommand& command, CommitKind kind, std::optional<TxnStamp> stamp,
                    Now now) {
  CommitReply reply;
  if (const Outcome refused = classic_.CheckCommit(command, kind, now); refused.code != ErrorCode::kNone) {
    reply.outcomes.assign(command.items.size(), refused);
    return outbox_.Answer(id, std::move(reply));
  }
  CommitDecision decision = offsets_.CommitOffsets(command, now.wall_ms);
  reply.outcomes = std::move(decision.outcomes);
  if (decision.records.empty()) return outbox_.Answer(id, std::move(reply));
  Park(std::move(decision.records), ParkedCommit{id, std::move(reply)}, stamp);
}

void Core::Park(std::vector<OffsetRecord> records, Parked parked, std::optional<TxnStamp> stamp) {
  parked_.emplace(outbox_.Write(std::move(records), stamp), std::move(parked));
}

bool Core::Exists(std::string_view group) const {
  return classic_.Find(group) != nullptr || offsets_.Find(group) != nullptr || offsets_.HasPending(group);
}

void Core::DeleteOffsets(RequestId id, const DeleteOffsetsRequest& request) {
  DeleteOffsetsReply reply;
  const ClassicGroup* group = classic_.Find(request.group);
  const bool has_members = group != nullptr && !group->members().empty();
  if (!Exists(request.group) || (group != nullptr && group->Is(GroupState::kDead))) {
    reply.outcome = {ErrorCode::kGroupIdNotFound, StrCat("there is no group '", request.group, "'")};
  } else if (has_members && group->protocol_type() != "consumer") {
    reply.outcome = {ErrorCode::kNonEmptyGroup, StrCat("group ", request.group, " has members: stop them first")};
  }
  if (reply.outcome.code != ErrorCode::kNone) return outbox_.Answer(id, std::move(reply));
  std::vector<model::TopicPartition> partitions;
  for (const model::TopicPartition& partition : request.partitions) {
    Outcome outcome;
    if (has_members && ClassicCore::IsSubscribed(*group, partition.topic)) {
      outcome = {ErrorCode::kGroupSubscribedToTopic,
                 StrCat("members of group ", request.group, " read ", partition.topic, ": stop them first")};
    } else {
      partitions.push_back(partition);
    }
    reply.outcomes.push_back(std::move(outcome));
  }
  std::vector<OffsetRecord> records = offsets_.Forget(request.group, partitions);
  if (records.empty()) return outbox_.Answer(id, std::move(reply));
  Park(std::move(records), ParkedOffsetDelete{id, std::move(reply)});
}

void Core::Delete(RequestId id, const std::string& name, Now now) {
  const ClassicGroup* group = classic_.Find(name);
  if (!Exists(name) || (group != nullptr && group->Is(GroupState::kDead))) {
    return outbox_.Answer(
        id, DeleteReply{{ErrorCode::kGroupIdNotFound, StrCat("there is no group '", name.substr(0, 300), "'")}});
  }
  if (group != nullptr && !group->Is(GroupState::kEmpty)) {
    return outbox_.Answer(
        id, DeleteReply{{ErrorCode::kNonEmptyGroup,
                         StrCat("group ", name, " has ", group->members().size(), " members: stop them first")}});
  }
  std::vector<OffsetRecord> records = offsets_.ForgetGroup(name);
  for (OffsetRecord& record : classic_.MarkDead(name, now)) records.push_back(std::move(record));
  if (records.empty()) {
    classic_.Forget(name);
    return outbox_.Answer(id, DeleteReply{});
  }
  Park(std::move(records), ParkedDelete{id, name});
}

void Core::ForgetTopic(std::string_view topic) {
  std::vector<OffsetRecord> records = offsets_.ForgetTopic(topic);
  if (!records.empty()) Park(std::move(records), Forgetting{StrCat("of the deleted topic ", topic)});
}

void Core::FinishDelete(const ParkedDelete& parked, const absl::Status& status, Now now) {
  if (status.ok()) {
    classic_.Forget(parked.group);
  } else {
    classic_.Revive(parked.group, now);
  }
  if (parked.to) {
    outbox_.Answer(*parked.to, DeleteReply{status.ok() ? Outcome{} : NotStored(status)});
  } else if (!status.ok()) {
    LogWarning("group", "group ", parked.group, " has expired and stays: ", Message(status));
  }
}

void Core::OnWritten(WriteId id, const absl::Status& status, Now now) {
  const auto it = parked_.find(id);
  if (it == parked_.end()) {
    const bool known = classic_.OnWritten(id, status, now);
    LEAT_CHECK(known) << "nobody waits for write " << id;
    return;
  }
  Parked parked = std::move(it->second);
  parked_.erase(it);
  if (auto* commit = std::get_if<ParkedCommit>(&parked)) {
    if (!status.ok()) FailAll(commit->reply.outcomes, NotStored(status));
    outbox_.Answer(commit->to, std::move(commit->reply));
  } else if (auto* offsets = std::get_if<ParkedOffsetDelete>(&parked)) {
    if (!status.ok()) FailAll(offsets->reply.outcomes, NotStored(status));
    outbox_.Answer(offsets->to, std::move(offsets->reply));
  } else if (auto* deletion = std::get_if<ParkedDelete>(&parked)) {
    FinishDelete(*deletion, status, now);
  } else if (!status.ok()) {
    LogWarning("group", "the committed offsets ", std::get<Forgetting>(parked).what, " stay: ", Message(status));
  }
}

GroupDescription Core::Describe(const std::string& name) const {
  if (const ClassicGroup* group = classic_.Find(name)) return classic_.Describe(*group);
  GroupDescription description;
  description.group = name;
  if (Exists(name)) {
    description.state = GroupState::kEmpty;
  } else {
    description.outcome = {ErrorCode::kGroupIdNotFound, StrCat("there is no group '", name.substr(0, 300), "'")};
  }
  return description;
}

std::vector<GroupListing> Core::List() const {
  std::map<std::string, GroupListing> listings;
  for (const std::string& name : offsets_.Groups()) listings[name] = {name, "", GroupState::kEmpty};
  for (const auto& [name, group] : classic_.groups()) listings[name] = {name, group.protocol_type(), group.state()};
  std::vector<GroupListing> all;
  for (auto& [name, listing] : listings) all.push_back(std::move(listing));
  return all;
}

absl::Status Core::Replay(const RecordOrigin& origin, std::string_view key, std::optional<std::string_view> value) {
  LEAT_RETURN_IF_ERROR(classic_.Replay(key, value));
  return offsets_.Replay(origin, key, value);
}

void Core::Load(Now now) {
  classic_.Load(now);
  next_expiry_ = now.instant + options_.retention_check_interval;
}

Instant Core::NextDeadline() const { return std::min(classic_.NextDeadline(), next_expiry_); }

void Core::Tick(Now now) {
  classic_.Tick(now);
  if (now.instant < next_expiry_) return;
  ExpireOffsets(now);
  next_expiry_ = now.instant + options_.retention_check_interval;
}

std::vector<OffsetRecord> Core::Snapshot() const {
  std::vector<OffsetRecord> records = classic_.Snapshot();
  for (OffsetRecord& record : offsets_.Snapshot()) records.push_back(std::move(record));
  return records;
}

}  // namespace leat::group
