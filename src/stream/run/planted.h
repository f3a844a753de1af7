// Defects that the program of simulations compiles in, one at a time, to learn whether its checks would notice them. In
// every ordinary build Planted() is false at compile time and nothing of this is left.
#pragma once

#include <cstdint>

namespace leat::run {

enum class Defect : uint8_t {
  kNone,
  kOutputOutsideTransaction,  // what an epoch writes is real before its end
  kRestoreSkipsEpoch,         // one epoch in eight is left out when state is made anew from the changelog
  kPositionsWithoutState,     // the changelog has the positions of one epoch in eight, and not its state
  kStateBeforeCommit,         // an epoch is applied to the state before its transaction has ended
  kSequencesStay,             // the next transaction goes on with the sequence numbers of the one before it
};

#ifdef LEAT_PLANTED_DEFECTS
extern Defect planted_defect;  // set by the one program that is built with it
inline bool Planted(Defect defect) { return planted_defect == defect; }
#else
constexpr bool Planted(Defect) { return false; }
#endif

}  // namespace leat::run
