// OVER, Top-N, deduplication and ORDER BY by SQL, from the text to the rows.
#include "query_testing.h"

namespace leat::stream {
namespace {

TEST(OverQueries, RangeGivesRowsOfOneTimeTheSameValueAndRowsDoesNot) {
  const std::vector<std::string> rows = {"a 1 00:00:01", "a 2 00:00:01",  "b 9 00:00:01", "a 4 00:00:05",
                                         "a 8 00:00:04", "a 16 00:00:12", "a 99 00:00:02"};
  ExpectRows({.columns = "k STRING, v INT, n INT, m INT, c BIGINT",
              .query = "SELECT k, v, SUM(v) OVER w, MAX(v) OVER w, COUNT(*) OVER w FROM t WINDOW w AS (PARTITION BY k "
                       "ORDER BY ts)",
              .rows = rows,
              .settings = {}},
             {R"({"k":"a","v":1,"n":3,"m":2,"c":2})", R"({"k":"a","v":2,"n":3,"m":2,"c":2})",
              R"({"k":"b","v":9,"n":9,"m":9,"c":1})", R"({"k":"a","v":8,"n":11,"m":8,"c":3})",
              R"({"k":"a","v":4,"n":15,"m":8,"c":4})", R"({"k":"a","v":16,"n":31,"m":16,"c":5})", "late: 1"});
  ExpectRows({.columns = "k STRING, v INT, n INT",
              .query = "SELECT k, v, SUM(v) OVER (PARTITION BY k ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) "
                       "FROM t",
              .rows = rows,
              .settings = {}},
             {R"({"k":"a","v":1,"n":1})", R"({"k":"a","v":2,"n":3})", R"({"k":"b","v":9,"n":9})",
              R"({"k":"a","v":8,"n":10})", R"({"k":"a","v":4,"n":12})", R"({"k":"a","v":16,"n":20})", "late: 1"});
  ExpectRows(
      {.columns = "k STRING, v INT, n INT, d BIGINT",
       .query = "SELECT k, v, SUM(v) OVER w, COUNT(DISTINCT v) OVER w FROM t WINDOW w AS (PARTITION BY k ORDER BY "
                "ts RANGE BETWEEN INTERVAL '4' SECOND PRECEDING AND CURRENT ROW)",
       .rows = rows,
       .settings = {}},
      {R"({"k":"a","v":1,"n":3,"d":2})", R"({"k":"a","v":2,"n":3,"d":2})", R"({"k":"b","v":9,"n":9,"d":1})",
       R"({"k":"a","v":8,"n":11,"d":3})", R"({"k":"a","v":4,"n":15,"d":4})",
       // To a bounded frame a row is late that is behind its key's last, as long as that is remembered.
       R"({"k":"a","v":16,"n":16,"d":1})", "late: 1"});
}

TEST(OverQueries, FunctionsOfTheirOwn) {
  ExpectRows(
      {.columns = "k STRING, v INT, f INT, l INT, p INT, q INT",
       .query = "SELECT k, v, FIRST_VALUE(v) OVER w, LAST_VALUE(v) OVER w, LAG(v) OVER w, LAG(v, 2, 0) OVER w FROM t "
                "WINDOW w AS (PARTITION BY k ORDER BY ts)",
       .rows = {"a NULL 00:00:01", "a 2 00:00:02", "a 3 00:00:03", "b 7 00:00:04"},
       .settings = {}},
      {R"({"k":"a","v":null,"f":null,"l":null,"p":null,"q":0})", R"({"k":"a","v":2,"f":2,"l":2,"p":null,"q":0})",
       R"({"k":"a","v":3,"f":2,"l":3,"p":2,"q":null})", R"({"k":"b","v":7,"f":7,"l":7,"p":null,"q":0})"});
  ExpectRows({.columns = "k STRING, v INT, c BIGINT, n BIGINT",
              .query = "SELECT k, v, COUNT(*) OVER (PARTITION BY k ORDER BY ts ROWS UNBOUNDED PRECEDING), ROW_NUMBER() "
                       "OVER (PARTITION BY k ORDER BY ts) FROM t",
              .rows = {"a 1 00:00:01", "a 2 00:00:01"},
              .settings = {}},
             {R"({"k":"a","v":1,"c":1,"n":1})", R"({"k":"a","v":2,"c":2,"n":2})"});
}

TEST(OverQueries, OrderByTimeSortsWhatComesOutOfOrder) {
  const std::vector<std::string> rows = {"a 1 00:00:05", "b 2 00:00:04", "c 3 00:00:05", "d 4 00:00:09",
                                         "e 5 00:00:01"};
  ExpectRows(
      {.columns = "k STRING, v INT, ts TIMESTAMP(3)",
       .query = "SELECT k, v, ts FROM t ORDER BY ts, v DESC",
       .rows = rows,
       .settings = {}},
      {R"({"k":"b","v":2,"ts":"2024-01-01 00:00:04"})", R"({"k":"c","v":3,"ts":"2024-01-01 00:00:05"})",
       R"({"k":"a","v":1,"ts":"2024-01-01 00:00:05"})", R"({"k":"d","v":4,"ts":"2024-01-01 00:00:09"})", "late: 1"});
  // The order of a sub-query means nothing to the query around it, and costs it no row.
  ExpectRows(
      {.columns = "k STRING", .query = "SELECT k FROM (SELECT * FROM t ORDER BY ts)", .rows = rows, .settings = {}},
      {R"({"k":"a"})", R"({"k":"b"})", R"({"k":"c"})", R"({"k":"d"})", R"({"k":"e"})"});
}

TEST(OverQueries, WindowTopNAndDeduplicationComeOnceWithTheWindow) {
  const std::vector<std::string> rows = {"a 1 00:00:01", "b 5 00:00:02", "a 3 00:00:03",
                                         "c 4 00:00:04", "c 7 00:00:04", "b 6 00:00:11"};
  ExpectRows(
      {.columns = "k STRING, v INT, n BIGINT",
       .query = "SELECT k, v, rn FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY "
                "v DESC) AS rn FROM (SELECT k, window_start, window_end, SUM(v) AS v FROM TABLE(TUMBLE(TABLE t, "
                "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end)) WHERE rn <= 2",
       .rows = rows,
       .settings = {}},
      {R"({"k":"c","v":11,"n":1})", R"({"k":"b","v":5,"n":2})", R"({"k":"b","v":6,"n":1})"});
  ExpectRows(
      {.columns = "k STRING, v INT",
       .query = "SELECT k, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, k ORDER BY "
                "window_time DESC) AS rn FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND))) "
                "WHERE rn = 1 AND v > 3",
       .rows = rows,
       .settings = {}},
      {R"({"k":"b","v":5})", R"({"k":"c","v":7})", R"({"k":"b","v":6})"});
  ExpectRows(
      {.columns = "k STRING, n BIGINT",
       .query = "SELECT k, n FROM (SELECT k, COUNT(*) AS n, ROW_NUMBER() OVER (PARTITION BY window_start, "
                "window_end ORDER BY COUNT(*) DESC, k) AS rn FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL "
                "'10' SECOND)) GROUP BY k, window_start, window_end) WHERE 2 > rn",
       .rows = rows,
       .settings = {}},
      {R"({"k":"a","n":2})", R"({"k":"b","n":1})"});
}

TEST(OverQueries, LimitTakesTheFirstThatCome) {
  const QueryCase query{.columns = "k STRING, v INT",
                        .query = "SELECT k, v FROM t LIMIT 2 OFFSET 1",
                        .rows = {"a 1 00:00:05", "b 2 00:00:04", "c 3 00:00:05", "d 4 00:00:09"},
                        .settings = {}};
  ExpectRows(query, {R"({"k":"b","v":2})", R"({"k":"c","v":3})"});
}

TEST(OverQueries, ProcessingTimeDeduplicationKeepsTheFirst) {
  ExpectRows(
      {.columns = "k STRING, v INT",
       .query = "SELECT k, v FROM (SELECT k, v, ROW_NUMBER() OVER (PARTITION BY k ORDER BY p) AS rn FROM (SELECT "
                "k, v, PROCTIME() AS p FROM t)) WHERE rn = 1",
       .rows = {"a 1 00:00:05", "b 2 00:00:04", "a 3 00:00:05", "b 4 00:00:09", "c 5 00:00:01"},
       .settings = {}},
      {R"({"k":"a","v":1})", R"({"k":"b","v":2})", R"({"k":"c","v":5})"});
}

}  // namespace
}  // namespace leat::stream
