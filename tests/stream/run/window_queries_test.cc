// Windows by SQL, from the text to the rows.
#include "query_testing.h"

namespace leat::stream {
namespace {

constexpr char kBounds[] = "DATE_FORMAT(window_start, 'HH:mm:ss'), DATE_FORMAT(window_end, 'HH:mm:ss')";

TEST(WindowQueries, CumulateEmitsEachStepOfItsSize) {
  ExpectRows({.columns = "s STRING, e STRING, n BIGINT, v INT",
              .query = std::string("SELECT ") + kBounds +
                       ", COUNT(*), SUM(v) FROM TABLE(CUMULATE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND, "
                       "INTERVAL '30' SECOND)) GROUP BY window_start, window_end",
              .rows = {"a 1 00:00:01", "a 2 00:00:11", "a 4 00:00:31", "a 8 00:00:05", "a 16 00:00:45"},
              .settings = {}},
             {R"({"s":"00:00:00","e":"00:00:10","n":1,"v":1})", R"({"s":"00:00:00","e":"00:00:20","n":2,"v":3})",
              // The late one is in the windows that are still open; a step without rows comes all the same.
              R"({"s":"00:00:00","e":"00:00:30","n":3,"v":11})", R"({"s":"00:00:30","e":"00:00:40","n":1,"v":4})",
              R"({"s":"00:00:30","e":"00:00:50","n":2,"v":20})", R"({"s":"00:00:30","e":"00:01:00","n":2,"v":20})"});
}

TEST(WindowQueries, SessionsMergeWhenTheyTouch) {
  ExpectRows({.columns = "k STRING, s STRING, e STRING, n BIGINT, d BIGINT",
              .query = std::string("SELECT k, ") + kBounds +
                       ", COUNT(*), COUNT(DISTINCT v) FROM TABLE(SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), "
                       "INTERVAL '5' SECOND)) GROUP BY k, window_start, window_end",
              .rows = {"a 1 00:00:10", "b 1 00:00:10", "a 1 00:00:16", "a 2 00:00:13", "b 3 00:00:15", "a 9 00:00:40",
                       "a 9 00:00:01", "b 9 00:00:36"},
              .settings = {}},
             {R"({"k":"b","s":"00:00:10","e":"00:00:20","n":2,"d":2})",
              R"({"k":"a","s":"00:00:10","e":"00:00:21","n":3,"d":2})",
              R"({"k":"b","s":"00:00:36","e":"00:00:41","n":1,"d":1})",
              R"({"k":"a","s":"00:00:40","e":"00:00:45","n":1,"d":1})", "late: 1"});
}

TEST(WindowQueries, SessionWithoutAggregateGivesRowsWhenItEnds) {
  ExpectRows({.columns = "k STRING, v INT, s STRING, e STRING",
              .query = std::string("SELECT k, v, ") + kBounds +
                       " FROM SESSION(TABLE t PARTITION BY (k), DESCRIPTOR(ts), INTERVAL '5' SECOND)",
              .rows = {"a 1 00:00:10", "a 2 00:00:14", "b 3 00:00:11", "a 4 00:00:30"},
              .settings = {}},
             {R"({"k":"b","v":3,"s":"00:00:11","e":"00:00:16"})", R"({"k":"a","v":1,"s":"00:00:10","e":"00:00:19"})",
              R"({"k":"a","v":2,"s":"00:00:10","e":"00:00:19"})", R"({"k":"a","v":4,"s":"00:00:30","e":"00:00:35"})"});
}

TEST(WindowQueries, SessionGroupedByOtherKeysThanItsOwn) {
  ExpectRows({.columns = "k STRING, s STRING, e STRING, n BIGINT",
              .query = std::string("SELECT k, ") + kBounds +
                       ", COUNT(*) FROM TABLE(SESSION(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)) WHERE v > 0 "
                       "GROUP BY window_start, window_end, k",
              .rows = {"a 1 00:00:10", "b 0 00:00:14", "a 3 00:00:18", "b 4 00:00:30"},
              .settings = {}},
             // One session for all keys, and the row that the condition drops holds it together.
             {R"({"k":"a","s":"00:00:10","e":"00:00:23","n":2})", R"({"k":"b","s":"00:00:30","e":"00:00:35","n":1})"});
}

TEST(WindowQueries, LegacyWindowsInGroupBy) {
  const std::vector<std::string> rows = {"a 1 00:00:01", "b 2 00:00:02", "a 3 00:00:06", "a 5 00:00:21"};
  ExpectRows({.columns = "k STRING, s STRING, e STRING, r TIMESTAMP(3), n INT",
              .query = "SELECT k, DATE_FORMAT(TUMBLE_START(ts, INTERVAL '5' SECOND), 'ss'), "
                       "DATE_FORMAT(TUMBLE_END(ts, INTERVAL '5' SECOND), 'ss'), TUMBLE_ROWTIME(ts, INTERVAL '5' "
                       "SECOND), SUM(v) FROM t GROUP BY k, TUMBLE(ts, INTERVAL '5' SECOND)",
              .rows = rows,
              .settings = {}},
             {R"({"k":"a","s":"00","e":"05","r":"2024-01-01 00:00:04.999","n":1})",
              R"({"k":"b","s":"00","e":"05","r":"2024-01-01 00:00:04.999","n":2})",
              R"({"k":"a","s":"05","e":"10","r":"2024-01-01 00:00:09.999","n":3})",
              R"({"k":"a","s":"20","e":"25","r":"2024-01-01 00:00:24.999","n":5})"});
  ExpectRows({.columns = "e STRING, n INT",
              .query = "SELECT DATE_FORMAT(HOP_END(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND), 'ss'), SUM(v) FROM "
                       "t GROUP BY HOP(ts, INTERVAL '5' SECOND, INTERVAL '10' SECOND) HAVING SUM(v) > 3",
              .rows = rows,
              .settings = {}},
             {R"({"e":"10","n":6})", R"({"e":"25","n":5})", R"({"e":"30","n":5})"});
  ExpectRows({.columns = "k STRING, s STRING, e STRING, n BIGINT",
              .query = "SELECT UPPER(k), DATE_FORMAT(SESSION_START(ts, INTERVAL '5' SECOND), 'ss'), "
                       "DATE_FORMAT(SESSION_END(ts, INTERVAL '5' SECOND), 'ss'), COUNT(*) FROM t WHERE v <> 2 GROUP BY "
                       "SESSION(ts, INTERVAL '5' SECOND), UPPER(k)",
              .rows = rows,
              .settings = {}},
             {R"({"k":"A","s":"01","e":"11","n":2})", R"({"k":"A","s":"21","e":"26","n":1})"});
}

TEST(WindowQueries, AnAggregateOverTheWindowsOfAnother) {
  const std::string inner =
      "SELECT k, window_start, window_end, window_time, SUM(v) AS v FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), "
      "INTERVAL '5' SECOND)) GROUP BY k, window_start, window_end, window_time";
  const std::vector<std::string> rows = {"a 1 00:00:01", "b 2 00:00:02", "a 3 00:00:06", "a 5 00:00:21"};
  ExpectRows({.columns = "e STRING, most INT, n BIGINT",
              .query = "SELECT DATE_FORMAT(window_end, 'ss'), MAX(v), COUNT(*) FROM (" + inner +
                       ") GROUP BY window_start, window_end",
              .rows = rows,
              .settings = {}},
             {R"({"e":"05","most":2,"n":2})", R"({"e":"10","most":3,"n":1})", R"({"e":"25","most":5,"n":1})"});
  ExpectRows({.columns = "e STRING, v INT",
              .query = "WITH w AS (SELECT v, window_time AS r FROM (" + inner +
                       ")) SELECT DATE_FORMAT(window_end, 'ss'), SUM(v) FROM TABLE(TUMBLE(TABLE w, DESCRIPTOR(r), "
                       "INTERVAL '10' SECOND)) GROUP BY window_start, window_end",
              .rows = rows,
              .settings = {}},
             {R"({"e":"10","v":6})", R"({"e":"30","v":5})"});
}

TEST(WindowQueries, GroupingSetsWithAndWithoutAWindow) {
  const std::vector<std::string> rows = {"a 1 00:00:01", "b 2 00:00:02", "a 3 00:00:06"};
  ExpectRows({.columns = "e STRING, k STRING, v INT, g BIGINT, n INT",
              .query = "SELECT DATE_FORMAT(window_end, 'ss'), k, v, GROUPING_ID(k, v), SUM(v) FROM "
                       "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY window_start, window_end, "
                       "GROUPING SETS ((k, v), (k), ()) HAVING GROUPING(k) = 1 OR GROUPING(v) = 0",
              .rows = rows,
              .settings = {}},
             {R"({"e":"05","k":null,"v":null,"g":3,"n":3})", R"({"e":"05","k":"a","v":1,"g":0,"n":1})",
              R"({"e":"05","k":"b","v":2,"g":0,"n":2})", R"({"e":"10","k":null,"v":null,"g":3,"n":3})",
              R"({"e":"10","k":"a","v":3,"g":0,"n":3})"});
  ExpectRows({.columns = "k STRING, n BIGINT, v INT",
              .query = "SELECT k, COUNT(*), MAX(v) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) "
                       "GROUP BY ROLLUP(k), window_start, window_end",
              .rows = rows,
              .settings = {}},
             {R"({"k":null,"n":3,"v":3})", R"({"k":"a","n":2,"v":3})", R"({"k":"b","n":1,"v":2})"});
}

}  // namespace
}  // namespace leat::stream
