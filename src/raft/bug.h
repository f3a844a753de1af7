// Defects that a test can plant into a core, to show that the simulation finds them. A driver never names one.
#pragma once

#include <cstdint>

namespace leat::raft {

enum class Bug : uint8_t {
  kNone,
  kVoteBeforeDurable,          // a granted vote leaves before it is on disk
  kAckBeforeDurable,           // entries are acknowledged before they are on disk
  kCountSelfBeforeDurable,     // a leader counts entries that its own disk does not have yet
  kCommitOldTermByCount,       // an entry of an earlier term is committed because a majority has it
  kVoteWithoutLogCheck,        // votes go to candidates with shorter logs
  kAppendWithoutMatching,      // a follower takes entries after a point that its log does not have
  kTruncateBehindEveryAppend,  // a follower cuts what follows an append that it already has
  kCommitBeyondMatch,          // a follower commits entries that it has not compared with the leader's
  kLeaseWithoutDriftMargin,    // the lease lasts as long as the promise on another node's clock
  kLeaseSurvivesTransfer,      // lease reads go on after the leader told another to stand
  kNoPromiseAfterRestart,      // a restarted node votes at once, though it promised a leader not to
  kReadBeforeOwnTermCommit,    // a new leader serves reads at the commit it knew as a follower
  kTwoVoterChanges,            // a voter change begins before the last one is committed
  kForgetVoteOnRestart,        // whom a node voted for is lost in a restart
};

}  // namespace leat::raft
