// A node's disk in the simulation: what is durable, what the node has written, and what lies between. Writes become
// durable in order; a power cut keeps some prefix of those that were not reported durable, or none.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/random.h"
#include "raft/core.h"

namespace leat::raft::test {

struct StoredSnapshot {
  LogPoint point;
  VoterSet voters;
  std::string bytes;
};

// The files of one node.
struct DiskState {
  Vote vote;
  Offset start{0};
  std::optional<Term> before_start = Term{0};
  std::vector<Entry> entries;
  std::optional<StoredSnapshot> snapshot;

  Offset end() const { return start + static_cast<int64_t>(entries.size()); }
  const Entry& At(Offset offset) const { return entries.at(static_cast<size_t>(offset - start)); }
  std::optional<Term> TermBefore(Offset end_offset) const {
    if (end_offset == start) return before_start;
    if (end_offset < start || end_offset > end()) return std::nullopt;
    return At(end_offset - 1).term;
  }
};

class NodeDisk {
 public:
  const DiskState& current() const { return current_; }
  const DiskState& durable() const { return durable_; }
  bool busy() const { return !pending_.empty(); }
  size_t pending() const { return pending_.size(); }

  void Write(const PersistVote& effect) { Add(effect.write, effect); }
  void Write(const AppendEntries& effect) { Add(effect.write, effect); }
  void Write(const TruncateFrom& effect) { Add(effect.write, effect); }
  void Write(const InstallSnapshot& effect) {
    StoredSnapshot file{effect.snapshot, effect.voters, std::move(incoming_)};
    incoming_.clear();
    // At Open the file is there already.
    if (current_.snapshot && current_.snapshot->point == effect.snapshot) file.bytes = current_.snapshot->bytes;
    Add(effect.write, std::move(file));
  }
  void Write(const WriteSnapshotChunk& effect) {
    incoming_.resize(static_cast<size_t>(effect.position));
    incoming_ += effect.bytes;
  }
  // A snapshot of the node's own; durable at once.
  void Store(StoredSnapshot snapshot, Offset log_start) {
    for (DiskState* state : {&current_, &durable_}) {
      state->before_start = state->TermBefore(log_start);
      state->entries.erase(state->entries.begin(), state->entries.begin() + (log_start - state->start));
      state->start = log_start;
      state->snapshot = snapshot;
    }
  }
  // The oldest `count` writes reach the disk; the last of their ids.
  WriteId Sync(size_t count) {
    WriteId last = 0;
    for (; count > 0 && !pending_.empty(); --count) {
      last = pending_.front().write;
      Apply(pending_.front().what, durable_);
      pending_.pop_front();
    }
    return last;
  }
  void PowerCut(Random& random) {
    if (random.OneIn(2)) {
      Sync(random.Below(pending_.size() + 1));
      // The vote is a file of its own: it may be there before the log that was written earlier.
      for (const Pending& pending : pending_) {
        if (!std::holds_alternative<PersistVote>(pending.what)) continue;
        if (random.OneIn(2)) Apply(pending.what, durable_);
        break;
      }
    }
    pending_.clear();
    incoming_.clear();
    current_ = durable_;
  }
  // The disk as it was at some earlier time.
  void RollBackTo(const DiskState& old) {
    pending_.clear();
    current_ = durable_ = old;
  }
  Restored Restore() const {
    Restored restored;
    restored.vote = durable_.vote;
    restored.log_start = durable_.start;
    restored.log_end = durable_.end();
    for (const Entry& entry : durable_.entries) {
      if (restored.ranges.empty() || restored.ranges.back().term != entry.term) {
        restored.ranges.push_back({entry.term, entry.offset});
      }
      if (entry.kind == EntryKind::kVoters) {
        restored.voters.push_back({entry.offset, *VoterSet::Decode(entry.payload, 100)});
      }
    }
    if (durable_.snapshot) {
      restored.snapshot = Snapshot{durable_.snapshot->point, durable_.snapshot->voters,
                                   static_cast<int64_t>(durable_.snapshot->bytes.size())};
    }
    return restored;
  }

 private:
  using What = std::variant<PersistVote, AppendEntries, TruncateFrom, StoredSnapshot>;
  struct Pending {
    WriteId write;
    What what;
  };
  void Add(WriteId write, What what) {
    Apply(what, current_);
    pending_.push_back({write, std::move(what)});
  }
  static void Apply(const What& what, DiskState& state) {
    if (const auto* vote = std::get_if<PersistVote>(&what)) {
      state.vote = vote->vote;
    } else if (const auto* append = std::get_if<AppendEntries>(&what)) {
      LEAT_CHECK(append->entries.front().offset == state.end()) << "a gap at " << state.end();
      state.entries.insert(state.entries.end(), append->entries.begin(), append->entries.end());
    } else if (const auto* truncate = std::get_if<TruncateFrom>(&what)) {
      state.entries.resize(static_cast<size_t>(truncate->from - state.start));
    } else {
      const auto& snapshot = std::get<StoredSnapshot>(what);
      state.snapshot = snapshot;
      state.start = snapshot.point.end;
      state.before_start = snapshot.point.term;
      state.entries.clear();
    }
  }

  DiskState current_;
  DiskState durable_;
  std::deque<Pending> pending_;
  std::string incoming_;
};

}  // namespace leat::raft::test
