#include "replication/read_replica.h"

namespace leat::replication {

std::optional<model::NodeId> ChooseReadReplica(std::string_view reader_rack, std::string_view leader_rack,
                                               model::Offset offset, std::span<const ReadCandidate> followers) {
  if (reader_rack.empty() || reader_rack == leader_rack) return std::nullopt;
  const ReadCandidate* best = nullptr;
  for (const ReadCandidate& candidate : followers) {
    if (candidate.rack != reader_rack || offset < candidate.log_start || offset > candidate.log_end) continue;
    const bool better = best == nullptr || candidate.log_end > best->log_end ||
                        (candidate.log_end == best->log_end && candidate.node < best->node);
    if (better) best = &candidate;
  }
  return best == nullptr ? std::nullopt : std::optional(best->node);
}

}  // namespace leat::replication
