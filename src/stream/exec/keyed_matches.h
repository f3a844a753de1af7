// The rows of one key in which matches have begun, as they are in memory and in state.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stream/data/batch.h"
#include "stream/exec/match_automaton.h"

namespace leat::exec {

struct KeyedMatches {
  static constexpr int64_t kNoTimer = std::numeric_limits<int64_t>::max();

  MatchRun run;
  int64_t timer_ms = kNoTimer;  // when the table of timers has it
  bool stored = false;          // the table of runs has it

  KeyedMatches(MatchRun begun, data::SchemaPtr schema);

  // The row run.next_row - 1, as data::EncodeKey wrote it.
  absl::Status Append(int64_t time_ms, std::string_view row);
  void Clear();  // nothing has begun: no row is needed
  const data::Batch& rows() const { return rows_; }
  int64_t first_row() const { return run.next_row - static_cast<int64_t>(rows_.rows); }

  // The stored form, of the rows that are still needed; and back.
  std::string Store() const;
  absl::Status Load(std::string_view stored, const MatchAutomaton& automaton);

 private:
  struct Row {
    int64_t ms = 0;
    std::string bytes;
  };
  std::vector<Row> bytes_;
  std::vector<std::shared_ptr<data::Column>> columns_;  // the same rows
  data::Batch rows_;                                    // a view of columns_
};

}  // namespace leat::exec
