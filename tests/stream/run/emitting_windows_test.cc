// Windows in GROUP BY that tell their results early and late: table.exec.emit.*.
#include "query_testing.h"

namespace leat::stream {
namespace {

// All changes of a query over t, in order: "+I {..}". `rows` as QueryCase has them.
std::vector<std::string> Changes(const std::string& settings, const std::string& query,
                                 const std::vector<std::string>& rows, Disturbance disturbance) {
  const std::string sql =
      settings +
      "CREATE TABLE t (k STRING, v INT, ts TIMESTAMP(3), p AS PROCTIME(), WATERMARK FOR ts AS ts - INTERVAL '2' "
      "SECOND) "
      "WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', "
      "'scan.watermark.emit.strategy' = 'on-event');"
      "CREATE TABLE o WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'debezium-json') AS " +
      query;
  const int workers = disturbance == Disturbance::kThreeWorkers ? 3 : 1;
  auto driver = TestDriver::Create(sql, {.start_ms = 0, .parallelism = workers});
  if (!driver.ok()) return {std::string(driver.status().message())};
  Feed(**driver, rows, disturbance);
  std::vector<std::string> lines;
  for (const TestRecord& record : (*driver)->Take("o")) {
    const std::string& value = *record.value;
    const bool deletes = value.ends_with(R"("op":"d"})");
    const size_t begin = value.find(deletes ? R"("before":)" : R"("after":)") + (deletes ? 9 : 8);
    lines.push_back((deletes ? "-" : "+") + value.substr(begin, value.find('}') + 1 - begin));
  }
  if (disturbance != Disturbance::kCrashBehindEachRow && (*driver)->late_rows() > 0) {
    lines.push_back("late: " + std::to_string((*driver)->late_rows()));
  }
  return lines;
}

void ExpectChanges(const std::string& settings, const std::string& query, const std::vector<std::string>& rows,
                   std::vector<std::string> expected) {
  EXPECT_EQ(Changes(settings, query, rows, Disturbance::kNone), expected) << query;
  EXPECT_EQ(Changes(settings, query, rows, Disturbance::kThreeWorkers), expected) << "on three workers: " << query;
  std::erase_if(expected, [](const std::string& line) { return line.starts_with("late"); });
  EXPECT_EQ(Changes(settings, query, rows, Disturbance::kCrashBehindEachRow), expected) << "with crashes: " << query;
}

constexpr char kEarly[] =
    "SET 'table.exec.emit.early-fire.enabled' = 'true'; SET 'table.exec.emit.early-fire.delay' = '0 ms';\n";
constexpr char kLateness[] = "SET 'table.exec.emit.allow-lateness' = '10 s';\n";
constexpr char kLate[] =
    "SET 'table.exec.emit.late-fire.enabled' = 'true'; SET 'table.exec.emit.late-fire.delay' = '0 s';\n";
constexpr char kTumble[] =
    "SELECT DATE_FORMAT(TUMBLE_START(ts, INTERVAL '10' SECOND), 'ss') AS w, SUM(v) AS v, COUNT(DISTINCT k) AS d FROM t "
    "GROUP BY TUMBLE(ts, INTERVAL '10' SECOND)";

TEST(EmittingWindows, EarlyWithEachRow) {
  ExpectChanges(kEarly, kTumble, {"a 1 00:00:01", "b 0 00:00:02", "a 0 00:00:03", "a 4 00:00:12", "a 9 00:00:05"},
                {R"(+{"w":"00","v":1,"d":1})", R"(-{"w":"00","v":1,"d":1})", R"(+{"w":"00","v":1,"d":2})",
                 // The third row changes nothing; at the end there is nothing new to tell, and the last one is late.
                 R"(+{"w":"10","v":4,"d":1})", "late: 1"});
}

TEST(EmittingWindows, EarlyAsTheClockSays) {
  const std::string settings =
      "SET 'table.exec.emit.early-fire.enabled' = 'true'; SET 'table.exec.emit.early-fire.delay' = '5 s';\n";
  ExpectChanges(settings, kTumble,
                {"a 1 00:00:01", "+4000", "a 2 00:00:02", "+999", "+1", "a 4 00:00:03", "+20000", "a 8 00:00:04",
                 "a 16 00:00:12", "+60000"},
                {R"(+{"w":"00","v":3,"d":1})", R"(-{"w":"00","v":3,"d":1})", R"(+{"w":"00","v":7,"d":1})",
                 R"(-{"w":"00","v":7,"d":1})", R"(+{"w":"00","v":15,"d":1})", R"(+{"w":"10","v":16,"d":1})"});
}

TEST(EmittingWindows, LateRowsAreTakenForAWhile) {
  ExpectChanges(std::string(kLateness) + kLate, kTumble,
                {"a 1 00:00:01", "a 2 00:00:12", "b 4 00:00:03", "a 8 00:00:21.998", "c 16 00:00:04", "a 32 00:00:22",
                 "a 64 00:00:05"},
                {R"(+{"w":"00","v":1,"d":1})", R"(-{"w":"00","v":1,"d":1})", R"(+{"w":"00","v":5,"d":2})",
                 R"(-{"w":"00","v":5,"d":2})", R"(+{"w":"00","v":21,"d":3})", R"(+{"w":"10","v":2,"d":1})",
                 R"(+{"w":"20","v":40,"d":1})", "late: 1"});
}

TEST(EmittingWindows, LateRowsAsTheClockSays) {
  const std::string settings = std::string(kLateness) +
                               "SET 'table.exec.emit.late-fire.enabled' = 'true'; SET "
                               "'table.exec.emit.late-fire.delay' = '5 s';\n";
  ExpectChanges(settings, kTumble,
                {"a 1 00:00:01", "a 2 00:00:12", "b 4 00:00:03", "c 8 00:00:03", "+5000", "c 1 00:00:03", "+4999",
                 "a 64 00:00:13", "+1"},
                {R"(+{"w":"00","v":1,"d":1})", R"(-{"w":"00","v":1,"d":1})", R"(+{"w":"00","v":13,"d":3})",
                 R"(-{"w":"00","v":13,"d":3})", R"(+{"w":"00","v":14,"d":3})", R"(+{"w":"10","v":66,"d":1})"});
}

// The watermark may take the window away before the clock has come to its late rows.
TEST(EmittingWindows, LateRowsAreToldWhenTheirWindowGoes) {
  const std::string settings = std::string(kLateness) +
                               "SET 'table.exec.emit.late-fire.enabled' = 'true'; SET "
                               "'table.exec.emit.late-fire.delay' = '60 s';\n";
  ExpectChanges(settings, kTumble, {"a 1 00:00:01", "a 2 00:00:12", "b 4 00:00:03", "a 8 00:00:40"},
                {R"(+{"w":"00","v":1,"d":1})", R"(-{"w":"00","v":1,"d":1})", R"(+{"w":"00","v":5,"d":2})",
                 R"(+{"w":"10","v":2,"d":1})", R"(+{"w":"40","v":8,"d":1})"});
}

// Not once for each interval of the pause: there are a hundred million.
TEST(EmittingWindows, EarlyAfterALongPauseIsOnce) {
  const std::string settings =
      "SET 'table.exec.emit.early-fire.enabled' = 'true'; SET 'table.exec.emit.early-fire.delay' = '1 ms';\n";
  ExpectChanges(settings, kTumble, {"a 1 00:00:01", "+100000000", "a 2 00:00:02", "+1"},
                {R"(+{"w":"00","v":1,"d":1})", R"(-{"w":"00","v":1,"d":1})", R"(+{"w":"00","v":3,"d":1})"});
}

TEST(EmittingWindows, HopTellsOfEachOfItsWindows) {
  ExpectChanges(kEarly,
                "SELECT DATE_FORMAT(HOP_END(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND), 'ss') AS e, MAX(v) AS v "
                "FROM t GROUP BY HOP(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND)",
                {"a 1 00:00:03", "a 5 00:00:07", "a 2 00:00:08"},
                {R"(+{"e":"05","v":1})", R"(+{"e":"10","v":1})", R"(-{"e":"10","v":1})", R"(+{"e":"10","v":5})",
                 R"(+{"e":"15","v":5})"});
}

TEST(EmittingWindows, OfProcessingTime) {
  ExpectChanges(kEarly,
                "SELECT DATE_FORMAT(TUMBLE_END(p, INTERVAL '10' SECOND), 'ss') AS e, SUM(v) AS v FROM t GROUP BY "
                "TUMBLE(p, INTERVAL '10' SECOND)",
                {"a 1 00:00:03", "+9999", "a 5 00:00:07", "+1", "a 2 00:00:08"},
                {R"(+{"e":"10","v":1})", R"(-{"e":"10","v":1})", R"(+{"e":"10","v":6})", R"(+{"e":"20","v":2})"});
}

TEST(EmittingWindows, WhatDoesNotGoTogetherIsRefused) {
  const auto refusal = [](const std::string& settings, const std::string& query) {
    return Changes(settings, query, {}, Disturbance::kNone).at(0);
  };
  const std::string early = "SET 'table.exec.emit.early-fire.enabled' = 'true';\n";
  EXPECT_THAT(refusal(early, kTumble), testing::HasSubstr("needs 'table.exec.emit.early-fire.delay'"));
  const std::string late =
      "SET 'table.exec.emit.late-fire.enabled' = 'true'; SET 'table.exec.emit.late-fire.delay' = '1 s';\n";
  EXPECT_THAT(refusal(late, kTumble), testing::HasSubstr("needs 'table.exec.emit.allow-lateness'"));
  EXPECT_THAT(refusal(kEarly,
                      "SELECT window_start, COUNT(*) AS n FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL "
                      "'10' SECOND)) GROUP BY window_start, window_end"),
              testing::HasSubstr("are for windows in GROUP BY"));
  EXPECT_THAT(refusal(kEarly, "SELECT COUNT(*) AS n FROM t GROUP BY SESSION(ts, INTERVAL '10' SECOND)"),
              testing::HasSubstr("table.exec.emit.* with a SESSION window"));
  EXPECT_THAT(refusal("SET 'table.exec.emit.early-fire.delay' = 'soon';\n", kTumble),
              testing::HasSubstr("takes a duration"));
}

}  // namespace
}  // namespace leat::stream
