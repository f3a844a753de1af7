// What to make of bytes behind the last good batch of a log that was not closed: a torn tail, which a power cut leaves
// and which may be cut off, or damage, which must be fenced because acknowledged records may lie behind it.
//
// The rule. Bytes below the durable recovery point are known to have been on disk: anything wrong there is damage. Past
// it, every acknowledged batch of class F has been synced, so all its sectors are there. A power cut can only *lose*
// 512 byte sectors, and a lost sector reads as zeros from some point on, because segments are written front to back and
// every cut or failed write is truncated and synced before the bytes are written again. So a bad batch is a torn tail
// exactly if lost sectors explain it:
//   - the file ends inside the batch, and the batch is not whole under a wrong length field, nor does a good batch
//   follow; or
//   - one of the batch's sectors reads as zeros (from the batch's first byte to the sector's or the file's end) where
//     something else must have been.
// Everything behind a torn batch was never acknowledged in class F, whether or not it can be read, and is cut with it.
// Anything else (a bad CRC with all sectors present, a wrong offset, a good batch behind a wrong length) is damage.
//
// What the rule cannot tell: an acknowledged sector that the device zeroed, past the recovery point, looks lost. The
// window is what was written since the last checkpoint (LogDirectory::Options::checkpoint_interval).
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "env/disk.h"
#include "model/ids.h"

namespace leat::log {

struct TailVerdict {
  enum class Kind { kTorn, kDamaged };
  Kind kind;
  std::string reason;
};

// Judges the bad batch at `position` of a file of `size` bytes, where a batch of offset `expected` should begin (or,
// below `gaps_until`, a later one).
// REQUIRES: position < size. An error is the disk's.
absl::StatusOr<TailVerdict> JudgeTail(const env::File& file, uint64_t position, uint64_t size, model::Offset expected,
                                      model::Offset gaps_until = model::Offset(0));

}  // namespace leat::log
