// Joins as jobs: SQL in, records in and out, workers that exchange rows, crashes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "leat/stream/test_driver.h"

namespace leat::stream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr char kTables[] = R"(
CREATE TABLE orders (id BIGINT, user_id BIGINT, ts TIMESTAMP(3), proc AS PROCTIME(), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset',
      'scan.watermark.emit.strategy' = 'on-event');
CREATE TABLE payments (id BIGINT, order_id BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'payments', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset',
      'scan.watermark.emit.strategy' = 'on-event');
CREATE TABLE users (id BIGINT, name STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'users', 'key.format' = 'json', 'value.format' = 'json',
      'scan.watermark.emit.strategy' = 'on-event');
)";

std::unique_ptr<TestDriver> Make(const std::string& sql, const TestDriver::Options& options = {}) {
  absl::StatusOr<std::unique_ptr<TestDriver>> driver = TestDriver::Create(kTables + sql, options);
  EXPECT_TRUE(driver.ok()) << driver.status();
  return *std::move(driver);
}

std::string Time(int second) {
  return "2024-01-01 00:00:" + std::string(second < 10 ? "0" : "") + std::to_string(second);
}

void Order(TestDriver& driver, int id, int user, int second = 0) {
  ASSERT_TRUE(driver
                  .Insert("orders", {.value = "{\"id\":" + std::to_string(id) + ",\"user_id\":" + std::to_string(user) +
                                              ",\"ts\":\"" + Time(second) + "\"}"})
                  .ok());
}
void Pay(TestDriver& driver, int id, int order, int second = 0) {
  ASSERT_TRUE(driver
                  .Insert("payments", {.value = "{\"id\":" + std::to_string(id) + ",\"order_id\":" +
                                                std::to_string(order) + ",\"ts\":\"" + Time(second) + "\"}"})
                  .ok());
}
void User(TestDriver& driver, int id, const std::string& name, int second = 0) {
  const std::string key = "{\"id\":" + std::to_string(id) + "}";
  std::optional<std::string> value;
  if (!name.empty()) {
    value = "{\"id\":" + std::to_string(id) + ",\"name\":\"" + name + "\",\"ts\":\"" + Time(second) + "\"}";
  }
  ASSERT_TRUE(driver.Insert("users", {.key = key, .value = value}).ok());
}

std::vector<std::string> Values(TestDriver& driver, const std::string& topic) {
  std::vector<std::string> values;
  for (const TestRecord& record : driver.Take(topic)) values.push_back(record.value.value_or("(none)"));
  return values;
}

// What an upsert topic says in the end, by key.
using Table = std::map<std::string, std::string>;
void ApplyTo(Table* table, TestDriver& driver, const std::string& topic) {
  for (const TestRecord& record : driver.Take(topic)) {
    if (record.value) {
      (*table)[*record.key] = *record.value;
    } else {
      table->erase(*record.key);
    }
  }
}

class JoinJobs : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Workers, JoinJobs, testing::Values(1, 3));

TEST_P(JoinJobs, ALeftJoinFollowsBothSides) {
  auto driver = Make(R"(
CREATE TABLE named (id BIGINT, name STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'named', 'key.format' = 'raw', 'value.format' = 'json');
INSERT INTO named SELECT o.id, u.name FROM orders o LEFT JOIN users u ON o.user_id = u.id;
)",
                     {.parallelism = GetParam()});
  Table table;
  Order(*driver, 1, 7);
  Order(*driver, 2, 8);
  User(*driver, 7, "ann");
  ApplyTo(&table, *driver, "named");
  const auto row = [](int id, const std::string& name) {
    return "{\"id\":" + std::to_string(id) + ",\"name\":" + name + "}";
  };
  const auto now = [&] {
    std::vector<std::string> values;
    for (const auto& [key, value] : table) values.push_back(value);
    return values;
  };
  EXPECT_THAT(now(), UnorderedElementsAre(row(1, "\"ann\""), row(2, "null")));
  ASSERT_TRUE(driver->Checkpoint().ok());
  ASSERT_TRUE(driver->Crash().ok());
  User(*driver, 7, "bob");
  User(*driver, 8, "eve");
  ApplyTo(&table, *driver, "named");
  EXPECT_THAT(now(), UnorderedElementsAre(row(1, "\"bob\""), row(2, "\"eve\"")));
  User(*driver, 7, "");
  ApplyTo(&table, *driver, "named");
  EXPECT_THAT(now(), UnorderedElementsAre(row(1, "null"), row(2, "\"eve\"")));
}

TEST_P(JoinJobs, AnIntervalJoinGivesInsertsThatKafkaTakes) {
  auto driver = Make(R"(
CREATE TABLE paid (id BIGINT, payment BIGINT) WITH ('connector' = 'kafka', 'topic' = 'paid', 'format' = 'json');
INSERT INTO paid SELECT o.id, p.id FROM orders o LEFT JOIN payments p
ON o.id = p.order_id AND p.ts BETWEEN o.ts AND o.ts + INTERVAL '10' SECOND;
)",
                     {.parallelism = GetParam()});
  Order(*driver, 1, 7, 0);
  Order(*driver, 2, 7, 1);
  Pay(*driver, 100, 1, 10);
  EXPECT_THAT(Values(*driver, "paid"), ElementsAre(R"({"id":1,"payment":100})"));
  Pay(*driver, 101, 2, 12);
  EXPECT_THAT(Values(*driver, "paid"), IsEmpty()) << "too late a payment";
  ASSERT_TRUE(driver->Finish().ok());
  EXPECT_THAT(Values(*driver, "paid"), ElementsAre(R"({"id":2,"payment":null})"));
}

TEST_P(JoinJobs, AWindowJoinFiresOnce) {
  auto driver = Make(R"(
CREATE TABLE pairs (id BIGINT, payment BIGINT) WITH ('connector' = 'kafka', 'topic' = 'pairs', 'format' = 'json');
INSERT INTO pairs SELECT l.id, r.id FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '10' SECOND)) l
FULL JOIN TABLE(TUMBLE(TABLE payments, DESCRIPTOR(ts), INTERVAL '10' SECOND)) r
ON l.id = r.order_id AND l.window_start = r.window_start AND l.window_end = r.window_end;
)",
                     {.parallelism = GetParam()});
  Order(*driver, 1, 7, 3);
  Pay(*driver, 100, 1, 9);
  Pay(*driver, 101, 5, 9);
  Order(*driver, 2, 7, 12);
  EXPECT_THAT(Values(*driver, "pairs"), IsEmpty()) << "payments may still come into the first window";
  Pay(*driver, 102, 1, 11);
  EXPECT_THAT(Values(*driver, "pairs"),
              UnorderedElementsAre(R"({"id":1,"payment":100})", R"({"id":null,"payment":101})"));
  ASSERT_TRUE(driver->Finish().ok());
  EXPECT_THAT(Values(*driver, "pairs"),
              UnorderedElementsAre(R"({"id":2,"payment":null})", R"({"id":null,"payment":102})"));
}

TEST_P(JoinJobs, ATemporalJoinTakesTheVersionOfTheTime) {
  auto driver = Make(R"(
CREATE TABLE named (id BIGINT, name STRING) WITH ('connector' = 'kafka', 'topic' = 'named', 'format' = 'json');
INSERT INTO named SELECT o.id, u.name FROM orders o JOIN users FOR SYSTEM_TIME AS OF o.ts AS u ON o.user_id = u.id;
)",
                     {.parallelism = GetParam()});
  User(*driver, 7, "ann", 1);
  User(*driver, 7, "bob", 10);
  Order(*driver, 1, 7, 5);
  Order(*driver, 2, 7, 10);
  EXPECT_THAT(Values(*driver, "named"), UnorderedElementsAre(R"({"id":1,"name":"ann"})", R"({"id":2,"name":"bob"})"));
  Order(*driver, 3, 7, 20);
  EXPECT_THAT(Values(*driver, "named"), IsEmpty()) << "the version of 20 s is not known yet";
  User(*driver, 9, "zoe", 30);
  EXPECT_THAT(Values(*driver, "named"), ElementsAre(R"({"id":3,"name":"bob"})"));
}

TEST_P(JoinJobs, ALookupJoinTakesTheRowOfNow) {
  auto driver = Make(R"(
CREATE TABLE named (id BIGINT, name STRING) WITH ('connector' = 'kafka', 'topic' = 'named', 'format' = 'json');
INSERT INTO named SELECT o.id, u.name FROM orders o LEFT JOIN users FOR SYSTEM_TIME AS OF o.proc AS u ON o.user_id = u.id;
)",
                     {.parallelism = GetParam()});
  Order(*driver, 1, 7);
  User(*driver, 7, "ann");
  Order(*driver, 2, 7);
  User(*driver, 7, "");
  Order(*driver, 3, 7);
  EXPECT_THAT(Values(*driver, "named"),
              ElementsAre(R"({"id":1,"name":null})", R"({"id":2,"name":"ann"})", R"({"id":3,"name":null})"));
}

TEST_P(JoinJobs, SubQueriesLetRowsComeAndGo) {
  auto driver = Make(R"(
CREATE TABLE unpaid (id BIGINT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'unpaid', 'key.format' = 'raw', 'value.format' = 'json');
INSERT INTO unpaid SELECT id FROM orders WHERE NOT EXISTS (SELECT 1 FROM payments p WHERE p.order_id = orders.id)
AND user_id IN (SELECT id FROM users WHERE name <> 'eve');
)",
                     {.parallelism = GetParam()});
  Table table;
  User(*driver, 7, "ann");
  Order(*driver, 1, 7);
  Order(*driver, 2, 7);
  Order(*driver, 3, 8);
  Pay(*driver, 100, 2);
  ApplyTo(&table, *driver, "unpaid");
  ASSERT_EQ(table.size(), 1u);
  EXPECT_EQ(table.begin()->second, R"({"id":1})");
  User(*driver, 8, "bob");
  User(*driver, 7, "eve");
  ApplyTo(&table, *driver, "unpaid");
  ASSERT_EQ(table.size(), 1u);
  EXPECT_EQ(table.begin()->second, R"({"id":3})");
}

TEST(JoinJob, NotInIsNeverTrueBesideANull) {
  auto driver = Make(R"(
CREATE TABLE rest (id BIGINT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'rest', 'key.format' = 'raw', 'value.format' = 'json');
INSERT INTO rest SELECT id FROM orders WHERE id NOT IN (SELECT order_id FROM payments);
)");
  Table table;
  Order(*driver, 1, 7);
  Order(*driver, 2, 7);
  Pay(*driver, 100, 2);
  ApplyTo(&table, *driver, "rest");
  EXPECT_EQ(table.size(), 1u);
  ASSERT_TRUE(driver->Insert("payments", {.value = R"({"id":101,"order_id":null,"ts":"2024-01-01 00:00:00"})"}).ok());
  ApplyTo(&table, *driver, "rest");
  EXPECT_THAT(table, IsEmpty());
}

TEST(JoinJob, ReadsAndWritesDebezium) {
  auto driver = Make(R"(
CREATE TABLE items (id BIGINT, price BIGINT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'kafka', 'topic' = 'items', 'format' = 'debezium-json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE dear (id BIGINT, price BIGINT) WITH ('connector' = 'kafka', 'topic' = 'dear', 'format' = 'debezium-json');
INSERT INTO dear SELECT id, price FROM items WHERE price > 10;
)");
  ASSERT_TRUE(driver->Insert("items", {.value = R"({"before":null,"after":{"id":1,"price":20},"op":"c"})"}).ok());
  ASSERT_TRUE(
      driver->Insert("items", {.value = R"({"before":{"id":1,"price":20},"after":{"id":1,"price":5},"op":"u"})"}).ok());
  EXPECT_THAT(Values(*driver, "dear"), ElementsAre(R"({"before":null,"after":{"id":1,"price":20},"op":"c"})",
                                                   R"({"before":{"id":1,"price":20},"after":null,"op":"d"})"));
}

}  // namespace
}  // namespace leat::stream
