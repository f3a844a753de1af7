// A query run over a few rows of one table, in every way that must not change its result: straight, with a checkpoint
// and a crash behind each row, and on three workers. Rows come one by one, each with its own watermark.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "leat/stream/test_driver.h"

namespace leat::stream {

struct QueryCase {
  std::string columns;  // of the sink: "k STRING, n BIGINT"
  std::string query;    // reads t (k STRING, v INT, ts TIMESTAMP(3), p AS PROCTIME()), whose watermark is 2 s behind ts
  std::vector<std::string> rows;  // "a 5 00:00:10" or "a NULL 00:01"; "+1500": the wall clock goes on by so many ms
  std::string settings;
};

enum class Disturbance { kNone, kCrashBehindEachRow, kThreeWorkers };

// A row of t as JSON.
inline std::string JsonRow(const std::string& text) {
  const size_t first = text.find(' ');
  const size_t second = text.find(' ', first + 1);
  const std::string key = text.substr(0, first);
  return R"({"k":)" + (key == "NULL" ? "null" : "\"" + key + "\"") + R"(,"v":)" +
         (text.substr(first + 1, second - first - 1) == "NULL" ? "null" : text.substr(first + 1, second - first - 1)) +
         R"(,"ts":"2024-01-01 )" + text.substr(second + 1) + "\"}";
}

// Gives the rows to the driver, and the end of the input.
inline void Feed(TestDriver& driver, const std::vector<std::string>& rows, Disturbance disturbance) {
  const auto check = [](const absl::Status& status) { EXPECT_TRUE(status.ok()) << status; };
  for (const std::string& row : rows) {
    if (row.starts_with("+")) {
      driver.AdvanceClock(std::stoll(row));
    } else {
      check(driver.Insert("t", {.key = {}, .value = JsonRow(row), .headers = {}}));
    }
    if (disturbance != Disturbance::kCrashBehindEachRow) continue;
    check(driver.Checkpoint());
    check(driver.Crash());
  }
  check(driver.Finish());
}

// The values written, in order; then "late: n" if rows came too late.
inline std::vector<std::string> RunQuery(const QueryCase& query, Disturbance disturbance) {
  const std::string sql =
      query.settings +
      "CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), p AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '2' "
      "SECOND) "
      "WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', "
      "'scan.watermark.emit.strategy' = 'on-event');"
      "CREATE TABLE o (" +
      query.columns + ") WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');\nINSERT INTO o " + query.query;
  const int workers = disturbance == Disturbance::kThreeWorkers ? 3 : 1;
  auto driver = TestDriver::Create(sql, {.start_ms = 0, .parallelism = workers});
  if (!driver.ok()) return {std::string(driver.status().message())};
  Feed(**driver, query.rows, disturbance);
  std::vector<std::string> lines;
  for (const TestRecord& record : (*driver)->Take("o")) lines.push_back(record.value.value_or("(none)"));
  // Between workers there is no order.
  if (disturbance == Disturbance::kThreeWorkers) std::sort(lines.begin(), lines.end());
  if (disturbance != Disturbance::kCrashBehindEachRow && (*driver)->late_rows() > 0) {
    lines.push_back("late: " + std::to_string((*driver)->late_rows()));
  }
  for (const TestRecord& record : (*driver)->Take("dead-letters")) {
    lines.push_back("dead: " + record.value.value_or("(none)"));
  }
  return lines;
}

// Checks the lines of all ways; the expected ones are in order, "late: n" last.
inline void ExpectRows(const QueryCase& query, std::vector<std::string> expected) {
  EXPECT_EQ(RunQuery(query, Disturbance::kNone), expected) << query.query;
  std::string late;
  if (!expected.empty() && expected.back().starts_with("late: ")) {
    late = expected.back();
    expected.pop_back();
  }
  EXPECT_EQ(RunQuery(query, Disturbance::kCrashBehindEachRow), expected) << "with crashes: " << query.query;
  std::sort(expected.begin(), expected.end());
  if (!late.empty()) expected.push_back(late);
  EXPECT_EQ(RunQuery(query, Disturbance::kThreeWorkers), expected) << "on three workers: " << query.query;
}

}  // namespace leat::stream
