#include "raft/describe.h"

#include "base/status.h"

namespace leat::raft {
namespace {

std::string Text(const LogPoint& point) { return StrCat(point.end, "/", point.term); }

std::string_view Name(VoteKind kind) {
  switch (kind) {
    case VoteKind::kPreVote:
      return "pre-vote";
    case VoteKind::kVote:
      return "vote";
    case VoteKind::kTransfer:
      return "transfer-vote";
  }
  return "?";
}

std::string_view Name(AppendResult result) {
  switch (result) {
    case AppendResult::kMatched:
      return "matched";
    case AppendResult::kMismatch:
      return "mismatch";
    case AppendResult::kStaleTerm:
      return "stale-term";
    case AppendResult::kRolledBack:
      return "rolled-back";
  }
  return "?";
}

// [4..7) with the terms of its runs: 4..6/1 6..7/2, and what is special about an entry.
std::string Text(const std::vector<Entry>& entries) {
  std::string text = "[";
  for (size_t i = 0; i < entries.size();) {
    size_t next = i + 1;
    while (next < entries.size() && entries[next].term == entries[i].term && entries[next].kind == entries[i].kind)
      ++next;
    StrAppend(&text, i > 0 ? " " : "", entries[i].offset, "..", entries[i].offset + static_cast<int64_t>(next - i), "/",
              entries[i].term);
    if (entries[i].kind == EntryKind::kLeaderChange) text += "L";
    if (entries[i].kind == EntryKind::kVoters) text += "V";
    i = next;
  }
  return text + "]";
}

struct BodyText {
  std::string operator()(const VoteRequest& m) const {
    return StrCat(Name(m.kind), "? for=", m.stands_for, " tip=", Text(m.tip));
  }
  std::string operator()(const VoteReply& m) const {
    return StrCat(Name(m.kind), " for=", m.stood_for, m.granted ? " granted" : " denied");
  }
  std::string operator()(const AppendRequest& m) const {
    return StrCat("append previous=", Text(m.previous), " ", Text(m.entries), " commit=", m.commit_end,
                  " acked=", m.acked_end, " round=", m.round);
  }
  std::string operator()(const AppendReply& m) const {
    std::string text = StrCat(Name(m.result), " previous=", m.previous_end);
    if (m.result == AppendResult::kMatched) StrAppend(&text, " match=", m.match_end);
    if (m.result == AppendResult::kMismatch) StrAppend(&text, " hint=", Text(m.hint));
    return StrCat(text, " round=", m.round);
  }
  std::string operator()(const SnapshotChunk& m) const {
    return StrCat("snapshot ", Text(m.snapshot), " ", m.voters.ToString(), " position=", m.position,
                  " bytes=", m.bytes.size(), m.last ? " last" : "");
  }
  std::string operator()(const SnapshotReply& m) const {
    return StrCat("snapshot-reply ", Text(m.snapshot), " next=", m.next_position, m.installed ? " installed" : "");
  }
  std::string operator()(const TimeoutNow&) const { return "timeout-now"; }
  std::string operator()(const Observe&) const { return "observe"; }
  std::string operator()(const LeaderHint& m) const { return StrCat("leader-hint ", m.leader.id); }
  std::string operator()(const Refusal& m) const { return StrCat("refusal ", raft::Name(m.reason), ": ", m.detail); }
};

struct EffectText {
  std::string operator()(const PersistVote& e) const {
    return StrCat("persist-vote #", e.write, " term=", e.vote.term,
                  e.vote.voted_for.id == kNobody ? "" : StrCat(" for=", e.vote.voted_for.id));
  }
  std::string operator()(const AppendEntries& e) const { return StrCat("append #", e.write, " ", Text(e.entries)); }
  std::string operator()(const TruncateFrom& e) const { return StrCat("truncate #", e.write, " from=", e.from); }
  std::string operator()(const InstallSnapshot& e) const {
    return StrCat("install-snapshot #", e.write, " ", Text(e.snapshot), " ", e.voters.ToString(), " bytes=", e.bytes);
  }
  std::string operator()(const WriteSnapshotChunk& e) const {
    return StrCat("write-chunk ", Text(e.snapshot), " position=", e.position, " bytes=", e.bytes.size());
  }
  std::string operator()(const ReadEntries& e) const { return StrCat("read ", e.first, "..", e.end); }
  std::string operator()(const ReadSnapshot& e) const {
    return StrCat("read-snapshot ", Text(e.snapshot), " position=", e.position);
  }
  std::string operator()(const Send& e) const { return StrCat("send ", Describe(e.message)); }
  std::string operator()(const Commit& e) const { return StrCat("commit ", e.end); }
  std::string operator()(const BecomeLeader& e) const { return StrCat("leader term=", e.term, " first=", e.first); }
  std::string operator()(const BecomeFollower& e) const {
    return StrCat("follower term=", e.term, " leader=", e.leader == kNobody ? "?" : StrCat(e.leader));
  }
  std::string operator()(const ReadReady& e) const { return StrCat("read-ready ", e.ticket, " end=", e.end); }
  std::string operator()(const ReadFailed& e) const { return StrCat("read-failed ", e.ticket, ": ", Why(e.why)); }
  std::string operator()(const VoterChangeDone& e) const {
    return StrCat("voter-change ", e.outcome.ok() ? "done" : Why(e.outcome), " ", e.voters.ToString());
  }
  std::string operator()(const TransferFailed& e) const { return StrCat("transfer-failed: ", Why(e.why)); }
  std::string operator()(const Refuse& e) const {
    return StrCat("refuse ", raft::Name(e.reason), " of ", e.peer.id, e.fatal ? " FATAL: " : ": ", e.detail);
  }
  static std::string Why(const absl::Status& status) { return std::string(leat::Message(status)); }
};

}  // namespace

std::string_view Name(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::kForeignCluster:
      return "foreign-cluster";
    case RefusalReason::kWrongDirectory:
      return "wrong-directory";
    case RefusalReason::kUnknownDirectory:
      return "unknown-directory";
    case RefusalReason::kDiskRolledBack:
      return "disk-rolled-back";
    case RefusalReason::kCommittedConflict:
      return "committed-conflict";
    case RefusalReason::kTwoLeaders:
      return "two-leaders";
    case RefusalReason::kMalformed:
      return "malformed";
    case RefusalReason::kSnapshotDamaged:
      return "snapshot-damaged";
    case RefusalReason::kOverloaded:
      return "overloaded";
  }
  return "?";
}

std::string Describe(const Message& message) {
  return StrCat(message.from.id, ">", message.to.id, " t", message.term, " ", std::visit(BodyText{}, message.body));
}

std::string Describe(const Effect& effect) { return std::visit(EffectText{}, effect); }

}  // namespace leat::raft
