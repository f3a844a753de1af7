#include "raft/log_index.h"

#include <algorithm>

#include "base/check.h"

namespace leat::raft {

LogIndex::LogIndex(Offset start, std::optional<Term> before, std::vector<TermRange> ranges, Offset end)
    : start_(start), end_(end), before_(before), ranges_(std::move(ranges)) {
  LEAT_CHECK(start <= end) << "a log from " << start << " to " << end;
  LEAT_CHECK(ranges_.empty() == (start == end)) << "runs of terms and entries go together";
  if (!ranges_.empty()) LEAT_CHECK(ranges_.front().start == start && ranges_.back().start < end);
  for (size_t i = 1; i < ranges_.size(); ++i) {
    LEAT_CHECK(ranges_[i - 1].term < ranges_[i].term && ranges_[i - 1].start < ranges_[i].start);
  }
  if (start == Offset{0}) before_ = Term{0};
}

std::optional<Term> LogIndex::TermBefore(Offset end) const {
  if (end < start_ || end > end_) return std::nullopt;
  if (end == start_) return before_;
  for (auto range = ranges_.rbegin(); range != ranges_.rend(); ++range) {
    if (range->start < end) return range->term;
  }
  LEAT_CHECK(false) << "no run of terms before " << end;
  return std::nullopt;
}

LogPoint LogIndex::EndOfTerm(Term term) const {
  LogPoint point{start_, before_.value_or(Term{0})};
  for (size_t i = 0; i < ranges_.size() && ranges_[i].term <= term; ++i) {
    point = {i + 1 < ranges_.size() ? ranges_[i + 1].start : end_, ranges_[i].term};
  }
  return point;
}

void LogIndex::Append(Term term, int64_t entries) {
  LEAT_CHECK(entries > 0 && term >= last_term()) << "term " << term << " after " << last_term();
  if (ranges_.empty() || ranges_.back().term != term) ranges_.push_back({term, end_});
  end_ = end_ + entries;
}

void LogIndex::TruncateTo(Offset end) {
  LEAT_CHECK(start_ <= end && end <= end_) << "truncation to " << end << " of [" << start_ << ", " << end_ << ")";
  while (!ranges_.empty() && ranges_.back().start >= end) ranges_.pop_back();
  end_ = end;
}

void LogIndex::TrimTo(Offset start) {
  LEAT_CHECK(start_ <= start && start <= end_) << "trim to " << start << " of [" << start_ << ", " << end_ << ")";
  const std::optional<Term> before = TermBefore(start);
  size_t below = 0;  // runs that end at or before the new start
  while (below < ranges_.size() && (below + 1 < ranges_.size() ? ranges_[below + 1].start : end_) <= start) ++below;
  ranges_.erase(ranges_.begin(), ranges_.begin() + static_cast<std::ptrdiff_t>(below));
  if (!ranges_.empty()) ranges_.front().start = std::max(ranges_.front().start, start);
  before_ = before;
  start_ = start;
}

void LogIndex::ResetTo(const LogPoint& point) {
  ranges_.clear();
  start_ = end_ = point.end;
  before_ = point.term;
}

}  // namespace leat::raft
