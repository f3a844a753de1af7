#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "tools/leat/job_test_file.h"
#include "tools/leat/job_test_run.h"
#include "tools/leat/row_diff.h"

namespace leat::tool {
namespace {

using testing::HasSubstr;

TEST(RowDiff, TakesRowsOfTheSameMeaningForEqual) {
  EXPECT_EQ(CanonicalText(R"({"b":12.50,"a":[1e1,"x"]})"), CanonicalText(R"({ "a":[10, "x"],"b":12.5 })"));
  EXPECT_NE(CanonicalText(R"({"a":"1"})"), CanonicalText(R"({"a":1})"));
  EXPECT_EQ(CanonicalText("no JSON {"), "no JSON {");
}

TEST(RowDiff, ShowsWhatIsMissingAndWhatCameInstead) {
  EXPECT_EQ(DiffRows({"a", "b"}, {"a", "b"}, RowOrder::kKept), "");
  EXPECT_EQ(DiffRows({"a", "b", "c"}, {"a", "x", "c"}, RowOrder::kKept), "  a\n- b\n+ x\n  c\n");
  EXPECT_EQ(DiffRows({}, {"a"}, RowOrder::kKept), "+ a\n");
  EXPECT_EQ(DiffRows({"a", "b"}, {"b", "a"}, RowOrder::kAny), "");
  EXPECT_NE(DiffRows({"a", "b"}, {"b", "a"}, RowOrder::kKept), "");
  EXPECT_EQ(DiffRows({"a"}, {"a", "a"}, RowOrder::kAny), "  a\n+ a\n");
}

TEST(RowDiff, LeavesOutRowsThatAreFarFromADifference) {
  const std::vector<std::string> rows = {"1", "2", "3", "4", "5", "6", "7"};
  std::vector<std::string> came = rows;
  came[6] = "x";
  EXPECT_EQ(DiffRows(rows, came, RowOrder::kKept), "  .. 4 row(s) as expected\n  5\n  6\n- 7\n+ x\n");
}

TEST(RowDiff, ComparesManyRowsPlaceByPlace) {
  std::vector<std::string> rows(3000, "same");
  std::vector<std::string> came = rows;
  came.emplace_back("more");
  EXPECT_THAT(DiffRows(rows, came, RowOrder::kKept), HasSubstr("+ more"));
}

constexpr char kSql[] = R"(
SET 'leat.late.topic' = 'late';
CREATE TABLE visits (page STRING, spent DECIMAL(10, 2), seen STRING, ts AS TO_TIMESTAMP(seen), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'visits', 'format' = 'json', 'scan.watermark.emit.strategy' = 'on-event');
CREATE TABLE pages (page STRING, visits BIGINT, spent DECIMAL(38, 2))
WITH ('connector' = 'kafka', 'topic' = 'pages', 'format' = 'json', 'key.format' = 'raw', 'key.fields' = 'page');
INSERT INTO pages SELECT page, COUNT(*), SUM(spent)
FROM TABLE(TUMBLE(TABLE visits, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY page, window_start, window_end;
)";

// What the only test of a file says; the name of its file is t.
absl::Status RunSteps(const std::string& steps) {
  const auto file = ParseJobTestFile("t", "tests:\n- name: one\n  steps:\n" + steps);
  if (!file.ok()) return file.status();
  return RunJobTest({.name = "pages", .sql = kSql, .sql_file = "pages.sql", .test_file = "t"}, file->tests.at(0));
}

TEST(JobTest, HoldsRowsAgainstThoseExpected) {
  const std::string insert = R"(
  - insert: visits
    rows:
    - {page: a, spent: 1.10, seen: 2024-01-31 12:00:00}
    - {page: a, spent: 0.20, seen: 2024-01-31 12:00:59}
  - event-time: 2024-01-31 12:01:00
  - expect: pages
    rows:
)";
  EXPECT_EQ(RunSteps(insert + "    - {page: a, visits: 2, spent: 1.3}\n"), absl::OkStatus());
  EXPECT_EQ(RunSteps(insert + "    - {$key: a, $value: {page: a, visits: 2, spent: 1.3}}\n"), absl::OkStatus());
  const absl::Status wrong = RunSteps(insert + "    - {page: a, visits: 3, spent: 1.3}\n");
  EXPECT_THAT(std::string(Message(wrong)), testing::AllOf(HasSubstr("t:10: topic pages: expected 1 row(s), got 1"),
                                                          HasSubstr(R"(- {"page":"a","spent":1.3,"visits":3})"),
                                                          HasSubstr(R"(+ {"page":"a","spent":1.3,"visits":2})")));
  EXPECT_THAT(std::string(Message(RunSteps(insert + "    - {$key: b, $value: {page: a, visits: 2, spent: 1.3}}\n"))),
              HasSubstr("$key: b"));
}

TEST(JobTest, RestartsWithoutLossAndWithoutRepetition) {
  EXPECT_EQ(RunSteps(R"(
  - insert: visits
    rows: [{page: a, spent: 1, seen: 2024-01-31 12:00:00}]
  - checkpoint
  - insert: visits
    rows: [{page: a, spent: 1, seen: 2024-01-31 12:00:01}, {page: b, spent: 1, seen: 2024-01-31 12:01:00}, no JSON]
  - restart
  - dead: 1
  - insert: visits
    rows: [{page: a, spent: 1, seen: 2024-01-31 12:00:30}]
  - restart
  - late: 1
  - finish
  - expect: pages
    columns: [page, visits]
    rows: [{page: a, visits: 2}, {page: b, visits: 1}]
  - expect: late
    columns: [page]
    rows: [{page: a}]
  - expect: pages-dlq
    rows: [{$value: no JSON, $headers: {leat.offset: "3", leat.job: pages}}]
)"),
            absl::OkStatus());
}

TEST(JobTest, ReadersFindOnlyWhatIsCommitted) {
  // Without the restart there would be a row; it is made again, once, when the row behind it is read again.
  EXPECT_EQ(RunSteps(R"(
  - insert: visits
    rows: [{page: a, spent: 1, seen: 2024-01-31 12:00:00}, {page: b, spent: 1, seen: 2024-01-31 12:01:00}]
  - restart
  - restart
  - expect: pages
    columns: [page]
    rows: [{page: a}]
  - restart
  - expect: pages
    rows: []
)"),
            absl::OkStatus());
}

TEST(JobTest, ReadsATopicAsATable) {
  const std::string sql = R"(
CREATE TABLE visits (page STRING) WITH ('connector' = 'kafka', 'topic' = 'visits', 'format' = 'raw');
CREATE TABLE counts (page STRING, visits BIGINT, PRIMARY KEY (page) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'counts', 'key.format' = 'raw', 'value.format' = 'json');
INSERT INTO counts SELECT page, COUNT(*) FROM visits GROUP BY page HAVING COUNT(*) < 3;)";
  const auto file = ParseJobTestFile("t", R"(
tests:
- name: one
  steps:
  - {insert: visits, rows: [a, b, b, b]}
  - {expect-table: counts, rows: [{page: a, visits: 1}]}
  - {insert: visits, rows: [a]}
  - {expect-table: counts, rows: [{page: a, visits: 2}]}
)");
  ASSERT_TRUE(file.ok()) << file.status();
  const TestedJob job{.name = "counts", .sql = sql, .sql_file = "counts.sql", .test_file = "t"};
  EXPECT_EQ(RunJobTest(job, file->tests.at(0)), absl::OkStatus());
  JobTest wrong = file->tests.at(0);
  wrong.steps.pop_back();
  wrong.steps.push_back(wrong.steps[1]);
  EXPECT_THAT(std::string(Message(RunJobTest(job, wrong))), HasSubstr(R"(+ {"page":"a","visits":2})"));
}

TEST(JobTest, SaysWhichStepWentWrong) {
  EXPECT_THAT(std::string(Message(RunSteps("  - insert: nothing\n    rows: [x]\n"))), HasSubstr("t:4: no table"));
  EXPECT_THAT(std::string(Message(RunSteps("  - expect: nothing\n    rows: [x]\n"))),
              HasSubstr("writes nothing to topic"));
  EXPECT_THAT(std::string(Message(RunSteps("  - late: 1\n"))), HasSubstr("t:4: expected 1 late row(s) so far, got 0"));
  EXPECT_THAT(std::string(Message(RunSteps("  - event-time: 2024-01-31\n    topic: pages\n"))), HasSubstr("WATERMARK"));
}

TEST(JobTest, SaysWhereTheFileIsWrong) {
  const auto said = [](const std::string& text) {
    const auto file = ParseJobTestFile("t", text);
    return file.ok() ? std::string("nothing") : std::string(Message(file.status()));
  };
  EXPECT_THAT(said("tests: 3"), HasSubstr("t:1: expected 'tests:' with a list of tests, got '3'"));
  EXPECT_THAT(said("tests:\n- name: x\n  stops: []"), HasSubstr("t:3: expected one of name, start"));
  EXPECT_THAT(said("tests:\n- name: x\n  steps:\n  - jump"), HasSubstr("t:4: expected a step: insert"));
  EXPECT_THAT(said("tests:\n- name: x\n  steps:\n  - clock: soon"), HasSubstr("t:4: expected a duration"));
  EXPECT_THAT(said("tests:\n- name: x\n  steps:\n  - insert: t"), HasSubstr("'rows:' with a list of rows"));
  EXPECT_THAT(said("tests:\n- name: x\n  steps:\n  - {expect: t, rows: [], order: some}"),
              HasSubstr("'any' or 'kept'"));
  EXPECT_THAT(said("tests: [\n"), HasSubstr("this is not YAML"));
  EXPECT_THAT(said(""), HasSubstr("expected"));
}

TEST(JobTest, RowsKeepTheirNumbersAndTheirText) {
  const auto file = ParseJobTestFile("t", R"(
tests:
- name: x
  steps:
  - insert: a
    rows:
    - {number: 12.50, text: "12.50", id: 007, yes: true, none: null, day: 2024-01-31, list: [1, {b: c}]}
    - plain text
    - {$key: k, $value: null, $timestamp: 1000}
)");
  ASSERT_TRUE(file.ok()) << file.status();
  const std::vector<TestRow>& rows = file->tests[0].steps[0].rows;
  EXPECT_EQ(rows[0].value.text,
            R"({"number":12.50,"text":"12.50","id":"007","yes":true,"none":null,"day":"2024-01-31",)"
            R"("list":[1,{"b":"c"}]})");
  EXPECT_EQ(rows[1].value.text, "plain text");
  EXPECT_EQ(rows[2].key.text, "k");
  EXPECT_EQ(rows[2].value.text, std::nullopt);
  EXPECT_EQ(rows[2].timestamp_ms, 1000);
}

}  // namespace
}  // namespace leat::tool
