// Every case of tests/golden/flink, and every example of docs/sql, gives the rows that Apache Flink gave: record by
// record, in batches, on three workers, and with checkpoints and crashes at random places. LEAT_FLINK_CASES names
// another file or folder of cases, LEAT_FLINK_CASE one case of it, LEAT_SEED the seed of the crashes.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/strings.h"
#include "tests/stream/run/case_run.h"
#include "tests/stream/run/flink_cases.h"
#include "tests/support/seeds.h"
#include "tests/support/source_dir.h"

namespace leat::stream {
namespace {

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

void CheckRun(const FlinkCase& one, Way way, uint64_t seed) {
  CaseRun run(one, way, seed);
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
