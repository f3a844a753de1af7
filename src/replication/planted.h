// Defects that tests compile in, one at a time, to learn whether the simulation would notice them. In every ordinary
// build Planted() is false at compile time and nothing of this is left.
#pragma once

#include <cstdint>

namespace leat::replication {

enum class Defect : uint8_t {
  kNone,
  kTruncateByHighWatermark,   // a new follower cuts its log at its own high watermark
  kAckBeforeMinInSync,        // the high watermark advances with too few replicas in sync
  kAcceptStaleBrokerEpoch,    // a fetch from a replica's former life counts for its present one
  kIgnorePendingIsr,          // the high watermark counts the smaller set while a proposal is pending
  kAnswerEpochAboveAsked,     // the end of the next higher epoch is answered for one that the leader lacks
  kTrustLeaderHighWatermark,  // a follower takes the leader's high watermark beyond its own end
  kCompareOffsetsOnly,        // a fetch at an offset that the leader has is taken, whatever its epoch
  kInSyncByTime,              // a follower that fetched lately joins, wherever its log ends
  kAskBeforeDurable,          // class F: a follower asks for more before what it has is on its disk
  kLeadFromPageCache,         // class F: the leader counts what is not on its own disk
  kAnswerLatestEarly,         // a new leader answers the latest offset before its epoch's start is committed
  kRaiseMarkBeforeLogStart,   // a follower shows records before it deletes those that were not compared
  kTakeAnyRefusal,            // the refusal of an older attempt ends the proposal
  kForgetUnanswered,          // a proposal without an answer counts no more
  kActOnOldImage,             // an image that does not know this life of the process is acted upon
};

#ifdef LEAT_PLANTED_DEFECTS
extern Defect planted_defect;  // set by the one test program that is built with it
inline bool Planted(Defect defect) { return planted_defect == defect; }
#else
constexpr bool Planted(Defect) { return false; }
#endif

}  // namespace leat::replication
