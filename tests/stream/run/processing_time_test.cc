// Windows of processing time: rows are in the window of the moment at which they come, and windows end by the wall
// clock alone. The clock begins at 1970-01-01 00:00:00 and goes on where the rows say so.
#include "query_testing.h"

namespace leat::stream {
namespace {

constexpr char kBounds[] = "DATE_FORMAT(window_start, 'HH:mm:ss'), DATE_FORMAT(window_end, 'HH:mm:ss')";

TEST(ProcessingTime, TumbleEndsByTheClockWithoutARow) {
  // The event time of the rows means nothing, and neither does a watermark far ahead.
  ExpectRows({.columns = "k STRING, s STRING, e STRING, n BIGINT, v INT",
              .query = std::string("SELECT k, ") + kBounds +
                       ", COUNT(*), SUM(v) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(p), INTERVAL '10' SECOND)) GROUP BY "
                       "k, window_start, window_end",
              .rows = {"a 1 00:00:01", "+4000", "a 2 23:00:00", "b 4 00:00:00", "+5999", "a 8 00:00:01", "+1",
                       "a 16 00:00:01", "+20000", "b 32 00:00:01"},
              .settings = {}},
             {R"({"k":"a","s":"00:00:00","e":"00:00:10","n":3,"v":11})",
              R"({"k":"b","s":"00:00:00","e":"00:00:10","n":1,"v":4})",
              R"({"k":"a","s":"00:00:10","e":"00:00:20","n":1,"v":16})"});
}

TEST(ProcessingTime, HopAndCumulate) {
  const std::vector<std::string> rows = {"a 1 00:00:01", "+6000", "a 2 00:00:01", "+6000", "a 4 00:00:01", "+30000"};
  ExpectRows({.columns = "s STRING, e STRING, v INT",
              .query = std::string("SELECT ") + kBounds +
                       ", SUM(v) FROM TABLE(HOP(TABLE t, DESCRIPTOR(p), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) "
                       "GROUP BY window_start, window_end",
              .rows = rows,
              .settings = {}},
             {R"({"s":"23:59:55","e":"00:00:05","v":1})", R"({"s":"00:00:00","e":"00:00:10","v":3})",
              R"({"s":"00:00:05","e":"00:00:15","v":6})", R"({"s":"00:00:10","e":"00:00:20","v":4})"});
  ExpectRows({.columns = "s STRING, e STRING, v INT",
              .query = std::string("SELECT ") + kBounds +
                       ", SUM(v) FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(p), INTERVAL '5' SECOND, INTERVAL '10' "
                       "SECOND)) GROUP BY window_start, window_end",
              .rows = rows,
              .settings = {}},
             {R"({"s":"00:00:00","e":"00:00:05","v":1})", R"({"s":"00:00:00","e":"00:00:10","v":3})",
              R"({"s":"00:00:10","e":"00:00:15","v":4})", R"({"s":"00:00:10","e":"00:00:20","v":4})"});
}

TEST(ProcessingTime, SessionsOfAKey) {
  ExpectRows(
      {.columns = "k STRING, s STRING, e STRING, n BIGINT",
       .query = std::string("SELECT k, ") + kBounds +
                ", COUNT(*) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(p), INTERVAL '5' SECOND)) "
                "GROUP BY k, window_start, window_end",
       .rows = {"a 1 00:00:01", "+3000", "a 1 00:00:01", "b 1 00:00:01", "+4999", "+1", "b 1 00:00:01", "+60000"},
       .settings = {}},
      {R"({"k":"a","s":"00:00:00","e":"00:00:08","n":2})", R"({"k":"b","s":"00:00:03","e":"00:00:08","n":1})",
       R"({"k":"b","s":"00:00:08","e":"00:00:13","n":1})"});
}

TEST(ProcessingTime, LegacyWindowsAndWindowsOfWindows) {
  const std::vector<std::string> rows = {"a 1 00:00:01", "+5000", "b 2 00:00:01", "+5000", "a 4 00:00:01", "+20000"};
  ExpectRows({.columns = "s STRING, e STRING, v INT",
              .query = "SELECT DATE_FORMAT(TUMBLE_START(p, INTERVAL '10' SECOND), 'ss'), DATE_FORMAT(TUMBLE_END(p, "
                       "INTERVAL '10' SECOND), 'ss'), SUM(v) FROM t GROUP BY TUMBLE(p, INTERVAL '10' SECOND)",
              .rows = rows,
              .settings = {}},
             {R"({"s":"00","e":"10","v":3})", R"({"s":"10","e":"20","v":4})"});
}

TEST(ProcessingTime, WindowsAreThoseOfTheWallInTheSessionsZone) {
  ExpectRows({.columns = "s STRING, e STRING, v INT",
              .query = std::string("SELECT ") + kBounds +
                       ", SUM(v) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(p), INTERVAL '1' HOUR)) GROUP BY window_start, "
                       "window_end",
              .rows = {"a 1 00:00:01", "+1799999", "a 2 00:00:01", "+1", "a 4 00:00:01", "+3600000"},
              .settings = "SET 'table.local-time-zone' = 'Asia/Kolkata';\n"},
             {R"({"s":"05:00:00","e":"06:00:00","v":3})", R"({"s":"06:00:00","e":"07:00:00","v":4})"});
}

TEST(ProcessingTime, WithoutAnAggregateRowsHaveTheWindowOfTheirComing) {
  ExpectRows({.columns = "k STRING, v INT, s STRING, e STRING",
              .query = std::string("SELECT k, v, ") + kBounds +
                       " FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(p), INTERVAL '10' SECOND))",
              .rows = {"a 1 00:00:01", "+10000", "a 2 00:00:01"},
              .settings = {}},
             {R"({"k":"a","v":1,"s":"00:00:00","e":"00:00:10"})", R"({"k":"a","v":2,"s":"00:00:10","e":"00:00:20"})"});
  ExpectRows({.columns = "k STRING, v INT, s STRING, e STRING",
              .query = std::string("SELECT k, v, ") + kBounds +
                       " FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(p), INTERVAL '10' SECOND))",
              .rows = {"a 1 00:00:01", "+5000", "a 2 00:00:01", "+15000", "b 4 00:00:01"},
              .settings = {}},
             {R"({"k":"a","v":1,"s":"00:00:00","e":"00:00:15"})", R"({"k":"a","v":2,"s":"00:00:00","e":"00:00:15"})"});
}

TEST(ProcessingTime, WhatNothingEndsIsRefused) {
  const auto refusal = [](const std::string& query) {
    return RunQuery({.columns = "n BIGINT", .query = query, .rows = {}, .settings = {}}, Disturbance::kNone).at(0);
  };
  const std::string window = "TABLE(TUMBLE(TABLE t, DESCRIPTOR(p), INTERVAL '10' SECOND))";
  EXPECT_THAT(refusal("SELECT COUNT(*) FROM (SELECT window_start AS s, window_end AS e, COUNT(*) AS n FROM " + window +
                      " GROUP BY window_start, window_end, k) GROUP BY s, e"),
              testing::HasSubstr("GROUP BY a window of processing time other than right above it"));
}

}  // namespace
}  // namespace leat::stream
