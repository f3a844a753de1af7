// A case run on the in-process driver, in one of the ways that must not change what is there in the end.
#pragma once

#include <absl/status/status.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "leat/stream/test_driver.h"
#include "tests/stream/run/flink_cases.h"

namespace leat::stream {

enum class Way { kRecordByRecord, kBatches, kThreeWorkers, kCrashes };

// What was written and is committed, by topic. The case outlives it.
class CaseRun {
 public:
  CaseRun(const FlinkCase& one, Way way, uint64_t seed)
      : case_(one), way_(way), random_(seed), sinks_(SinksOf(one.sql)) {}

  // An error of the run itself: refused, or rows that could not be worked on (kDataLoss).
  absl::Status All();

  const std::vector<FlinkSink>& sinks() const { return sinks_; }
  const std::vector<TestRecord>& Written(const std::string& topic) { return committed_[topic]; }

 private:
  absl::Status Disturb();
  bool SeveralTopics() const;
  void Commit();

  const FlinkCase& case_;
  const Way way_;
  Random random_;
  const std::vector<FlinkSink> sinks_;
  std::unique_ptr<TestDriver> driver_;
  std::map<std::string, std::vector<TestRecord>> committed_;
};

}  // namespace leat::stream
