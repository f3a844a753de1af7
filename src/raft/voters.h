// Who has a vote: the set, its bytes in the log, and its history along the log.
#pragma once

#include <absl/status/statusor.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "raft/types.h"

namespace leat::raft {

// Sorted by id, one voter an id. A value.
class VoterSet {
 public:
  VoterSet() = default;
  explicit VoterSet(std::vector<Peer> voters);  // REQUIRES: no id twice

  bool empty() const { return voters_.empty(); }
  size_t size() const { return voters_.size(); }
  auto begin() const { return voters_.begin(); }
  auto end() const { return voters_.end(); }
  // The voter with this id, whatever its directory.
  const Peer* Find(NodeId id) const;
  // Whether exactly this disk has a vote; a directory that the set does not know yet may be any.
  bool Has(const Peer& peer) const;
  VoterSet With(const Peer& voter) const;
  VoterSet Without(NodeId id) const;
  friend bool operator==(const VoterSet&, const VoterSet&) = default;

  // The payload of an EntryKind::kVoters entry: version, count, then id and directory of each.
  std::string Encode() const;
  static absl::StatusOr<VoterSet> Decode(std::string_view bytes, int max_voters);
  std::string ToString() const;  // {1,2,3}

 private:
  std::vector<Peer> voters_;
};

// A set and the offset of the entry that brought it.
struct VotersAt {
  Offset offset;
  VoterSet voters;
};

// The sets that the log holds. The newest is in force, committed or not, until a truncation takes it away.
class VoterHistory {
 public:
  // `base`: what holds before any entry of the log.
  explicit VoterHistory(VoterSet base) : base_(std::move(base)) {}

  const VoterSet& current() const { return entries_.empty() ? base_ : entries_.back().voters; }
  // The offset of the entry that brought the current set; nullopt: it is the base.
  std::optional<Offset> current_offset() const;
  // The set that holds for a log that ends at `end`.
  const VoterSet& At(Offset end) const;

  void Append(Offset offset, VoterSet voters);  // REQUIRES: beyond the last
  void TruncateFrom(Offset offset);
  // A snapshot up to `end` holds this set: entries below are folded into the base.
  void FoldInto(Offset end);
  void ResetTo(VoterSet base);

 private:
  VoterSet base_;
  std::vector<VotersAt> entries_;
};

}  // namespace leat::raft
