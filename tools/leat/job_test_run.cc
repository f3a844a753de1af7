#include "tools/leat/job_test_run.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <map>

#include "base/status.h"
#include "leat/stream/test_driver.h"
#include "tools/leat/json_line.h"
#include "tools/leat/row_diff.h"

namespace leat::tool {

namespace {

namespace json = boost::json;
using stream::TestDriver;
using stream::TestRecord;

// What of records is compared: the value, and what the expected rows say beside it.
struct Compared {
  bool keys = false;
  bool timestamps = false;
  std::vector<std::string> headers;
  std::vector<std::string> columns;
};

Compared ComparedBy(const TestStep& step) {
  Compared compared{.columns = step.columns};
  for (const TestRow& row : step.rows) {
    compared.keys = compared.keys || row.key.given;
    compared.timestamps = compared.timestamps || row.timestamp_ms.has_value();
    for (const auto& [name, value] : row.headers) {
      if (std::ranges::find(compared.headers, name) == compared.headers.end()) compared.headers.push_back(name);
    }
  }
  return compared;
}

// Of a JSON object only the columns that are asked for.
std::string ValueText(const std::optional<std::string>& value, const std::vector<std::string>& columns) {
  if (!value) return "null";
  boost::system::error_code error;
  const json::value document = json::parse(*value, error);
  if (error) return *value;
  if (columns.empty() || !document.is_object()) return CanonicalJson(document);
  json::object chosen;
  for (const std::string& column : columns) {
    if (const json::value* const found = document.get_object().if_contains(column)) chosen[column] = *found;
  }
  return CanonicalJson(chosen);
}

std::string RowText(const TestRecord& record, const Compared& compared) {
  std::string text;
  if (compared.keys) StrAppend(&text, "$key: ", record.key ? CanonicalText(*record.key) : "null", "  ");
  for (const std::string& name : compared.headers) {
    const auto found = std::ranges::find(record.headers, name, &std::pair<std::string, std::string>::first);
    StrAppend(&text, name, ": ", found == record.headers.end() ? "(none)" : found->second, "  ");
  }
  if (compared.timestamps) StrAppend(&text, "$timestamp: ", record.timestamp_ms, "  ");
  return text + ValueText(record.value, compared.columns);
}

TestRecord RecordOf(const TestRow& row) {
  return {.key = row.key.text,
          .value = row.value.text,
          .headers = row.headers,
          .timestamp_ms = row.timestamp_ms.value_or(0)};
}

absl::Status Compare(const TestStep& step, const std::vector<TestRecord>& records) {
  const Compared compared = ComparedBy(step);
  std::vector<std::string> expected;
  for (const TestRow& row : step.rows) expected.push_back(RowText(RecordOf(row), compared));
  std::vector<std::string> came;
  for (const TestRecord& record : records) came.push_back(RowText(record, compared));
  const size_t wanted = expected.size();
  const std::string diff =
      DiffRows(std::move(expected), std::move(came), step.any_order ? RowOrder::kAny : RowOrder::kKept);
  if (diff.empty()) return absl::OkStatus();
  return FailedPrecondition("topic ", step.topic, ": expected ", wanted, " row(s), got ", records.size(),
                            "; - is missing, + was not expected\n", diff);
}

absl::Status ExpectCount(std::string_view what, int64_t expected, uint64_t came) {
  if (static_cast<uint64_t>(expected) == came) return absl::OkStatus();
  return FailedPrecondition("expected ", expected, " ", what, " row(s) so far, got ", came);
}

class Runner {
 public:
  explicit Runner(TestDriver* driver) : driver_(driver) {}

  absl::Status Run(const TestStep& step) {
    using Kind = TestStep::Kind;
    switch (step.kind) {
      case Kind::kInsert:
        for (int64_t i = 0; i < step.repeat; ++i) {
          for (const TestRow& row : step.rows) LEAT_RETURN_IF_ERROR(driver_->Insert(step.topic, RecordOf(row)));
        }
        return absl::OkStatus();
      case Kind::kEventTime:
        LEAT_RETURN_IF_ERROR(driver_->AdvanceEventTime(step.topic, step.number));
        // Rows bring their time again after a restart; this one is kept by a checkpoint.
        return driver_->Checkpoint();
      case Kind::kClock:
        driver_->AdvanceClock(step.number);
        return absl::OkStatus();
      case Kind::kCheckpoint:
        return driver_->Checkpoint();
      case Kind::kRestart:
        return driver_->Crash();
      case Kind::kFinish:
        return driver_->Finish();
      case Kind::kExpect:
      case Kind::kExpectTable:
        return Expect(step);
      case Kind::kLate:
        return ExpectCount("late", step.number, driver_->late_rows());
      case Kind::kDead:
        return ExpectCount("dead", step.number, driver_->dead_rows());
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Expect(const TestStep& step) {
    if (!driver_->Writes(step.topic)) return NotFound("the job writes nothing to topic ", step.topic);
    // Readers find what is committed.
    LEAT_RETURN_IF_ERROR(driver_->Checkpoint());
    std::vector<TestRecord> records = driver_->Take(step.topic);
    std::map<std::string, TestRecord>& table = tables_[step.topic];
    for (const TestRecord& record : records) {
      const std::string key = record.key.value_or("");
      if (record.value) {
        table[key] = record;
      } else {
        table.erase(key);
      }
    }
    if (step.kind == TestStep::Kind::kExpect) return Compare(step, records);
    records.clear();
    for (const auto& [key, record] : table) records.push_back(record);
    return Compare(step, records);
  }

  TestDriver* driver_;
  std::map<std::string, std::map<std::string, TestRecord>> tables_;  // of each topic the last record of each key
};

}  // namespace

absl::Status RunJobTest(const TestedJob& job, const JobTest& test) {
  absl::StatusOr<std::unique_ptr<TestDriver>> driver = TestDriver::Create(
      job.sql, {.start_ms = test.start_ms, .parallelism = test.parallelism, .job = job.name, .exactly_once = true});
  if (!driver.ok()) return Annotate(driver.status(), job.sql_file);
  Runner runner(driver->get());
  for (const TestStep& step : test.steps) {
    LEAT_RETURN_IF_ERROR(Annotate(runner.Run(step), StrCat(job.test_file, ":", step.line)));
  }
  return absl::OkStatus();
}

}  // namespace leat::tool
