// Aggregates that keep values, and those of variance, by SQL: over rows that only come, in windows, in OVER, and over
// rows that are taken back. The figures of the variances are those of Flink 2.2.1.
#include "query_testing.h"

namespace leat::stream {
namespace {

using testing::ElementsAre;

TEST(AggregateQueries, VarianceIsComputedInTheTypeOfTheArgument) {
  ExpectRows(
      {.columns = "a INT, b INT, c DOUBLE, d DECIMAL(38, 6), e DECIMAL(38, 6), f BIGINT, g BIGINT",
       .query = "SELECT STDDEV_POP(v), VARIANCE(v), VAR_POP(CAST(v AS DOUBLE) / 4), STDDEV_SAMP(CAST(v / 4.0 AS "
                "DECIMAL(10, 2))), VAR_POP(CAST(v / 4.0 AS DECIMAL(10, 2))), VAR_SAMP(CAST(v AS BIGINT)), "
                "STDDEV(CAST(v AS BIGINT)) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY "
                "window_start, window_end",
       .rows = {"a 1 00:00:01", "a 5 00:00:02", "a NULL 00:00:03", "a 12 00:00:04", "b 7 00:01:01"},
       .settings = {}},
      {R"({"a":4,"b":31,"c":1.2916666666666667,"d":1.391941,"e":1.291667,"f":31,"g":5})",
       R"({"a":0,"b":null,"c":0.0,"d":null,"e":0.000000,"f":null,"g":null})"});
}

TEST(AggregateQueries, IntegersWrapAsOnFlink) {
  ExpectRows({.columns = "a INT, b INT",
              .query = "SELECT VAR_POP(v), VAR_SAMP(v) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '2' "
                       "SECOND)) GROUP BY window_start, window_end",
              .rows = {"a 2000000 00:00:00", "a 2000001 00:00:01", "a 2000000 00:00:02", "a 2000001 00:00:02",
                       "a 2000005 00:00:03"},
              .settings = {}},
             {R"({"a":-1073741823,"b":-2147483647})", R"({"a":4,"b":7})"});
}

TEST(AggregateQueries, WindowsKeepTheValuesInTheOrderOfTheirComing) {
  ExpectRows(
      {.columns = "k STRING, l STRING, d STRING, c MULTISET<STRING>, a ARRAY<INT>, i ARRAY<INT>, j STRING, o STRING, f "
                  "INT, z INT, n BIGINT",
       .query = "SELECT k, LISTAGG(CAST(v AS STRING), '-'), LISTAGG(DISTINCT CAST(v AS STRING)), COLLECT(CAST(v AS "
                "STRING)), ARRAY_AGG(v), ARRAY_AGG(DISTINCT v IGNORE NULLS), JSON_ARRAYAGG(v NULL ON NULL), "
                "JSON_OBJECTAGG(DATE_FORMAT(ts, 'ss') VALUE v), FIRST_VALUE(v), LAST_VALUE(v), COUNT(k, v) FROM "
                "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY k, window_start, window_end",
       .rows = {"a 3 00:00:05", "b NULL 00:00:06", "a NULL 00:00:04", "a 1 00:00:07", "a 3 00:00:06"},
       .settings = {}},
      {R"({"k":"a","l":"3-1-3","d":"3,1","c":{"1":1,"3":2},"a":[3,null,1,3],"i":[3,1],"j":"[3,null,1,3]",)"
       R"("o":"{\"04\":null,\"05\":3,\"06\":3,\"07\":1}","f":3,"z":3,"n":3})",
       R"({"k":"b","l":null,"d":null,"c":{},"a":[null],"i":null,"j":"[null]","o":"{\"06\":null}","f":null,"z":null,"n":0})"});
}

TEST(AggregateQueries, SlicesAndSessionsAreMerged) {
  const std::vector<std::string> rows = {"a 1 00:00:01", "a 2 00:00:03", "a 2 00:00:02", "a 4 00:00:09"};
  ExpectRows(
      {.columns = "w TIMESTAMP(3), l STRING, d STRING, c MULTISET<STRING>, s INT",
       .query =
           "SELECT window_end, LISTAGG(CAST(v AS STRING)), LISTAGG(DISTINCT CAST(v AS STRING)), COLLECT(CAST(v AS "
           "STRING)), "
           "VAR_POP(v) FROM TABLE(HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '4' SECOND)) GROUP BY "
           "window_start, window_end",
       .rows = rows,
       .settings = {}},
      {R"({"w":"2024-01-01 00:00:02","l":"1","d":"1","c":{"1":1},"s":0})",
       R"({"w":"2024-01-01 00:00:04","l":"1,2,2","d":"1,2","c":{"1":1,"2":2},"s":0})",
       R"({"w":"2024-01-01 00:00:06","l":"2,2","d":"2","c":{"2":2},"s":0})",
       R"({"w":"2024-01-01 00:00:10","l":"4","d":"4","c":{"4":1},"s":0})",
       R"({"w":"2024-01-01 00:00:12","l":"4","d":"4","c":{"4":1},"s":0})"});
  ExpectRows({.columns = "l STRING, a ARRAY<INT>",
              .query = "SELECT LISTAGG(CAST(v AS STRING)), ARRAY_AGG(DISTINCT v) FROM TABLE(SESSION(TABLE t, "
                       "DESCRIPTOR(ts), INTERVAL '3' SECOND)) GROUP BY window_start, window_end",
              .rows = rows,
              .settings = {}},
             {R"({"l":"1,2,2","a":[1,2]})", R"({"l":"4","a":[4]})"});
}

TEST(AggregateQueries, OverTakesThemToo) {
  ExpectRows(
      {.columns = "v INT, l STRING, a ARRAY<INT>, s DOUBLE",
       .query = "SELECT v, LISTAGG(CAST(v AS STRING)) OVER w, ARRAY_AGG(v) OVER w, VAR_POP(CAST(v AS DOUBLE)) OVER w "
                "FROM t WINDOW w AS (PARTITION BY k ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
       .rows = {"a 1 00:00:01", "a 2 00:00:02", "a 4 00:00:03"},
       .settings = {}},
      {R"({"v":1,"l":"1","a":[1],"s":0.0})", R"({"v":2,"l":"1,2","a":[1,2],"s":0.25})",
       R"({"v":4,"l":"2,4","a":[2,4],"s":1.0})"});
}

// Rows of an upsert table that are taken back: "key value" of what is written.
std::vector<std::string> RunOverChanges(const std::string& query, const std::string& columns, bool crash) {
  const std::string sql =
      "CREATE TABLE u (id STRING, g STRING, v INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', "
      "'topic' = 'u', 'key.format' = 'raw', 'value.format' = 'json');"
      "CREATE TABLE o (" +
      columns +
      ", PRIMARY KEY (g) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'raw', "
      "'value.format' = 'json'); INSERT INTO o " +
      query;
  auto driver = TestDriver::Create(sql, {});
  if (!driver.ok()) return {std::string(driver.status().message())};
  const auto put = [&](const std::string& id, std::optional<std::string> value) {
    EXPECT_TRUE((*driver)->Insert("u", {.key = id, .value = std::move(value)}).ok());
    if (!crash) return;
    EXPECT_TRUE((*driver)->Checkpoint().ok());
    EXPECT_TRUE((*driver)->Crash().ok());
  };
  put("1", R"({"id":"1","g":"x","v":5})");
  put("2", R"({"id":"2","g":"x","v":7})");
  put("3", R"({"id":"3","g":"x","v":5})");
  put("1", R"({"id":"1","g":"x","v":9})");
  put("2", std::nullopt);
  put("3", R"({"id":"3","g":"y","v":1})");
  put("1", std::nullopt);
  std::vector<std::string> lines;
  for (const TestRecord& record : (*driver)->Take("o")) lines.push_back(record.value.value_or("-"));
  return lines;
}

TEST(AggregateQueries, ValuesThatAreTakenBackLeaveTheListAtTheirFirstPlace) {
  for (const bool crash : {false, true}) {
    EXPECT_THAT(
        RunOverChanges("SELECT g, FIRST_VALUE(v), LAST_VALUE(v), ARRAY_AGG(v), LISTAGG(DISTINCT CAST(v AS STRING)), "
                       "COLLECT(CAST(v AS STRING)), VAR_POP(v) FROM u GROUP BY g",
                       "g STRING, f INT, l INT, a ARRAY<INT>, d STRING, c MULTISET<STRING>, s INT", crash),
        ElementsAre(R"({"g":"x","f":5,"l":5,"a":[5],"d":"5","c":{"5":1},"s":0})",
                    R"({"g":"x","f":5,"l":7,"a":[5,7],"d":"5,7","c":{"5":1,"7":1},"s":1})",
                    R"({"g":"x","f":5,"l":5,"a":[5,7,5],"d":"5,7","c":{"5":2,"7":1},"s":1})",
                    R"({"g":"x","f":7,"l":5,"a":[7,5],"d":"5,7","c":{"5":1,"7":1},"s":1})",
                    R"({"g":"x","f":7,"l":9,"a":[7,5,9],"d":"5,7,9","c":{"5":1,"7":1,"9":1},"s":2})",
                    R"({"g":"x","f":5,"l":9,"a":[5,9],"d":"5,9","c":{"5":1,"9":1},"s":4})",
                    R"({"g":"x","f":9,"l":9,"a":[9],"d":"9","c":{"9":1},"s":0})",
                    R"({"g":"y","f":1,"l":1,"a":[1],"d":"1","c":{"1":1},"s":0})", "-"))
        << crash;
  }
}

TEST(AggregateQueries, ANameThatAJsonObjectHasAlreadyIsADeadLetter) {
  const std::vector<std::string> lines =
      RunQuery({.columns = "o STRING",
                .query = "SELECT JSON_OBJECTAGG(k VALUE v) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' "
                         "SECOND)) GROUP BY window_start, window_end",
                .rows = {"b 1 00:00:01", "a NULL 00:00:02", "b 2 00:00:03"},
                .settings = {}},
               Disturbance::kNone);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], R"({"o":"{\"a\":null,\"b\":1}"})");
  EXPECT_TRUE(lines[1].starts_with("dead: ")) << lines[1];
}

// With a TTL a result that stays the same is put out all the same, and a group that was not written for so long is new.
TEST(AggregateQueries, GroupsAreForgottenBehindTheirTimeToLive) {
  const auto run = [](const std::string& settings, const std::string& hint) {
    const std::string sql =
        settings +
        "CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', "
        "'scan.startup.mode' = 'earliest-offset');"
        "CREATE TABLE o (k STRING, m INT, d BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', "
        "'topic' = 'o', 'key.format' = 'raw', 'value.format' = 'json');"
        "INSERT INTO o SELECT " +
        hint + " k, MAX(v), COUNT(DISTINCT v) FROM t GROUP BY k;";
    auto driver = TestDriver::Create(sql, {});
    EXPECT_TRUE(driver.ok()) << driver.status();
    const auto put = [&](const std::string& value) {
      EXPECT_TRUE((*driver)->Insert("t", {.key = {}, .value = value}).ok());
      EXPECT_TRUE((*driver)->Checkpoint().ok());
      EXPECT_TRUE((*driver)->Crash().ok());
    };
    put(R"({"k":"a","v":5})");
    put(R"({"k":"a","v":5})");
    (*driver)->AdvanceClock(9'000);
    put(R"({"k":"a","v":3})");
    (*driver)->AdvanceClock(9'000);
    put(R"({"k":"a","v":4})");
    (*driver)->AdvanceClock(20'000);
    put(R"({"k":"a","v":2})");
    std::vector<std::string> lines;
    for (const TestRecord& record : (*driver)->Take("o")) lines.push_back(record.value.value_or("-"));
    return lines;
  };
  const std::vector<std::string> forgotten = {R"({"k":"a","m":5,"d":1})", R"({"k":"a","m":5,"d":1})",
                                              R"({"k":"a","m":5,"d":2})", R"({"k":"a","m":5,"d":3})",
                                              R"({"k":"a","m":2,"d":1})"};
  EXPECT_EQ(run("SET 'table.exec.state.ttl' = '10 s';", ""), forgotten);
  EXPECT_EQ(run("", "/*+ STATE_TTL('t' = '10 s') */"), forgotten);
  EXPECT_EQ(run("", "/*+ STATE_TTL('other' = '10 s') */"),
            (std::vector<std::string>{R"({"k":"a","m":5,"d":1})", R"({"k":"a","m":5,"d":2})",
                                      R"({"k":"a","m":5,"d":3})", R"({"k":"a","m":5,"d":4})"}));
}

}  // namespace
}  // namespace leat::stream
