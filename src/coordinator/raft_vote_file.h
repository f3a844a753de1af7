// The file `quorum-state` beside the quorum's log: whose disk this is and what it has promised in elections. Lines of
// `name=value`, the last one a checksum of those before. A vote that is lost may be given twice, so that a damaged file
// is refused, never made anew.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/status.h"
#include "env/disk.h"
#include "model/uuid.h"
#include "raft/options.h"
#include "raft/types.h"

namespace leat::coordinator {

struct QuorumState {
  model::Uuid cluster;
  raft::Peer self;
  raft::Vote vote;
  friend bool operator==(const QuorumState&, const QuorumState&) = default;
};

std::string EncodeQuorumState(const QuorumState& state);
// kDataLoss: it is damaged; kUnimplemented: of a newer program.
absl::StatusOr<QuorumState> DecodeQuorumState(std::string_view text);

// What `folder` holds, or for a disk that was never used a fresh state of `self`; a directory that is zero is made up
// then. Nothing is written. kFailedPrecondition: the disk is of another cluster, node or directory. kDataLoss: damaged.
struct OpenedQuorumState {
  QuorumState state;
  bool fresh = false;
};
absl::StatusOr<OpenedQuorumState> OpenQuorumState(env::Disk& disk, const std::string& folder,
                                                  const model::Uuid& cluster, const raft::Peer& self, Random& random);
// Durable when it returns. Blocks. kResourceExhausted: the disk is full and the old file is there still; after any
// other error it is not known which one is. Safe to repeat after kResourceExhausted only.
absl::Status WriteQuorumState(env::Disk& disk, const std::string& folder, const QuorumState& state);

// Replaces `path` by `bytes` as WriteFileAtomically does, but says of an error whether it is final: a failed sync is
// kDataLoss.
absl::Status ReplaceFile(env::Disk& disk, const std::string& path, std::string_view bytes);

}  // namespace leat::coordinator
