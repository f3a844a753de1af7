// The quorum's messages as bytes (proto/leat/internal/raft.proto). Whatever comes from another node is checked for form
// and limits here; what it says is the core's business. Pure; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"
#include "model/uuid.h"
#include "raft/messages.h"

namespace leat::coordinator {

// What is taken of a message; more is refused. A sender with the same options stays below.
struct RaftCodecLimits {
  size_t max_bytes = size_t{32} << 20;
  int max_entries = 16'384;
  int max_voters = 9;
  size_t max_text = 4096;    // of a refusal
  size_t max_address = 300;  // a host's name and a port
};

// A text longer than max_text is cut off.
std::string EncodeRaft(const raft::Message& message, const RaftCodecLimits& limits = {});
// kDataLoss: not a message; kInvalidArgument: a number or a size out of range; kUnimplemented: a kind that this program
// does not know.
absl::StatusOr<raft::Message> DecodeRaft(std::string_view bytes, const RaftCodecLimits& limits = {});

// The 128 bits that stand for a cluster in the quorum's messages: those that its id spells, or a digest of it if it is
// spelled in another way. Never zero.
model::Uuid ClusterUuid(std::string_view cluster_id);

}  // namespace leat::coordinator
