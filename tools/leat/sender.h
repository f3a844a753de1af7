// Sends records of one topic at a given rate, counts every outcome, and says how it goes. Not thread-safe.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>

#include "leat/client/producer.h"
#include "tools/leat/context.h"

namespace leat::tool {

struct SenderOptions {
  std::string topic;
  client::ProducerOptions producer;
  double records_per_second = 0;  // 0: as fast as it goes
};

struct SenderSummary {
  uint64_t sent = 0;
  uint64_t acknowledged = 0;
  uint64_t failed = 0;
  uint64_t skipped = 0;  // bad input lines, counted by the caller
  absl::Duration elapsed;
};

class Sender {
 public:
  static absl::StatusOr<std::unique_ptr<Sender>> Create(Context* context, const SenderOptions& options);
  ~Sender();

  // Waits for the record's intended time, then queues it. `place` says where the record came from, for errors. After
  // the first failure of a record nothing more is sent: the error is returned.
  absl::Status Send(client::Record record, uint64_t place);
  // Waits for what is under way. The first failure, with its place: then something was not acknowledged.
  absl::Status Finish();
  SenderSummary summary() const;

 private:
  struct Outcomes;

  Sender(const SenderOptions& options, std::shared_ptr<Outcomes> outcomes, std::unique_ptr<client::Producer> producer);
  void Pace();
  void ShowProgress();
  void ClearProgress();

  SenderOptions options_;
  std::shared_ptr<Outcomes> outcomes_;
  std::unique_ptr<client::Producer> producer_;
  absl::Time start_;
  absl::Time end_;
  absl::Time next_progress_;
  uint64_t sent_ = 0;
  uint64_t shown_ = 0;
  bool terminal_ = false;
};

// "produced N records to TOPIC in S s" on stderr, or the same as an object on stdout with -o json.
void PrintSummary(const Context& context, const std::string& topic, const SenderSummary& summary);

}  // namespace leat::tool
