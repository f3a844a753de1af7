// MATCH_RECOGNIZE by SQL, from the text to the rows. Flink's own answers are in tests/golden/flink/match*.txt.
#include "query_testing.h"

namespace leat::stream {
namespace {

TEST(MatchQueries, ASmallChargeAndThenALargeOneOnTheSameCard) {
  ExpectRows(
      {.columns = "k STRING, tried INT, taken INT, at_time TIMESTAMP(3)",
       .query = "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.v AS tried, B.v AS taken, "
                "MATCH_ROWTIME() AS at_time ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW PATTERN (A B) "
                "WITHIN INTERVAL '1' MINUTE DEFINE A AS A.v < 1, B AS B.v > 500) AS m",
       .rows = {"a 0 00:00:01", "b 0 00:00:02", "a 700 00:00:03", "b 7 00:00:04", "b 900 00:00:05", "c 0 00:00:06",
                "d 0 00:00:07", "a 0 00:00:02", "c 501 00:01:06", "d 501 00:01:06.999", "a 600 00:01:10",
                "e 1 00:02:00"},
       .settings = {}},
      {R"({"k":"a","tried":0,"taken":700,"at_time":"2024-01-01 00:00:03"})",
       R"({"k":"d","tried":0,"taken":501,"at_time":"2024-01-01 00:01:06.999"})", "late: 1"});
}

TEST(MatchQueries, AFallAndARiseWithWhatIsBetween) {
  ExpectRows(
      {.columns = "k STRING, top INT, bottom INT, falls BIGINT, end_value INT",
       .query = "SELECT k, top, bottom, falls, end_value FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts "
                "MEASURES Start_.v AS top, LAST(Down.v) AS bottom, COUNT(Down.v) AS falls, Up.v AS end_value "
                "AFTER MATCH SKIP TO LAST Up PATTERN (Start_ Down+ Up) DEFINE Down AS (LAST(Down.v, 1) IS NULL "
                "AND Down.v < Start_.v) OR Down.v < LAST(Down.v, 1), Up AS Up.v > LAST(Down.v))",
       .rows = {"a 12 00:00:01", "a 17 00:00:02", "a 13 00:00:03", "b 5 00:00:03", "a 11 00:00:04", "a 20 00:00:05",
                "b 4 00:00:05", "a 15 00:00:07", "a 14 00:00:06", "b 6 00:00:08", "a 16 00:00:09"},
       .settings = {}},
      {R"({"k":"a","top":17,"bottom":11,"falls":2,"end_value":20})",
       R"({"k":"a","top":20,"bottom":14,"falls":1,"end_value":15})",
       R"({"k":"b","top":5,"bottom":4,"falls":1,"end_value":6})"});
}

TEST(MatchQueries, AWindowOverTheMatches) {
  ExpectRows(
      {.columns = "k STRING, window_end TIMESTAMP(3), n BIGINT",
       .query = "WITH m AS (SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES MATCH_ROWTIME() "
                "AS mt PATTERN (A B) DEFINE A AS A.v = 1, B AS B.v > 1)) "
                "SELECT k, window_end, COUNT(*) FROM TABLE(TUMBLE(TABLE m, DESCRIPTOR(mt), INTERVAL '10' "
                "SECOND)) GROUP BY k, window_start, window_end",
       .rows = {"a 1 00:00:01", "a 2 00:00:02", "a 1 00:00:03", "a 4 00:00:08", "b 1 00:00:09", "a 1 00:00:11",
                "b 9 00:00:12", "a 3 00:00:14", "a 3 00:00:30"},
       .settings = {}},
      {R"({"k":"a","window_end":"2024-01-01 00:00:10","n":2})", R"({"k":"a","window_end":"2024-01-01 00:00:20","n":1})",
       R"({"k":"b","window_end":"2024-01-01 00:00:20","n":1})"});
}

TEST(MatchQueries, AnExpressionThatFailsTakesItsRowAway) {
  const QueryCase query{.columns = "k STRING, x INT, y INT",
                        .query =
                            "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.v AS x, B.v AS "
                            "y PATTERN (A B) DEFINE A AS A.v >= 0, B AS 10 / B.v > 1)",
                        .rows = {"a 1 00:00:01", "a 0 00:00:02", "a 2 00:00:03"},
                        .settings = {}};
  const std::vector<std::string> lines = RunQuery(query, Disturbance::kNone);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], R"({"k":"a","x":1,"y":2})");
  EXPECT_EQ(lines[1], "dead: +I[0]");
}

TEST(MatchQueries, ASkipThatLeadsNowhereIsADeadLetter) {
  const QueryCase query{.columns = "k STRING, x INT, y INT",
                        .query =
                            "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts MEASURES A.v AS x, B.v AS "
                            "y AFTER MATCH SKIP TO LAST C PATTERN (A C? B) DEFINE A AS A.v < 5, C AS C.v = 7, B AS "
                            "B.v > 7)",
                        .rows = {"a 1 00:00:01", "a 9 00:00:02", "a 2 00:00:03", "a 7 00:00:04", "a 8 00:00:05"},
                        .settings = {}};
  const std::vector<std::string> lines = RunQuery(query, Disturbance::kNone);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], R"({"k":"a","x":2,"y":8})");
  EXPECT_EQ(lines[1], "dead: +I[9]");
}

TEST(MatchQueries, ByProcessingTimeRowsAreTakenAsTheyCome) {
  const QueryCase query{.columns = "k STRING, x INT, y INT",
                        .query =
                            "SELECT * FROM (SELECT k, v, PROCTIME() AS p FROM t) MATCH_RECOGNIZE (PARTITION BY k "
                            "ORDER BY p MEASURES A.v AS x, B.v AS y AFTER MATCH SKIP PAST LAST ROW PATTERN (A B) "
                            "WITHIN INTERVAL '1' HOUR DEFINE A AS A.v < 5, B AS B.v > A.v)",
                        .rows = {"a 1 00:00:09", "a 9 00:00:02", "b 2 00:00:03", "a 2 00:00:04", "b 8 00:00:05"},
                        .settings = {}};
  ExpectRows(query, {R"({"k":"a","x":1,"y":9})", R"({"k":"b","x":2,"y":8})"});
}

}  // namespace
}  // namespace leat::stream
