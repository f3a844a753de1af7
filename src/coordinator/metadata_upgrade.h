// Metadata logs from before there was a quorum: batches of several records without keys, of leader epoch 0. They are no
// entries of Raft's. Once, at the first start of a program that has a quorum, what such a log says is written as a
// snapshot of its end in term 1; the log is then started anew behind it.
#pragma once

#include "base/status.h"
#include "coordinator/raft_host.h"

namespace leat::coordinator {

// Does nothing for a log that is a quorum's, or empty. After a crash in between it begins again: the old log is there
// until RaftHost, which finds the snapshot, has started the log anew. Blocks. REQUIRES: the log's watermark is its own.
absl::Status UpgradeMetadataLog(const RaftHost::Options& options, const RaftHost::Ports& ports);

}  // namespace leat::coordinator
