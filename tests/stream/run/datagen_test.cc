// Tables that are made up: what their options say, at the pace that they say, and the same rows again behind a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <set>
#include <thread>

#include "leat/stream/test_driver.h"
#include "sql/compile.h"
#include "stream/run/job_runner.h"
#include "tests/stream/run/memory_log_port.h"

namespace leat::stream {
namespace {

using testing::HasSubstr;

std::string Script(const std::string& columns, const std::string& options, const std::string& query) {
  return "CREATE TABLE g (" + columns + ") WITH ('connector' = 'datagen'" + options + ");\n" + query;
}

constexpr char kInto[] =
    "CREATE TABLE o (id BIGINT, v INT, s STRING, d DECIMAL(6, 2)) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' "
    "= "
    "'json'); INSERT INTO o SELECT id, v, s, d FROM g;";

std::vector<std::string> Take(TestDriver& driver) {
  std::vector<std::string> lines;
  for (const TestRecord& record : driver.Take("o")) lines.push_back(*record.value);
  return lines;
}

std::unique_ptr<TestDriver> MakeDriver() {
  auto driver = TestDriver::Create(
      Script("id BIGINT, v INT, s VARCHAR(4), d DECIMAL(6, 2)",
             ", 'rows-per-second' = '2', 'number-of-rows' = '5', 'fields.id.kind' = 'sequence', 'fields.id.start' = "
             "'10', 'fields.id.end' = '90', 'fields.v.min' = '3', 'fields.v.max' = '4', 'fields.d.min' = '-7', "
             "'fields.d.max' = '7'",
             kInto),
      {});
  EXPECT_TRUE(driver.ok()) << driver.status();
  return *std::move(driver);
}

TEST(Datagen, MakesRowsAtItsPaceAndEndsBehindTheLast) {
  auto driver = MakeDriver();
  const std::vector<std::string> first = Take(*driver);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_THAT(first[0], HasSubstr("\"id\":10,"));
  EXPECT_THAT(first[1], HasSubstr("\"id\":11,"));
  for (const std::string& row : first) {
    EXPECT_TRUE(row.find("\"v\":3,") != std::string::npos || row.find("\"v\":4,") != std::string::npos) << row;
    EXPECT_THAT(row, testing::ContainsRegex("\"s\":\"[0-9a-f]{4}\""));
  }
  driver->AdvanceClock(999);
  EXPECT_EQ(Take(*driver).size(), 0U);
  driver->AdvanceClock(1);
  EXPECT_EQ(Take(*driver).size(), 2U);
  driver->AdvanceClock(60'000);
  EXPECT_EQ(Take(*driver).size(), 1U);
}

TEST(Datagen, ARowIsTheSameBehindACrash) {
  auto straight = MakeDriver();
  straight->AdvanceClock(10'000);
  const std::vector<std::string> expected = Take(*straight);
  ASSERT_EQ(expected.size(), 5U);
  auto disturbed = MakeDriver();
  std::vector<std::string> rows = Take(*disturbed);
  ASSERT_TRUE(disturbed->Checkpoint().ok());
  disturbed->AdvanceClock(1'000);
  Take(*disturbed);  // lost with the crash
  ASSERT_TRUE(disturbed->Crash().ok());
  for (int second = 0; second < 3; ++second) {
    for (std::string& row : Take(*disturbed)) rows.push_back(std::move(row));
    disturbed->AdvanceClock(1'000);
  }
  EXPECT_EQ(rows, expected);
}

TEST(Datagen, EveryTypeThatItTakesHasValues) {
  const std::string query =
      "CREATE TABLE o (n BIGINT, m BIGINT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json'); INSERT INTO "
      "o "
      "SELECT COUNT(*), COUNT(a, b, c, d, e, f, h, i, j, k) FROM TABLE(TUMBLE(TABLE g, DESCRIPTOR(j), INTERVAL '1' "
      "HOUR)) "
      "GROUP BY window_start, window_end;";
  auto driver = TestDriver::Create(
      Script("a BOOLEAN, b TINYINT, c SMALLINT, d FLOAT, e DOUBLE, f BYTES, h DATE, i TIME, j TIMESTAMP(3), k ROW<x "
             "INT, y ARRAY<STRING>>, WATERMARK FOR j AS j",
             ", 'number-of-rows' = '700', 'fields.k.length' = '3', 'fields.f.var-len' = 'true'", query),
      {.start_ms = 1'700'000'000'000});
  ASSERT_TRUE(driver.ok()) << driver.status();
  ASSERT_TRUE((*driver)->Finish().ok());
  EXPECT_THAT(Take(**driver), testing::ElementsAre(R"({"n":700,"m":700})"));
}

TEST(Datagen, AJobOnThreadsWritesEachRowOnceAndEnds) {
  run::MemoryLogPort port;
  const auto compiled =
      sql::Compile(Script("id BIGINT, v INT, s VARCHAR(4), d DECIMAL(6, 2)",
                          ", 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '1500'", kInto),
                   {.check_table = run::CheckTable});
  ASSERT_TRUE(compiled.ok()) << compiled.status();
  for (int life = 0; life < 2; ++life) {  // the second finds that there is nothing left
    run::JobRunner::Spec spec{.name = "job", .plan = compiled->plan, .options = {}};
    spec.options.parallelism = 2;
    auto runner = run::JobRunner::Start(std::move(spec), port, env::NullMetrics());
    while (runner->Status().state != run::State::kFinished) std::this_thread::yield();
    std::promise<absl::Status> stopped;
    runner->Stop([&](absl::Status status) { stopped.set_value(std::move(status)); });
    ASSERT_TRUE(stopped.get_future().get().ok());
    std::set<std::string> ids;
    const auto rows = port.Read("o");
    for (const run::TestRow& row : rows) ids.insert(row.value.substr(0, row.value.find(',')));
    EXPECT_EQ(rows.size(), 1500U);
    EXPECT_EQ(ids.size(), 1500U);
  }
}

TEST(Datagen, BadOptionsAreRefusedByName) {
  const auto error = [](const std::string& columns, const std::string& options) {
    return std::string(TestDriver::Create(Script(columns, options,
                                                 "CREATE TABLE o (v INT) WITH ('connector' = "
                                                 "'blackhole'); INSERT INTO o SELECT v FROM g;"),
                                          {})
                           .status()
                           .message());
  };
  EXPECT_THAT(error("v INT", ", 'fields.v.min' = '5', 'fields.v.max' = '2'"), HasSubstr("'fields.v.max'"));
  EXPECT_THAT(error("v INT", ", 'fields.v.kind' = 'sequence'"), HasSubstr("'fields.v.start'"));
  EXPECT_THAT(error("v INT", ", 'fields.v.kind' = 'odd'"), HasSubstr("random or sequence"));
  EXPECT_THAT(error("v INT", ", 'fields.v.null-rate' = '2'"), HasSubstr("from 0 to 1"));
  EXPECT_THAT(error("v INT", ", 'rows-per-second' = '0'"), HasSubstr("above 0"));
  EXPECT_THAT(error("v INT, m MAP<STRING, INT>", ""), HasSubstr("column m MAP<STRING, INT>"));
}

}  // namespace
}  // namespace leat::stream
