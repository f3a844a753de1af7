#include "log/cleaned_transactions.h"

#include <algorithm>
#include <utility>

namespace leat::log {

CleanedTransactions::CleanedTransactions(std::vector<AbortedEntry> aborted) : aborted_(std::move(aborted)) {
  std::sort(aborted_.begin(), aborted_.end(),
            [](const AbortedEntry& a, const AbortedEntry& b) { return a.first_offset < b.first_offset; });
}

bool CleanedTransactions::IsAborted(const model::BatchHeader& header) {
  if (!header.transactional()) return false;
  for (; next_ < aborted_.size() && aborted_[next_].first_offset <= header.last_offset(); ++next_) {
    ongoing_[aborted_[next_].producer_id] = aborted_[next_].last_offset;
  }
  met_.insert(header.producer_id);
  const auto it = ongoing_.find(header.producer_id);
  return it != ongoing_.end() && header.last_offset() < it->second;
}

bool CleanedTransactions::EndsNothing(const model::BatchHeader& header) { return met_.erase(header.producer_id) == 0; }

}  // namespace leat::log
