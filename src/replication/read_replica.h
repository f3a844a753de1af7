// Which replica a consumer is sent to for reading (KIP-392). Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "replication/types.h"

namespace leat::replication {

struct ReadCandidate {
  model::NodeId node;
  std::string_view rack;
  model::Offset log_start;
  model::Offset log_end;  // as the leader knows it
};

// The replica in the reader's rack that holds `offset` and has the least lag; of equals the one with the lowest id.
// nullopt: the leader, because the reader names no rack, the leader is in it, or nobody there can serve the offset.
// REQUIRES: `followers` are in sync and active.
std::optional<model::NodeId> ChooseReadReplica(std::string_view reader_rack, std::string_view leader_rack,
                                               model::Offset offset, std::span<const ReadCandidate> followers);

}  // namespace leat::replication
