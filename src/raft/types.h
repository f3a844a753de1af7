// The nouns of the controller quorum's consensus: who, how far a log reaches, what stands in it.
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "model/ids.h"
#include "model/uuid.h"

namespace leat::raft {

using model::NodeId;
using model::Offset;
// Raft's term is the leader epoch of the log's batches. The first leader has 1; 0 is the term of an empty log.
using Term = model::LeaderEpoch;
// Numbers the writes that a core asks for, from 1 in its life. 0: none.
using WriteId = uint64_t;
// Numbers the reads of the log or a snapshot that a core asks for, from 1 in its life. 0: none.
using ReadId = uint64_t;

inline constexpr NodeId kNobody{-1};

// A voter is a disk, not a number: a node that comes back under its id with another directory is somebody else.
struct Peer {
  NodeId id = kNobody;
  model::Uuid directory;  // zero: not known
  friend bool operator==(const Peer&, const Peer&) = default;
  friend auto operator<=>(const Peer&, const Peer&) = default;
};

// A log up to `end` (the offset after its last entry), whose last entry is of `term`. Two logs that have a point in
// common are equal below it. Also the identity of a snapshot.
struct LogPoint {
  Offset end;
  Term term;
  friend bool operator==(const LogPoint&, const LogPoint&) = default;
};

// Whether a log that reaches `a` holds everything that may be committed in the sight of one that reaches `b`.
inline bool IsUpToDate(const LogPoint& a, const LogPoint& b) {
  return a.term != b.term ? a.term > b.term : a.end >= b.end;
}

enum class EntryKind : uint8_t {
  kData = 0,          // the state machine's
  kLeaderChange = 1,  // the first entry of a term, without a payload
  kVoters = 2,        // a VoterSet, in force from the moment it is in the log
};

// One offset of the log. What must be committed together belongs into one entry.
struct Entry {
  Offset offset;
  Term term;
  EntryKind kind = EntryKind::kData;
  std::string payload;
  friend bool operator==(const Entry&, const Entry&) = default;
};

// What a node has promised in elections. PERSISTENT.
struct Vote {
  Term term;            // never goes back
  Peer voted_for;       // in that term; kNobody: nobody yet
  bool joined = false;  // this disk has voted or held entries: it was not put in another one's place since
  friend bool operator==(const Vote&, const Vote&) = default;
};

// A run of entries of one term, up to the start of the next run.
struct TermRange {
  Term term;
  Offset start;
  friend bool operator==(const TermRange&, const TermRange&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const LogPoint& p) { return out << p.end << '/' << p.term; }

}  // namespace leat::raft
