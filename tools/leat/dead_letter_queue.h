// The dead letters of one job, read and handled. How far they have been handled, by sending them again or by passing
// them over, is the position of the consumer group <job>-dlq: it moves in the transaction that sends. Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "leat/client/admin.h"
#include "leat/client/consumer.h"
#include "leat/client/producer.h"
#include "tools/leat/dead_letter.h"

namespace leat::tool {

class DeadLetterQueue {
 public:
  // kNotFound: there is neither such a job nor a topic of its letters. A job that was deleted has its letters still.
  // `topic` overrides what the job's SQL says.
  static absl::StatusOr<DeadLetterQueue> Open(const std::shared_ptr<client::Connection>& connection,
                                              const std::string& job, const std::string& topic);

  const std::string& job() const { return job_; }
  const client::TopicPartition& partition() const { return partition_; }
  std::string group() const { return job_ + "-dlq"; }

  struct Range {
    int64_t begin = 0;    // of the topic
    int64_t waiting = 0;  // the first that was not handled
    int64_t end = 0;
  };
  absl::StatusOr<Range> Find() const;

  // Calls `take` for the job's letters in [from, end), in order, until it says false.
  absl::Status Read(int64_t from, int64_t end, const std::function<bool(DeadLetter)>& take) const;

  struct Refused {
    int64_t offset = 0;
    std::string why;
  };
  struct Outcome {
    uint64_t sent = 0;
    uint64_t repeated = 0;     // another letter of the same record was handled
    uint64_t not_sent = 0;     // passed over
    std::vector<Refused> why;  // of those, the first few
    int64_t waiting = 0;       // the new position
  };
  struct RetryOptions {
    uint64_t limit = UINT64_MAX;  // of letters
    int32_t max_attempts = 3;
    int64_t backoff_ms = 0;      // letters that are not due wait, and with them those behind them
    int64_t now_ms = INT64_MAX;  // ms since 1970
  };
  // The letter with its record's count of attempts, which a letter of a later operator does not have itself.
  absl::StatusOr<DeadLetter> WithAttempts(DeadLetter letter) const;
  // When the first letter that waits is due; nullopt: none waits.
  absl::StatusOr<std::optional<int64_t>> NextDue(int64_t backoff_ms) const;
  // Sends what waits again, each once however often and by whomever this is called. kAborted: somebody else has begun
  // to handle this job's letters meanwhile.
  absl::StatusOr<Outcome> Retry(const RetryOptions& options);
  // Passes over the first `limit` letters that wait. The answer: how many those were.
  absl::StatusOr<uint64_t> Discard(uint64_t limit);

 private:
  class Origins;
  struct Batch;

  DeadLetterQueue(std::shared_ptr<client::Connection> connection, std::string job, client::TopicPartition partition);
  // Decides what becomes of one letter: a record of *batch, or a line of *outcome.
  absl::Status Decide(const DeadLetter& letter, int32_t max_attempts, Batch* batch, Outcome* outcome) const;
  // Records whose letters were handled before `waiting`, and which one that waits may tell of too: two INSERTs that
  // refused a record in one pass write their letters within a minute. What was read anew since is another attempt.
  absl::StatusOr<std::set<RecordOrigin>> HandledLately(const Range& range) const;
  // Whoever had one before can do nothing any more.
  absl::StatusOr<std::unique_ptr<client::Producer>> TakeOver() const;
  absl::Status Handle(client::Producer* producer, const Batch& batch) const;

  std::shared_ptr<client::Connection> connection_;
  std::string job_;
  client::TopicPartition partition_;
  std::shared_ptr<Origins> origins_;
};

}  // namespace leat::tool
