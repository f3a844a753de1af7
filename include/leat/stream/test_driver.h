// Runs a job's SQL in a unit test: rows in, rows out, a clock that only the test moves, no broker and no threads. Link
// leat::stream. Not thread-safe.
//
//   auto driver = TestDriver::Create(sql, {});
//   (*driver)->Insert("transactions", {.value = R"({"cc_num":"1","amt":900})"});
//   EXPECT_EQ((*driver)->Take("alerts").size(), 1);
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace leat::stream {

struct TestRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::string>> headers;  // of dead letters: leat.reason, leat.topic, ..
  int64_t timestamp_ms = 0;
};

class TestDriver {
 public:
  struct Options {
    int64_t start_ms = 0;  // the wall clock at the start, ms since 1970-01-01T00:00Z
    int parallelism = 1;   // workers, 1 to 128; rows are exchanged between them as in a running job
    std::string job{};     // its name: dead letters are in <job>-dlq, and in "dead-letters" without one
    // Take gives what a checkpoint has committed, and Crash throws the rest away, as readers of committed records find
    // it. Without it every row is there as soon as it is written.
    bool exactly_once = false;
  };
  // kInvalidArgument: the compiler's message. Every kafka table reads and writes topics in memory, with one partition.
  static absl::StatusOr<std::unique_ptr<TestDriver>> Create(const std::string& sql, const Options& options);
  ~TestDriver();

  // Appends a record to a topic and runs the job until it has nothing to do. kNotFound: no table reads the topic.
  absl::Status Insert(const std::string& topic, const TestRecord& record);
  // Appends the records first, as one batch, and runs the job then.
  absl::Status InsertBatch(const std::string& topic, const std::vector<TestRecord>& records);
  // Everything written to the topic since the last Take, in order. Dead letters are in "dead-letters" unless the script
  // or Options::job says otherwise, late rows where the script says.
  std::vector<TestRecord> Take(const std::string& topic);
  // Whether a table writes to the topic, or late rows or dead letters go there.
  bool Writes(const std::string& topic) const;
  void AdvanceClock(int64_t by_ms);  // PROCTIME() and CURRENT_TIMESTAMP
  // Moves the watermark of the tables that read the topic (empty: of all that have one) to this time, unless it is
  // there already, as a row with such an event time would. kNotFound: no table that reads it has a watermark.
  absl::Status AdvanceEventTime(const std::string& topic, int64_t watermark_ms);
  // The end of all input: every event-time window fires. Insert fails afterwards.
  absl::Status Finish();
  // A checkpoint; the job goes on.
  absl::Status Checkpoint();
  // Throws the tasks away and goes on from the last checkpoint, as after a crash: what came in since is read again, and
  // what was written for it is written again.
  absl::Status Crash();
  uint64_t late_rows() const;
  uint64_t dead_rows() const;

 private:
  struct Impl;
  explicit TestDriver(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace leat::stream
