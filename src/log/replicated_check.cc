#include "log/replicated_check.h"

#include <utility>

#include "log/batch_scanner.h"

namespace leat::log {

absl::StatusOr<ReplicatedAppend> CheckReplicated(OwnedBytes bytes, const ReplicatedPlace& place) {
  if (bytes.empty()) return InvalidArgument("expected at least one record batch of the leader, got no bytes");
  ReplicatedAppend append;
  model::Offset expected = place.end;
  model::LeaderEpoch epoch = place.latest_epoch;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const auto at = static_cast<size_t>(rest.data() - bytes.data());
    const absl::StatusOr<std::string_view> batch = model::TakeBatch(&rest);
    if (!batch.ok()) return InvalidArgument("byte ", at, " of the leader's batches: ", Message(batch.status()));
    const absl::StatusOr<model::BatchHeader> header =
        model::ValidateBatch(*batch, model::RecordCheck::kHeaderAndCrc, kLargestBatchBytes);
    if (!header.ok()) return InvalidArgument("byte ", at, " of the leader's batches: ", Message(header.status()));
    if (header->base_offset < expected) {
      return InvalidArgument("byte ", at, " of the leader's batches: expected a batch of offset ", expected,
                             " or above, got one of ", header->base_offset);
    }
    if (header->leader_epoch < epoch) {
      return InvalidArgument("byte ", at, " of the leader's batches: leader epoch ", header->leader_epoch,
                             " at offset ", header->base_offset, " follows epoch ", epoch);
    }
    if (header->last_offset() - expected > INT32_MAX || header->total_bytes() > kLargestBatchBytes) {
      return InvalidArgument("byte ", at, " of the leader's batches: a batch of ", header->total_bytes(),
                             " bytes that ends with offset ", header->last_offset(), " cannot follow offset ",
                             expected);
    }
    if (header->base_offset > expected) append.gaps_until = header->next_offset();
    expected = header->next_offset();
    epoch = header->leader_epoch;
    append.batches.push_back({at, *header});
  }
  append.bytes = std::move(bytes);
  return append;
}

}  // namespace leat::log
