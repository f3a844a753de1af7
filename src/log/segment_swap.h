// Puts a cleaned segment in the place of those it was made from, so that a crash at any point leaves either the old
// ones or the new one. The steps, each made durable before the next begins:
//   1. the cleaned files are written and synced as `<base>.<suffix>.cleaned` (by the cleaning);
//   2. they are renamed to `<base>.<suffix>.swap`: from here on the new segment holds;
//   3. the old segments' files, except the log of the first, and the first one's indexes are removed;
//   4. `.swap` goes from the names, which replaces the first one's log.
// Recovery removes `.cleaned` files and does steps 3 and 4 for a `.log.swap` that it finds. Runs on a disk thread while
// nothing else changes the names of the folder's segments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "env/disk.h"
#include "log/segment.h"
#include "model/ids.h"

namespace leat::log {

// What a segment's files are called, the log first; the others are its indexes.
std::vector<std::string_view> SegmentSuffixes();

struct SegmentSwap {
  std::string folder;
  model::Offset base;                   // of the new segment and of the first old one
  std::vector<model::Offset> replaced;  // bases of the other old ones
};
struct SwapOutcome {
  absl::Status status;
  bool committed = false;  // step 2 was begun: a failure leaves a folder that only recovery can tell apart
};
SwapOutcome RunSwap(env::Disk& disk, const SegmentSwap& swap);
// Removes what a cleaning wrote and will not use.
absl::Status RemoveCleaned(env::Disk& disk, const std::string& folder, model::Offset base);
// Before a folder's segments are listed. kDataLoss: a new segment is damaged.
// `names`: what is in the folder; read again if something was done.
absl::Status FinishSwaps(env::Disk& disk, const std::string& folder, std::vector<std::string>* names);

}  // namespace leat::log
