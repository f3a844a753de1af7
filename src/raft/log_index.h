// What a core knows of its log: where it starts and ends, and which term each stretch is of. The entries themselves are
// the driver's.
#pragma once

#include <optional>
#include <vector>

#include "raft/types.h"

namespace leat::raft {

class LogIndex {
 public:
  LogIndex() = default;
  // A log [start, end) with these runs, ascending, the first at start. `before`: the term of the entry before start, if
  // it is known (a snapshot that ends there says it). REQUIRES: as just said.
  LogIndex(Offset start, std::optional<Term> before, std::vector<TermRange> ranges, Offset end);

  Offset start() const { return start_; }
  Offset end() const { return end_; }
  Term last_term() const { return ranges_.empty() ? before_.value_or(Term{0}) : ranges_.back().term; }
  LogPoint tip() const { return {end_, last_term()}; }
  // The term of the entry before `end`, which is 0 before offset 0; nullopt: below the start, beyond the end, unknown.
  std::optional<Term> TermBefore(Offset end) const;
  bool Has(const LogPoint& point) const { return TermBefore(point.end) == point.term; }
  // Where this log leaves the runs of `term` and older ones, and the term of the entry before: the newest point that a
  // log can share which knows nothing newer than `term`.
  LogPoint EndOfTerm(Term term) const;

  void Append(Term term, int64_t entries);  // REQUIRES: term >= last_term()
  void TruncateTo(Offset end);              // REQUIRES: start() <= end <= this->end()
  void TrimTo(Offset start);                // entries below are gone. REQUIRES: within the log
  void ResetTo(const LogPoint& point);      // an empty log that goes on behind a snapshot

 private:
  Offset start_{0};
  Offset end_{0};
  std::optional<Term> before_ = Term{0};
  std::vector<TermRange> ranges_;
};

}  // namespace leat::raft
