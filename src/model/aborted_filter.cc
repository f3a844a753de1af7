#include "model/aborted_filter.h"

#include <algorithm>

namespace leat::model {

AbortedFilter::AbortedFilter(std::vector<AbortedTransaction> aborted) : aborted_(std::move(aborted)) {
  std::sort(aborted_.begin(), aborted_.end(),
            [](const AbortedTransaction& a, const AbortedTransaction& b) { return a.first_offset < b.first_offset; });
}

absl::StatusOr<bool> AbortedFilter::Skips(std::string_view batch, const BatchHeader& header) {
  for (; begun_ < aborted_.size() && aborted_[begun_].first_offset <= header.last_offset(); ++begun_) {
    aborting_.insert(aborted_[begun_].producer_id);
  }
  if (!header.control()) return header.transactional() && aborting_.contains(header.producer_id);
  LEAT_ASSIGN_OR_RETURN(const std::optional<EndMarker> marker, DecodeMarkerBatch(batch));
  if (marker && marker->end == TransactionEnd::kAbort) aborting_.erase(header.producer_id);
  return false;
}

}  // namespace leat::model
