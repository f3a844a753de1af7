// What `leat job logs` shows: the last lines that a job said of itself, and the last rows of its print sinks. Bounded
// in lines and bytes; many rows do not push out what the job said. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace leat::run {

class JobLog {
 public:
  using Lines = std::vector<std::pair<int64_t, std::string>>;  // wall ms, line

  void Say(int64_t wall_ms, std::string line);
  // Rows of a print sink. Longer ones are cut.
  void Print(int64_t wall_ms, std::vector<std::string> rows);
  // Both, in the order in which they came.
  Lines Show() const;

 private:
  struct Line {
    uint64_t number;
    int64_t wall_ms;
    std::string text;
  };
  void AddLocked(int64_t wall_ms, std::string text, std::deque<Line>* to);

  mutable std::mutex mutex_;
  uint64_t next_number_ = 0;
  std::deque<Line> said_;
  std::deque<Line> printed_;
};

}  // namespace leat::run
