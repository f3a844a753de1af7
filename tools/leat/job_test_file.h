// The tests of a job as they stand in a YAML file beside its SQL. Pure; docs/guides/job-tests.md has the format.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace leat::tool {

// A row of `insert` or `expect`. Plain text is a value as it is, anything else is JSON.
struct TestRow {
  struct Part {
    bool given = false;
    std::optional<std::string> text;  // nullopt: null
  };
  Part key;
  Part value;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<int64_t> timestamp_ms;
};

struct TestStep {
  enum class Kind { kInsert, kEventTime, kClock, kCheckpoint, kRestart, kFinish, kExpect, kExpectTable, kLate, kDead };
  Kind kind = Kind::kFinish;
  int line = 0;
  std::string topic;
  std::vector<TestRow> rows;
  std::vector<std::string> columns;  // kExpect, kExpectTable: only these are compared
  bool any_order = false;            // kExpect
  int64_t repeat = 1;                // kInsert: the rows so many times
  int64_t number = 0;                // kEventTime: ms since 1970; kClock: ms; kLate, kDead: rows
};

struct JobTest {
  std::string name;
  int line = 0;
  int64_t start_ms = 0;
  int parallelism = 1;
  std::vector<TestStep> steps;
};

struct JobTestFile {
  std::string sql;  // the file of SQL, relative to this one; empty: beside it, with its name
  std::vector<JobTest> tests;
};

// kInvalidArgument: "NAME:LINE: expected .., got ..".
absl::StatusOr<JobTestFile> ParseJobTestFile(const std::string& name, const std::string& text);

}  // namespace leat::tool
