// UNNEST, LATERAL, USING, sub-queries as values and set operations with ALL, by SQL.
#include <map>

#include "query_testing.h"

namespace leat::stream {
namespace {

TEST(LateralQueries, UnnestGivesARowForEachValue) {
  const std::vector<std::string> rows = {"a-b 1 00:00:01", "c 2 00:00:02", "NULL 3 00:00:03"};
  ExpectRows({.columns = "v INT, x STRING",
              .query = "SELECT v, x FROM t CROSS JOIN UNNEST(SPLIT(k, '-')) AS u (x)",
              .rows = rows,
              .settings = {}},
             {R"({"v":1,"x":"a"})", R"({"v":1,"x":"b"})", R"({"v":2,"x":"c"})"});
  ExpectRows({.columns = "v INT, x STRING, n INT",
              .query = "SELECT v, x, n FROM t LEFT JOIN UNNEST(SPLIT(k, '-')) WITH ORDINALITY AS u (x, n) ON TRUE",
              .rows = rows,
              .settings = {}},
             {R"({"v":1,"x":"a","n":1})", R"({"v":1,"x":"b","n":2})", R"({"v":2,"x":"c","n":1})",
              R"({"v":3,"x":null,"n":null})"});
  ExpectRows({.columns = "v INT, x STRING",
              .query = "SELECT t.v, x FROM t, UNNEST(SPLIT(k, '-')) AS x WHERE x <> 'a' AND v < 3",
              .rows = rows,
              .settings = {}},
             {R"({"v":1,"x":"b"})", R"({"v":2,"x":"c"})"});
}

TEST(LateralQueries, UnnestTakesMapsRowsAndMultisets) {
  const std::vector<std::string> rows = {"a 1 00:00:01", "b 2 00:00:02", "a 3 00:00:03"};
  ExpectRows({.columns = "k STRING, x STRING, y INT",
              .query = "SELECT k, `KEY`, `VALUE` FROM t, UNNEST(MAP['one', v, 'two', v + 1]) WHERE v < 2",
              .rows = rows,
              .settings = {}},
             {R"({"k":"a","x":"one","y":1})", R"({"k":"a","x":"two","y":2})"});
  ExpectRows(
      {.columns = "k STRING, x INT, y STRING, n INT",
       .query = "SELECT k, u.x, u.y, n FROM t CROSS JOIN UNNEST(ARRAY[ROW(v, 'p'), ROW(v * 2, k)]) WITH ORDINALITY "
                "AS u (x, y, n) WHERE u.x > 2",
       .rows = rows,
       .settings = {}},
      {R"({"k":"b","x":4,"y":"b","n":2})", R"({"k":"a","x":3,"y":"p","n":1})", R"({"k":"a","x":6,"y":"a","n":2})"});
  ExpectRows(
      {.columns = "w TIMESTAMP(3), x STRING",
       .query = "SELECT w, x FROM (SELECT window_end AS w, COLLECT(k) AS c FROM TABLE(TUMBLE(TABLE t, "
                "DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY window_start, window_end) CROSS JOIN UNNEST(c) AS "
                "u (x)",
       .rows = rows,
       .settings = {}},
      {R"({"w":"2024-01-01 00:00:10","x":"a"})", R"({"w":"2024-01-01 00:00:10","x":"a"})",
       R"({"w":"2024-01-01 00:00:10","x":"b"})"});
}

// The values of o by their key at the end: what a reader of an upsert topic holds.
std::vector<std::string> LastOf(TestDriver& driver) {
  std::map<std::string, std::string> held;
  for (const TestRecord& record : driver.Take("o")) {
    if (record.value) {
      held[*record.key] = *record.value;
    } else {
      held.erase(*record.key);
    }
  }
  std::vector<std::string> lines;
  for (const auto& [key, value] : held) lines.push_back(value);
  return lines;
}

struct Tables {
  std::string query;
  std::string columns;                                    // of o, whose key is id
  std::vector<std::pair<std::string, std::string>> rows;  // "a" or "b", and "id v", "id -" for a delete
};

std::vector<std::string> RunTables(const Tables& tables, bool crash) {
  std::string sql;
  for (const std::string name : {"a", "b"}) {
    sql += "CREATE TABLE " + name + " (id STRING, k STRING, " + (name == "a" ? "v" : "w") +
           " INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = '" + name +
           "', 'key.format' = 'raw', 'value.format' = 'json');";
  }
  sql += "CREATE TABLE o (" + tables.columns +
         ", PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'o', 'key.format' = 'raw', "
         "'value.format' = 'json'); INSERT INTO o " +
         tables.query;
  auto driver = TestDriver::Create(sql, {});
  if (!driver.ok()) return {std::string(driver.status().message())};
  for (const auto& [table, row] : tables.rows) {
    const std::string id = row.substr(0, row.find(' '));
    const std::string rest = row.substr(row.find(' ') + 1);
    std::optional<std::string> value;
    if (rest != "-") {
      value = R"({"id":")" + id + R"(","k":")" + rest.substr(0, rest.find(' ')) + R"(",")" +
              (table == "a" ? "v" : "w") + R"(":)" + rest.substr(rest.find(' ') + 1) + "}";
    }
    EXPECT_TRUE((*driver)->Insert(table, {.key = id, .value = value}).ok());
    if (!crash) continue;
    EXPECT_TRUE((*driver)->Checkpoint().ok());
    EXPECT_TRUE((*driver)->Crash().ok());
  }
  return LastOf(**driver);
}

void ExpectTables(const Tables& tables, const std::vector<std::string>& expected) {
  for (const bool crash : {false, true}) EXPECT_EQ(RunTables(tables, crash), expected) << tables.query << crash;
}

const std::vector<std::pair<std::string, std::string>> kRows = {{"a", "1 x 5"}, {"b", "7 x 3"}, {"b", "8 x 4"},
                                                                {"a", "2 y 6"}, {"b", "9 z 1"}, {"b", "7 x 10"},
                                                                {"b", "8 -"},   {"a", "3 q 8"}};

TEST(LateralQueries, ASubQueryAsAValueMayReadTheOuterRow) {
  ExpectTables(
      {.query = "SELECT id, v, (SELECT MAX(w) FROM b WHERE b.k = a.k), (SELECT COUNT(*) FROM b WHERE b.k = a.k) "
                "FROM a",
       .columns = "id STRING, v INT, m INT, n BIGINT",
       .rows = kRows},
      {R"({"id":"1","v":5,"m":10,"n":1})", R"({"id":"2","v":6,"m":null,"n":0})", R"({"id":"3","v":8,"m":null,"n":0})"});
  ExpectTables({.query = "SELECT id, v FROM a WHERE v < (SELECT SUM(w) FROM b WHERE b.k = a.k)",
                .columns = "id STRING, v INT",
                .rows = kRows},
               {R"({"id":"1","v":5})"});
}

TEST(LateralQueries, LateralJoinsEachRowWithItsOwnQuery) {
  ExpectTables({.query = "SELECT a.id, a.v, s FROM a, LATERAL (SELECT SUM(w) AS s FROM b WHERE b.k = a.k)",
                .columns = "id STRING, v INT, s INT",
                .rows = kRows},
               {R"({"id":"1","v":5,"s":10})"});
  ExpectTables(
      {.query = "SELECT a.id, a.v, l.w FROM a LEFT JOIN LATERAL (SELECT w FROM b WHERE b.k = a.k AND w > v) AS l "
                "ON TRUE",
       .columns = "id STRING, v INT, w INT",
       .rows = kRows},
      {R"({"id":"1","v":5,"w":10})", R"({"id":"2","v":6,"w":null})", R"({"id":"3","v":8,"w":null})"});
}

TEST(LateralQueries, UsingAndNaturalHaveTheColumnOnce) {
  ExpectTables({.query = "SELECT a.id, k, v, w FROM a JOIN b USING (k)",
                .columns = "id STRING, k STRING, v INT, w INT",
                .rows = kRows},
               {R"({"id":"1","k":"x","v":5,"w":10})"});
  ExpectTables({.query = "SELECT COALESCE(l.id, r.id), k, v, w FROM a AS l FULL JOIN b AS r USING (k)",
                .columns = "id STRING, k STRING, v INT, w INT",
                .rows = kRows},
               {R"({"id":"1","k":"x","v":5,"w":10})", R"({"id":"2","k":"y","v":6,"w":null})",
                R"({"id":"3","k":"q","v":8,"w":null})", R"({"id":"9","k":"z","v":null,"w":1})"});
  ExpectTables(
      {.query = "SELECT id, v, k, w FROM (SELECT * FROM (SELECT id, v FROM a) NATURAL LEFT JOIN (SELECT '1' AS "
                "id, k, w FROM b WHERE w > 5))",
       .columns = "id STRING, v INT, k STRING, w INT",
       .rows = kRows},
      {R"({"id":"1","v":5,"k":"x","w":10})", R"({"id":"2","v":6,"k":null,"w":null})",
       R"({"id":"3","v":8,"k":null,"w":null})"});
}

TEST(LateralQueries, RowsAndMapsAreComparedAndRowsAreKeys) {
  const std::vector<std::string> rows = {"a 1 00:00:01", "b NULL 00:00:02", "a 1 00:00:03"};
  ExpectRows({.columns = "k STRING, a BOOLEAN, b BOOLEAN, c BOOLEAN, d BOOLEAN",
              .query = "SELECT k, ROW(k, v) = ROW('a', 1), MAP['x', 1, 'y', v] = MAP['y', v, 'x', 1], MAP['x', v] <> "
                       "MAP['x', 1], ROW(k, v) IS DISTINCT FROM ROW('b', CAST(NULL AS INT)) FROM t",
              .rows = rows,
              .settings = {}},
             {R"({"k":"a","a":true,"b":true,"c":false,"d":true})", R"({"k":"b","a":false,"b":true,"c":true,"d":false})",
              R"({"k":"a","a":true,"b":true,"c":false,"d":true})"});
  ExpectRows(
      {.columns = "r ROW<k STRING, v INT>, n BIGINT",
       .query = "SELECT r, COUNT(*) FROM (SELECT ROW(k, v) AS r, window_start, window_end FROM TABLE(TUMBLE(TABLE "
                "t, DESCRIPTOR(ts), INTERVAL '10' SECOND))) GROUP BY r, window_start, window_end",
       .rows = rows,
       .settings = {}},
      {R"({"r":{"k":"a","v":1},"n":2})", R"({"r":{"k":"b","v":null},"n":1})"});
}

TEST(LateralQueries, JoinsStandInParentheses) {
  ExpectTables(
      {.query = "SELECT a.id, a.v, b.w FROM a LEFT JOIN (b JOIN a AS c ON b.k = c.k AND b.w > c.v) ON a.k = b.k",
       .columns = "id STRING, v INT, w INT",
       .rows = kRows},
      {R"({"id":"1","v":5,"w":10})", R"({"id":"2","v":6,"w":null})", R"({"id":"3","v":8,"w":null})"});
}

TEST(LateralQueries, ExceptAllAndIntersectAllCountTheRows) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"a", "1 x 5"}, {"a", "2 x 5"}, {"a", "3 y 5"}, {"b", "1 x 1"}, {"a", "4 x 5"}, {"b", "2 z 1"}, {"a", "3 -"}};
  ExpectTables({.query = "SELECT k, COUNT(*) FROM (SELECT k FROM a EXCEPT ALL SELECT k FROM b) GROUP BY k",
                .columns = "id STRING, n BIGINT",
                .rows = rows},
               {R"({"id":"x","n":2})"});
  ExpectTables({.query = "SELECT k, COUNT(*) FROM (SELECT k FROM a INTERSECT ALL SELECT k FROM b) GROUP BY k",
                .columns = "id STRING, n BIGINT",
                .rows = rows},
               {R"({"id":"x","n":1})"});
}

}  // namespace
}  // namespace leat::stream
