// Tables whose rows change: upsert-kafka on both ends of a job.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "leat/stream/test_driver.h"

namespace leat::stream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kUsers[] = R"(
CREATE TABLE users (id BIGINT, city STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'users', 'key.format' = 'json', 'value.format' = 'json');
)";
constexpr char kPerCity[] = R"(
CREATE TABLE per_city (city STRING, n BIGINT, PRIMARY KEY (city) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'per-city', 'key.format' = 'raw', 'value.format' = 'json');
INSERT INTO per_city SELECT city, COUNT(*) FROM users GROUP BY city;
)";

std::unique_ptr<TestDriver> Make(const std::string& sql, const TestDriver::Options& options = {}) {
  absl::StatusOr<std::unique_ptr<TestDriver>> driver = TestDriver::Create(sql, options);
  EXPECT_TRUE(driver.ok()) << driver.status();
  return *std::move(driver);
}

void Put(TestDriver& driver, int id, const std::string& city) {
  const std::string key = R"({"id":)" + std::to_string(id) + "}";
  const std::string value = R"({"id":)" + std::to_string(id) + R"(,"city":")" + city + "\"}";
  ASSERT_TRUE(driver.Insert("users", {.key = key, .value = value}).ok());
}
void Delete(TestDriver& driver, int id) {
  ASSERT_TRUE(driver.Insert("users", {.key = R"({"id":)" + std::to_string(id) + "}", .value = std::nullopt}).ok());
}

// "key value" of each record, "key -" of a tombstone.
std::vector<std::string> Records(TestDriver& driver, const std::string& topic) {
  std::vector<std::string> lines;
  for (const TestRecord& record : driver.Take(topic)) {
    lines.push_back(record.key.value_or("(none)") + " " + record.value.value_or("-"));
  }
  return lines;
}

class UpsertKafka : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Workers, UpsertKafka, testing::Values(1, 3));

TEST_P(UpsertKafka, CountsWhatIsThereNow) {
  auto driver = Make(std::string(kUsers) + kPerCity, {.parallelism = GetParam()});
  Put(*driver, 1, "Ulm");
  Put(*driver, 2, "Ulm");
  EXPECT_THAT(Records(*driver, "per-city"), ElementsAre(R"(Ulm {"city":"Ulm","n":1})", R"(Ulm {"city":"Ulm","n":2})"));
  Put(*driver, 1, "Bern");
  EXPECT_THAT(Records(*driver, "per-city"),
              testing::UnorderedElementsAre(R"(Ulm {"city":"Ulm","n":1})", R"(Bern {"city":"Bern","n":1})"));
  Delete(*driver, 2);
  EXPECT_THAT(Records(*driver, "per-city"), ElementsAre("Ulm -"));
  Delete(*driver, 2);
  Put(*driver, 1, "Bern");
  EXPECT_THAT(Records(*driver, "per-city"), IsEmpty()) << "nothing has changed";
}

TEST_P(UpsertKafka, KnowsTheRowsAgainAfterACrash) {
  auto driver = Make(std::string(kUsers) + kPerCity, {.parallelism = GetParam()});
  Put(*driver, 1, "Ulm");
  Put(*driver, 2, "Ulm");
  ASSERT_TRUE(driver->Checkpoint().ok());
  Records(*driver, "per-city");
  ASSERT_TRUE(driver->Crash().ok());
  EXPECT_THAT(Records(*driver, "per-city"), IsEmpty());
  Put(*driver, 2, "Bern");
  EXPECT_THAT(Records(*driver, "per-city"),
              testing::UnorderedElementsAre(R"(Ulm {"city":"Ulm","n":1})", R"(Bern {"city":"Bern","n":1})"));
}

TEST(UpsertKafkaTable, SplitsKeyAndValueWhereTheTableSays) {
  auto driver = Make(R"(
CREATE TABLE a (k_id BIGINT, v STRING, PRIMARY KEY (k_id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'a', 'key.format' = 'json', 'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY',
      'key.fields-prefix' = 'k_');
CREATE TABLE b (k_id BIGINT, v STRING, PRIMARY KEY (k_id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'b', 'key.format' = 'json', 'value.format' = 'json', 'value.fields-include' = 'EXCEPT_KEY',
      'key.fields-prefix' = 'k_');
INSERT INTO b SELECT * FROM a;
)");
  ASSERT_TRUE(driver->Insert("a", {.key = R"({"id":7})", .value = R"({"v":"x"})"}).ok());
  ASSERT_TRUE(driver->Insert("a", {.key = R"({"id":7})", .value = R"({"v":"y"})"}).ok());
  ASSERT_TRUE(driver->Insert("a", {.key = R"({"id":7})", .value = std::nullopt}).ok());
  EXPECT_THAT(Records(*driver, "b"), ElementsAre(R"({"id":7} {"v":"x"})", R"({"id":7} {"v":"y"})", R"({"id":7} -)"));
}

TEST(UpsertKafkaTable, BuriesRecordsWithoutAKeyAndThoseItCannotRead) {
  auto driver = Make(std::string(kUsers) + kPerCity);
  ASSERT_TRUE(driver->Insert("users", {.key = std::nullopt, .value = R"({"id":1,"city":"Ulm"})"}).ok());
  ASSERT_TRUE(driver->Insert("users", {.key = R"({"id":"x"})", .value = R"({"id":1,"city":"Ulm"})"}).ok());
  ASSERT_TRUE(driver->Insert("users", {.key = R"({"id":1})", .value = "{"}).ok());
  EXPECT_EQ(driver->dead_rows(), 3u);
  EXPECT_THAT(Records(*driver, "per-city"), IsEmpty());
}

TEST(UpsertKafkaTable, OfSeveralRowsWithTheSinksKeyTheLastThatIsThereCounts) {
  auto driver = Make(std::string(kUsers) + R"(
CREATE TABLE someone (city STRING, id BIGINT, PRIMARY KEY (city) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'someone', 'key.format' = 'raw', 'value.format' = 'json');
INSERT INTO someone SELECT city, id FROM users;
)");
  Put(*driver, 1, "Ulm");
  Put(*driver, 2, "Ulm");
  Put(*driver, 3, "Ulm");
  Records(*driver, "someone");
  Delete(*driver, 2);
  EXPECT_THAT(Records(*driver, "someone"), IsEmpty()) << "3 was last and stays";
  Delete(*driver, 3);
  EXPECT_THAT(Records(*driver, "someone"), ElementsAre(R"(Ulm {"city":"Ulm","id":1})"));
  Put(*driver, 1, "Bern");
  EXPECT_THAT(Records(*driver, "someone"), ElementsAre("Ulm -", R"(Bern {"city":"Bern","id":1})"));
}

TEST(UpsertKafkaTable, AFilterThatARowLeavesDeletesIt) {
  auto driver = Make(std::string(kUsers) + R"(
CREATE TABLE in_ulm (id BIGINT, city STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'in-ulm', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO in_ulm SELECT id, city FROM users WHERE city = 'Ulm';
)");
  Put(*driver, 1, "Ulm");
  Put(*driver, 1, "Bern");
  Put(*driver, 1, "Ulm");
  EXPECT_THAT(Records(*driver, "in-ulm"),
              ElementsAre(R"({"id":1} {"id":1,"city":"Ulm"})", R"({"id":1} -)", R"({"id":1} {"id":1,"city":"Ulm"})"));
}

TEST(UpsertKafkaTable, ForgetsRowsThatWereNotWrittenForTheStatesLife) {
  auto driver = Make("SET 'table.exec.state.ttl' = '1 h';" + std::string(kUsers) + R"(
CREATE TABLE copy (id BIGINT, city STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'copy', 'key.format' = 'json', 'value.format' = 'json');
INSERT INTO copy SELECT id, city FROM users;
)");
  Put(*driver, 1, "Ulm");
  Put(*driver, 2, "Ulm");
  driver->AdvanceClock(30 * 60'000);
  Put(*driver, 2, "Bern");
  driver->AdvanceClock(45 * 60'000);
  Records(*driver, "copy");
  Delete(*driver, 1);
  Delete(*driver, 2);
  EXPECT_THAT(Records(*driver, "copy"), ElementsAre(R"({"id":2} -)")) << "row 1 was forgotten after an hour";
}

}  // namespace
}  // namespace leat::stream
