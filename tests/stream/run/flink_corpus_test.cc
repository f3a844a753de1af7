// Every case of tests/golden/flink, and every example of docs/sql, gives the rows that Apache Flink gave: record by
// record, in batches, on three workers, and with checkpoints and crashes at random places. LEAT_FLINK_CASES names
// another file or folder of cases, LEAT_FLINK_CASE one case of it, LEAT_SEED the seed of the crashes.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/random.h"
#include "base/status.h"
#include "base/strings.h"
#include "tests/stream/run/flink_cases.h"
#include "tests/support/seeds.h"
#include "tests/support/source_dir.h"

namespace leat::stream {
namespace {

enum class Way { kRecordByRecord, kBatches, kThreeWorkers, kCrashes };

std::vector<FlinkCase> Corpus() {
  const char* path = std::getenv("LEAT_FLINK_CASES");
  std::vector<FlinkCase> cases = ReadFlinkCases(path != nullptr ? path : test::SourceDir() + "/tests/golden/flink");
  if (path == nullptr) {
    for (FlinkCase& one : ReadFlinkCases(test::SourceDir() + "/docs/sql")) cases.push_back(std::move(one));
  }
  const char* name = std::getenv("LEAT_FLINK_CASE");
  if (name != nullptr) std::erase_if(cases, [&](const FlinkCase& one) { return one.name != name; });
  return cases;
}

// A run of a case: what was written and is committed, by topic.
class Run {
 public:
  Run(const FlinkCase& one, Way way, uint64_t seed) : case_(one), way_(way), random_(seed), sinks_(SinksOf(one.sql)) {}

  // An error of the run itself: refused, or rows that could not be worked on.
  absl::Status All() {
    auto driver = TestDriver::Create(case_.sql, {.parallelism = way_ == Way::kThreeWorkers ? 3 : 1});
    if (!driver.ok()) return driver.status();
    driver_ = *std::move(driver);
    for (size_t first = 0; first < case_.input.size();) {
      size_t count = 1;
      if (way_ == Way::kBatches) {
        while (first + count < case_.input.size() && case_.input[first + count].block == case_.input[first].block)
          ++count;
      }
      std::vector<TestRecord> records;
      for (size_t i = first; i < first + count; ++i) records.push_back(case_.input[i].record);
      const absl::Status inserted = driver_->InsertBatch(case_.input[first].topic, records);
      // The tables of a file are for all of its cases.
      if (!absl::IsNotFound(inserted)) LEAT_RETURN_IF_ERROR(inserted);
      first += count;
      if (way_ == Way::kCrashes) LEAT_RETURN_IF_ERROR(Disturb());
    }
    LEAT_RETURN_IF_ERROR(driver_->Finish());
    Commit();
    if (driver_->dead_rows() == 0) return absl::OkStatus();
    const std::vector<TestRecord> dead = driver_->Take("dead-letters");
    std::string reason;
    for (const auto& [key, value] : dead.at(0).headers) StrAppend(&reason, key, "=", value, " ");
    return absl::DataLossError(StrCat(driver_->dead_rows(), " dead rows: ", reason));
  }

  const std::vector<FlinkSink>& sinks() const { return sinks_; }
  const std::vector<TestRecord>& Written(const std::string& topic) { return committed_[topic]; }

 private:
  // With one topic a crash may come anywhere; with several the order between them is lost on what is read again, so the
  // checkpoint stands right in front of it.
  absl::Status Disturb() {
    const bool crash = random_.OneIn(3);
    if (random_.OneIn(3) || (crash && SeveralTopics())) {
      LEAT_RETURN_IF_ERROR(driver_->Checkpoint());
      Commit();
    }
    if (!crash) return absl::OkStatus();
    for (const FlinkSink& sink : sinks_) driver_->Take(sink.topic);
    return driver_->Crash();
  }
  bool SeveralTopics() const {
    for (const FlinkRecord& record : case_.input) {
      if (record.topic != case_.input[0].topic) return true;
    }
    return false;
  }
  void Commit() {
    for (const FlinkSink& sink : sinks_) {
      for (TestRecord& record : driver_->Take(sink.topic)) committed_[sink.topic].push_back(std::move(record));
    }
  }

  const FlinkCase& case_;
  const Way way_;
  Random random_;
  const std::vector<FlinkSink> sinks_;
  std::unique_ptr<TestDriver> driver_;
  std::map<std::string, std::vector<TestRecord>> committed_;
};

void CheckRun(const FlinkCase& one, Way way, uint64_t seed) {
  Run run(one, way, seed);
  const absl::Status status = run.All();
  if (one.answer.refused) {
    EXPECT_TRUE(absl::IsInvalidArgument(status) || absl::IsUnimplemented(status)) << "Flink refuses it: " << status;
    return;
  }
  if (one.answer.fails) {
    EXPECT_FALSE(status.ok()) << "Flink fails: " << one.raw_answer;
    return;
  }
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(run.sinks().size(), one.answer.topics.size());
  for (const FlinkSink& sink : run.sinks()) {
    ASSERT_TRUE(one.answer.topics.contains(sink.topic)) << sink.topic;
    const FlinkRows& expected = one.answer.topics.at(sink.topic);
    EXPECT_EQ(sink.columns, expected.columns);
    std::vector<exec::JsonNode> rows;
    EXPECT_EQ(Materialise(sink, run.Written(sink.topic), &rows), "");
    const std::string difference = Difference(expected, rows);
    EXPECT_TRUE(difference.empty()) << one.body << difference;
  }
}

class FlinkCorpus : public testing::TestWithParam<FlinkCase> {};

TEST_P(FlinkCorpus, GivesFlinksRows) {
  const FlinkCase& one = GetParam();
  ASSERT_FALSE(one.raw_answer.empty()) << "no answer is stored: tools/flinkdiff --update";
  for (const Way way : {Way::kRecordByRecord, Way::kBatches, Way::kThreeWorkers, Way::kCrashes}) {
    static constexpr const char* kNames[] = {"record by record", "in batches", "on three workers", "with crashes"};
    const uint64_t seed = sim::SeedNumber("LEAT_SEED", 1);
    SCOPED_TRACE(StrCat(one.file, ", line ", one.line, ", ", kNames[static_cast<int>(way)], ", seed ", seed));
    CheckRun(one, way, seed);
    if (HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, FlinkCorpus, testing::ValuesIn(Corpus()), [](const auto& parameter) {
  return StrCat(parameter.param.file, "__", parameter.param.name);
});

TEST(FlinkCorpusFolder, HasAtLeastFiveHundredCases) {
  EXPECT_GE(ReadFlinkCases(test::SourceDir() + "/tests/golden/flink").size(), 500u);
}

}  // namespace
}  // namespace leat::stream
