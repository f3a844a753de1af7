// `data_dir/page-cache.epoch`: under which start of the kernel this node was registered last, and in which broker
// epoch. Another process of the same start finds in the page cache all that the one before it had written, SIGKILL or
// not, and has lost nothing. The file matters to processes of one start only, and is never synced.
#pragma once

#include <string>

#include "env/disk.h"

namespace leat::broker {

// Whether all logs of a directory have been opened since the kernel started: what a power cut had left of them is then
// read, and cut off where it was torn. A broker registers before it has opened all.
enum class Logs { kUnread, kRead };

// The epoch of the last registration, if it was made under this start of the kernel; -1: it was not, or who can tell.
int64_t EpochInPageCache(env::Disk& disk, const std::string& data_dir);
// Such a registration was made, and the processes of this start of the kernel had read all logs.
bool LogsInPageCache(env::Disk& disk, const std::string& data_dir);
// This process is registered with the epoch.
absl::Status NoteRegistration(env::Disk& disk, const std::string& data_dir, int64_t epoch, Logs logs);
// The disk has failed: a kernel may drop pages that it could not write. The next process does not rely on them.
absl::Status DistrustPageCache(env::Disk& disk, const std::string& data_dir);

}  // namespace leat::broker
