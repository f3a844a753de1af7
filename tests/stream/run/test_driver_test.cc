#include "leat/stream/test_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leat::stream {
namespace {

constexpr char kSource[] = R"(
CREATE TABLE visits (id BIGINT, page STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'visits', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
)";
constexpr char kPerMinute[] = R"(
CREATE TABLE per_minute (page STRING, window_end TIMESTAMP(3), visits BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'per-minute', 'format' = 'json');
INSERT INTO per_minute SELECT page, window_end, COUNT(*)
FROM TABLE(TUMBLE(TABLE visits, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY page, window_start, window_end;
)";

std::unique_ptr<TestDriver> Make(const std::string& sql, const TestDriver::Options& options = {}) {
  absl::StatusOr<std::unique_ptr<TestDriver>> driver = TestDriver::Create(sql, options);
  EXPECT_TRUE(driver.ok()) << driver.status();
  return *std::move(driver);
}

absl::Status Visit(TestDriver& driver, const std::string& page, const std::string& time) {
  return driver.Insert("visits", {.value = R"({"id":1,"page":")" + page + R"(","ts":"2024-01-01 )" + time + "\"}"});
}

std::vector<std::string> Values(TestDriver& driver, const std::string& topic) {
  std::vector<std::string> values;
  for (const TestRecord& record : driver.Take(topic)) values.push_back(record.value.value_or("(none)"));
  return values;
}

std::string Header(const TestRecord& record, const std::string& name) {
  for (const auto& [key, value] : record.headers) {
    if (key == name) return value;
  }
  return "(none)";
}

class TestDriverTest : public testing::TestWithParam<int> {};

TEST_P(TestDriverTest, FiresAWindowWhenTheWatermarkPassesIt) {
  auto driver = Make(std::string(kSource) + kPerMinute, {.parallelism = GetParam()});
  ASSERT_TRUE(Visit(*driver, "a", "00:00:10").ok());
  ASSERT_TRUE(Visit(*driver, "a", "00:00:59").ok());
  ASSERT_TRUE(Visit(*driver, "b", "00:01:00").ok());
  EXPECT_THAT(Values(*driver, "per-minute"), testing::IsEmpty());
  ASSERT_TRUE(Visit(*driver, "b", "00:01:02").ok());
  EXPECT_THAT(Values(*driver, "per-minute"),
              testing::ElementsAre(R"({"page":"a","window_end":"2024-01-01 00:01:00","visits":2})"));
  ASSERT_TRUE(driver->Finish().ok());
  EXPECT_THAT(Values(*driver, "per-minute"),
              testing::ElementsAre(R"({"page":"b","window_end":"2024-01-01 00:02:00","visits":2})"));
}

TEST_P(TestDriverTest, CountsEachRowOnceAcrossACrash) {
  auto driver = Make(std::string(kSource) + kPerMinute, {.parallelism = GetParam()});
  ASSERT_TRUE(Visit(*driver, "a", "00:00:10").ok());
  ASSERT_TRUE(driver->Checkpoint().ok());
  ASSERT_TRUE(Visit(*driver, "a", "00:00:20").ok());
  ASSERT_TRUE(driver->Crash().ok());
  ASSERT_TRUE(Visit(*driver, "a", "00:00:30").ok());
  ASSERT_TRUE(driver->Finish().ok());
  EXPECT_THAT(Values(*driver, "per-minute"),
              testing::ElementsAre(R"({"page":"a","window_end":"2024-01-01 00:01:00","visits":3})"));
}

INSTANTIATE_TEST_SUITE_P(Workers, TestDriverTest, testing::Values(1, 3));

TEST(TestDriver, WritesLateRowsAsJsonWhereTheJobSays) {
  auto driver = Make("SET 'leat.late.topic' = 'late';" + std::string(kSource) + kPerMinute);
  ASSERT_TRUE(Visit(*driver, "a", "00:05:00").ok());
  ASSERT_TRUE(Visit(*driver, "late", "00:00:01").ok());
  EXPECT_EQ(driver->late_rows(), 1u);
  const std::vector<TestRecord> late = driver->Take("late");
  ASSERT_EQ(late.size(), 1u);
  EXPECT_THAT(late[0].value.value_or(""), testing::HasSubstr(R"("page":"late")"));
  EXPECT_EQ(Header(late[0], "leat.topic"), "visits");
  EXPECT_EQ(Header(late[0], "leat.offset"), "1");
}

TEST(TestDriver, BuriesARowThatItsSinkCannotCarry) {
  auto driver = Make(std::string(kSource) + R"(
CREATE TABLE pages (page STRING) WITH ('connector' = 'kafka', 'topic' = 'pages', 'format' = 'raw');
INSERT INTO pages SELECT page FROM visits;)");
  ASSERT_TRUE(driver->Insert("visits", {.value = R"({"id":1,"ts":"2024-01-01 00:00:00"})"}).ok());
  ASSERT_TRUE(Visit(*driver, "good", "00:00:01").ok());
  EXPECT_THAT(Values(*driver, "pages"), testing::ElementsAre("good"));
  const std::vector<TestRecord> dead = driver->Take("dead-letters");
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_THAT(Header(dead[0], "leat.reason"), testing::HasSubstr("NULL"));
  EXPECT_EQ(Header(dead[0], "leat.operator"), "write pages");
}

TEST(TestDriver, BuriesARowThatIsTooLargeForARecordAndSaysHowLarge) {
  auto driver = Make(std::string(kSource) + R"(
CREATE TABLE pages (page STRING) WITH ('connector' = 'kafka', 'topic' = 'pages', 'format' = 'json');
INSERT INTO pages SELECT REPEAT(page, 200000) FROM visits;)");
  ASSERT_TRUE(Visit(*driver, "abcdefgh", "00:00:01").ok());
  EXPECT_THAT(Values(*driver, "pages"), testing::IsEmpty());
  const std::vector<TestRecord> dead = driver->Take("dead-letters");
  ASSERT_EQ(dead.size(), 1u);
  EXPECT_LT(dead[0].value->size(), size_t{1} << 20);
  EXPECT_NE(Header(dead[0], "leat.truncated"), "(none)");
}

TEST(TestDriver, BuriesARecordWithItsHeadersAndHowOftenItWasSentAgain) {
  auto driver = Make(std::string(kSource) + R"(
CREATE TABLE pages (page INT) WITH ('connector' = 'kafka', 'topic' = 'pages', 'format' = 'json');
INSERT INTO pages SELECT CAST(page AS INT) FROM visits;)");
  const std::vector<std::pair<std::string, std::string>> headers = {
      {"trace", "1"}, {"leat.attempt", "2"}, {"leat.reason", "of another job"}};
  ASSERT_TRUE(driver->Insert("visits", {.key = "k", .value = "no JSON", .headers = headers}).ok());
  ASSERT_TRUE(
      driver->Insert("visits", {.value = R"({"page":"x","ts":"2024-01-01 00:00:00"})", .headers = headers}).ok());
  const std::vector<TestRecord> dead = driver->Take("dead-letters");
  ASSERT_EQ(dead.size(), 2u);
  EXPECT_EQ(dead[0].key, "k");
  EXPECT_EQ(Header(dead[0], "trace"), "1");
  EXPECT_EQ(Header(dead[0], "leat.attempt"), "2");
  EXPECT_NE(Header(dead[0], "leat.reason"), "of another job");
  // Of the row only its text is left.
  EXPECT_THAT(Header(dead[1], "leat.operator"), testing::HasSubstr("Calc"));
}

TEST(TestDriver, RefusesATopicThatNoTableReads) {
  auto driver = Make(std::string(kSource) + kPerMinute);
  EXPECT_EQ(driver->Insert("other", {.value = "{}"}).code(), absl::StatusCode::kNotFound);
}

TEST(TestDriver, GivesTheCompilersMessage) {
  const auto driver = TestDriver::Create("INSERT INTO nowhere SELECT 1;", {});
  ASSERT_FALSE(driver.ok());
  EXPECT_THAT(driver.status().ToString(), testing::HasSubstr("line 1"));
}

}  // namespace
}  // namespace leat::stream
