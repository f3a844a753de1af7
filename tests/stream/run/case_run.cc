#include "tests/stream/run/case_run.h"

#include <utility>

#include "base/status.h"
#include "base/strings.h"

namespace leat::stream {

absl::Status CaseRun::All() {
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

// With one topic a crash may come anywhere; with several the order between them is lost on what is read again, so the
// checkpoint stands right in front of it.
absl::Status CaseRun::Disturb() {
  const bool crash = random_.OneIn(3);
  if (random_.OneIn(3) || (crash && SeveralTopics())) {
    LEAT_RETURN_IF_ERROR(driver_->Checkpoint());
    Commit();
  }
  if (!crash) return absl::OkStatus();
  for (const FlinkSink& sink : sinks_) driver_->Take(sink.topic);
  return driver_->Crash();
}

bool CaseRun::SeveralTopics() const {
  for (const FlinkRecord& record : case_.input) {
    if (record.topic != case_.input[0].topic) return true;
  }
  return false;
}

void CaseRun::Commit() {
  for (const FlinkSink& sink : sinks_) {
    for (TestRecord& record : driver_->Take(sink.topic)) committed_[sink.topic].push_back(std::move(record));
  }
}

}  // namespace leat::stream
