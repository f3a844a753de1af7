// A file without content in a partition's folder while something there changes that later writes rely on: a tail that
// is cut, a checkpoint that is lowered, offsets that may be missing from now on. Each such change ends with syncs, but
// a process that is killed before them leaves a log that looks as if they had been done. The next process finds the
// file and syncs the folder before it serves it; the thousands of folders without one it need not sync.
//
// For the next process of the same kernel alone, and therefore never synced itself: after a power cut the folder is
// what the disk has.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "env/disk.h"

namespace leat::log {

// Two changes may be under way at a time: a piece of disk work, and the undoing of an append that found the disk full.
inline constexpr std::string_view kChangeMark = "change-under-way";
inline constexpr std::string_view kUndoMark = "undo-under-way";

// Before the change. On a disk without room even for a name the change goes on without: it is synced next.
absl::Status MarkChange(env::Disk& disk, const std::string& folder, std::string_view mark = kChangeMark);
// All of it is on disk.
void UnmarkChange(env::Disk& disk, const std::string& folder, std::string_view mark = kChangeMark);

// Says, for good, that offsets may be missing (kGapsFile). What is written next relies on it.
absl::Status WriteGaps(env::Disk& disk, const std::string& folder, std::string_view text);

}  // namespace leat::log
