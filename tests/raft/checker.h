// The invariants of a whole cluster, looked at after every step. The first violation is kept.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "raft/core.h"
#include "tests/raft/node_disk.h"

namespace leat::raft::test {

struct Checks {
  // What a message promises is on the disk of its sender. Off, a broken promise must be found by what comes of it.
  bool promises = true;
};

class Checker {
 public:
  explicit Checker(Checks checks) : checks_(checks) {}

  bool failed() const { return !violation_.empty(); }
  const std::string& violation() const { return violation_; }
  void Fail(std::string what) {
    if (violation_.empty()) violation_ = std::move(what);
  }

  // Election safety, leader completeness.
  void OnLeader(NodeId node, Term term, const Core& core) {
    const auto [known, fresh] = leaders_.emplace(term, node);
    if (!fresh && known->second != node) {
      Fail(StrCat("election safety: nodes ", known->second, " and ", node, " both lead term ", term));
    }
    if (committed_.empty()) return;
    const Offset end{static_cast<int64_t>(committed_.size())};
    if (core.log_end() < end || (core.log().start() < end && core.log().TermBefore(end) != committed_.back().term)) {
      Fail(StrCat("leader completeness: node ", node, " leads term ", term, " without the entry committed at ", end - 1,
                  " (its log ends at ", core.log_end(), ")"));
    }
  }

  // Log matching: an offset and a term name one entry and everything before it.
  void OnAppend(NodeId node, const std::vector<Entry>& entries, const DiskState& disk) {
    for (const Entry& entry : entries) {
      const Term before = disk.TermBefore(entry.offset).value_or(Term{0});
      const auto [known, fresh] = entries_.try_emplace(std::make_pair(entry.offset.value(), entry.term.value()),
                                                       Written{before, entry.payload});
      if (fresh) continue;
      if (known->second.before != before || known->second.payload != entry.payload) {
        Fail(StrCat("log matching: node ", node, " has an entry at ", entry.offset, " of term ", entry.term,
                    " after one of term ", before, ", another node after one of term ", known->second.before));
      }
    }
  }

  // State machine safety.
  void OnCommit(NodeId node, Offset from, Offset end, const DiskState& disk) {
    for (Offset offset = std::max(from, disk.start); offset < end; ++offset) {
      const Entry& entry = disk.At(offset);
      const auto at = static_cast<size_t>(offset.value());
      if (at > committed_.size()) return Fail(StrCat("node ", node, " committed ", offset, " before its predecessors"));
      if (at == committed_.size()) {
        committed_.push_back({entry.term, entry.payload});
      } else if (committed_[at].term != entry.term || committed_[at].payload != entry.payload) {
        Fail(StrCat("state machine safety: node ", node, " committed an entry of term ", entry.term, " at ", offset,
                    ", where one of term ", committed_[at].term, " was committed"));
      }
    }
  }
  void OnSnapshot(NodeId node, const LogPoint& point) {
    const auto end = static_cast<size_t>(point.end.value());
    if (end > committed_.size() || committed_[end - 1].term != point.term) {
      Fail(StrCat("node ", node, " installed a snapshot up to ", point.end, "/", point.term,
                  " that was never committed"));
    }
  }

  // A node votes once a term. A vote and an acknowledgement leave after what they promise is durable.
  void OnSend(const Message& message, const DiskState& durable, const DiskState& current) {
    if (const auto* vote = std::get_if<VoteReply>(&message.body); vote != nullptr && vote->granted)
      OnVote(message, *vote);
    if (!checks_.promises) return;
    if (const auto* vote = std::get_if<VoteReply>(&message.body)) {
      if (vote->granted && vote->kind != VoteKind::kPreVote &&
          (durable.vote.term != vote->stood_for || durable.vote.voted_for.id != message.to.id)) {
        Fail(StrCat("promise: node ", message.from.id, " voted for ", message.to.id, " in term ", vote->stood_for,
                    ", which is not on its disk"));
      }
    }
    const auto* ack = std::get_if<AppendReply>(&message.body);
    if (ack == nullptr || ack->result != AppendResult::kMatched || ack->match_end <= durable.start) return;
    // Below a snapshot that is on its way to the disk there is nothing to compare with.
    const bool other =
        ack->match_end > current.start && durable.TermBefore(ack->match_end) != current.TermBefore(ack->match_end);
    if (durable.vote.term < message.term || durable.end() < ack->match_end || other) {
      Fail(StrCat("promise: node ", message.from.id, " acknowledged the log up to ", ack->match_end, " in term ",
                  message.term, ", which is not on its disk"));
    }
  }

  // Durable terms and whom they were given to do not change.
  void OnRestart(NodeId node, const Vote& vote, const Vote& before) {
    if (vote.term < before.term ||
        (vote.term == before.term && before.voted_for.id != kNobody && vote.voted_for != before.voted_for)) {
      Fail(StrCat("durable term: node ", node, " restarted in term ", vote.term, " after ", before.term));
    }
  }

  // Linearizable reads.
  Offset committed_end() const { return Offset{static_cast<int64_t>(committed_.size())}; }
  void OnRead(NodeId node, Offset asked_at, Offset end) {
    if (end < asked_at) {
      Fail(StrCat("stale read: node ", node, " answers at ", end, ", ", asked_at, " was committed when it was asked"));
    }
  }
  size_t terms_led() const { return leaders_.size(); }

 private:
  void OnVote(const Message& message, const VoteReply& vote) {
    if (vote.kind == VoteKind::kPreVote) return;
    const auto [known, fresh] = votes_.emplace(std::make_pair(message.from.id, vote.stood_for), message.to.id);
    if (!fresh && known->second != message.to.id) {
      Fail(StrCat("one vote a term: node ", message.from.id, " voted for ", known->second, " and ", message.to.id,
                  " in term ", vote.stood_for));
    }
  }
  struct Written {
    Term before;
    std::string payload;
  };
  struct Committed {
    Term term;
    std::string payload;
  };
  Checks checks_;
  std::string violation_;
  std::map<Term, NodeId> leaders_;
  std::map<std::pair<NodeId, Term>, NodeId> votes_;
  absl::flat_hash_map<std::pair<int64_t, int32_t>, Written> entries_;
  std::vector<Committed> committed_;
};

}  // namespace leat::raft::test
