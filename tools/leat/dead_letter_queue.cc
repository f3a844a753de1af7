#include "tools/leat/dead_letter_queue.h"

#include <absl/time/clock.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/status.h"

namespace leat::tool {

namespace {

constexpr absl::Duration kPollTimeout = absl::Milliseconds(200);
constexpr absl::Duration kPatience = absl::Seconds(30);  // with a partition from which nothing comes
constexpr size_t kLettersAtOnce = 500;                   // in one transaction
constexpr int64_t kNear = 500;                           // records that are read over instead of sought behind
constexpr size_t kMostTold = 10;
constexpr int64_t kOnePassMs = 60'000;  // between the letters of one record
constexpr size_t kOriginBytes = size_t{1} << 20;
// Letters are read from the first partition: the job writes to no other.
constexpr int32_t kPartition = 0;

absl::StatusOr<std::unique_ptr<client::Consumer>> ReaderOf(const std::shared_ptr<client::Connection>& connection,
                                                           const client::TopicPartition& partition,
                                                           client::ConsumerOptions options) {
  LEAT_ASSIGN_OR_RETURN(std::unique_ptr<client::Consumer> consumer, client::Consumer::Create(connection, options));
  LEAT_RETURN_IF_ERROR(consumer->Assign({partition}));
  return consumer;
}

}  // namespace

// The records that letters tell of.
class DeadLetterQueue::Origins {
 public:
  explicit Origins(std::shared_ptr<client::Connection> connection) : connection_(std::move(connection)) {}

  // nullopt: it is not there any more.
  absl::StatusOr<std::optional<client::ConsumerRecord>> Find(const RecordOrigin& origin) {
    absl::StatusOr<Reader*> reader = ReaderFor(origin.partition);
    if (absl::IsNotFound(reader.status())) return std::optional<client::ConsumerRecord>();
    LEAT_RETURN_IF_ERROR(reader.status());
    if (origin.offset >= (*reader)->range.end) {  // it came since
      LEAT_ASSIGN_OR_RETURN((*reader)->range, RangeOf((*reader)->consumer.get(), origin.partition));
    }
    if (origin.offset < (*reader)->range.begin || origin.offset >= (*reader)->range.end) {
      return std::optional<client::ConsumerRecord>();
    }
    auto found = FindIn((*reader)->consumer.get(), origin);
    if (absl::IsOutOfRange(found.status())) return std::optional<client::ConsumerRecord>();
    return found;
  }

 private:
  struct Reader {
    std::unique_ptr<client::Consumer> consumer;
    client::OffsetRange range;
  };

  absl::StatusOr<Reader*> ReaderFor(const client::TopicPartition& partition) {
    Reader& reader = readers_[partition];
    if (reader.consumer == nullptr) {
      LEAT_ASSIGN_OR_RETURN(
          auto consumer, ReaderOf(connection_, partition,
                                  {.reset = client::ConsumerOptions::Reset::kError, .prefetch_bytes = kOriginBytes}));
      LEAT_ASSIGN_OR_RETURN(reader.range, RangeOf(consumer.get(), partition));
      reader.consumer = std::move(consumer);
    }
    return &reader;
  }

  static absl::StatusOr<client::OffsetRange> RangeOf(client::Consumer* consumer,
                                                     const client::TopicPartition& partition) {
    LEAT_ASSIGN_OR_RETURN(const auto ranges, consumer->Offsets());
    return ranges.at(partition);
  }

  static absl::StatusOr<std::optional<client::ConsumerRecord>> FindIn(client::Consumer* consumer,
                                                                      const RecordOrigin& origin) {
    const int64_t position = consumer->Position(origin.partition);
    if (position < 0 || position > origin.offset || origin.offset - position > kNear) {
      LEAT_RETURN_IF_ERROR(consumer->Seek(origin.partition, origin.offset));
    }
    for (const absl::Time deadline = absl::Now() + kPatience; absl::Now() < deadline;) {
      const int64_t left = origin.offset - consumer->Position(origin.partition);
      if (left < 0) break;
      LEAT_ASSIGN_OR_RETURN(std::vector<client::ConsumerRecord> records,
                            consumer->Poll(kPollTimeout, static_cast<size_t>(left) + 1));
      for (client::ConsumerRecord& record : records) {
        if (record.offset == origin.offset) return std::optional<client::ConsumerRecord>(std::move(record));
        if (record.offset > origin.offset) return std::optional<client::ConsumerRecord>();
      }
    }
    if (consumer->Position(origin.partition) > origin.offset) return std::optional<client::ConsumerRecord>();
    return DeadlineExceeded(origin.partition.topic, "-", origin.partition.partition, ": nothing came of offset ",
                            origin.offset, " in ", absl::FormatDuration(kPatience));
  }

  std::shared_ptr<client::Connection> connection_;
  std::map<client::TopicPartition, Reader> readers_;
};

// What one transaction does.
struct DeadLetterQueue::Batch {
  std::vector<client::Record> records;
  int64_t next = 0;
};

DeadLetterQueue::DeadLetterQueue(std::shared_ptr<client::Connection> connection, std::string job,
                                 client::TopicPartition partition)
    : connection_(std::move(connection)),
      job_(std::move(job)),
      partition_(std::move(partition)),
      origins_(std::make_shared<Origins>(connection_)) {}

absl::StatusOr<DeadLetter> DeadLetterQueue::WithAttempts(DeadLetter letter) const {
  if (!letter.origin || letter.HoldsRecord() || letter.attempt > 0) return letter;
  LEAT_ASSIGN_OR_RETURN(const std::optional<client::ConsumerRecord> found, origins_->Find(*letter.origin));
  letter.attempt = AttemptsSoFar(letter, found ? &*found : nullptr);
  return letter;
}

absl::StatusOr<DeadLetterQueue> DeadLetterQueue::Open(const std::shared_ptr<client::Connection>& connection,
                                                      const std::string& job, const std::string& topic) {
  client::Admin admin(connection);
  std::string name = topic.empty() ? job + "-dlq" : topic;
  if (topic.empty()) {
    const absl::StatusOr<client::JobInfo> known = admin.DescribeJob(job);
    if (!known.ok() && !absl::IsNotFound(known.status())) return known.status();
    const auto set = known.ok() ? SettingOf(known->sql, "leat.dead-letter.topic") : std::nullopt;
    if (set) name = *set + SettingOf(known->sql, "leat.output.suffix").value_or("");
    if (!known.ok() && absl::IsNotFound(admin.DescribeTopic(name).status())) {
      return NotFound("there is no job '", job, "', and no topic ", name,
                      " with its dead letters; `leat job list` shows the jobs, --topic names another topic");
    }
  }
  LEAT_RETURN_IF_ERROR(admin.DescribeTopic(name).status());
  return DeadLetterQueue(connection, job, {name, kPartition});
}

absl::StatusOr<DeadLetterQueue::Range> DeadLetterQueue::Find() const {
  LEAT_ASSIGN_OR_RETURN(
      const auto consumer,
      ReaderOf(connection_, partition_, {.isolation = client::ConsumerOptions::Isolation::kReadCommitted}));
  LEAT_ASSIGN_OR_RETURN(const auto ranges, consumer->Offsets());
  Range range{.begin = ranges.at(partition_).begin, .end = ranges.at(partition_).end};
  range.waiting = range.begin;
  LEAT_ASSIGN_OR_RETURN(const auto offsets, client::Admin(connection_).GroupOffsets(group()));
  for (const client::CommittedOffset& offset : offsets) {
    if (offset.partition == partition_) range.waiting = std::clamp(offset.offset, range.begin, range.end);
  }
  return range;
}

absl::Status DeadLetterQueue::Read(int64_t from, int64_t end, const std::function<bool(DeadLetter)>& take) const {
  using Options = client::ConsumerOptions;
  LEAT_ASSIGN_OR_RETURN(const auto consumer, ReaderOf(connection_, partition_,
                                                      {.reset = Options::Reset::kEarliest,
                                                       .isolation = Options::Isolation::kReadCommitted}));
  LEAT_RETURN_IF_ERROR(consumer->Seek(partition_, from));
  absl::Time deadline = absl::Now() + kPatience;
  while (consumer->Position(partition_) < end) {
    LEAT_ASSIGN_OR_RETURN(const std::vector<client::ConsumerRecord> records, consumer->Poll(kPollTimeout));
    for (const client::ConsumerRecord& record : records) {
      if (record.offset >= end) return absl::OkStatus();
      DeadLetter letter = ParseDeadLetter(record);
      // Jobs may share a topic.
      if (!letter.job.empty() && letter.job != job_) continue;
      if (!take(std::move(letter))) return absl::OkStatus();
    }
    if (!records.empty()) deadline = absl::Now() + kPatience;
    if (absl::Now() > deadline) {
      return DeadlineExceeded(partition_.topic, "-", partition_.partition, ": nothing came behind offset ",
                              consumer->Position(partition_), " in ", absl::FormatDuration(kPatience));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<client::Producer>> DeadLetterQueue::TakeOver() const {
  client::ProducerOptions options;
  options.transactional_id = "leat-dlq-" + job_;
  return client::Producer::Create(connection_, options);
}

absl::Status DeadLetterQueue::Handle(client::Producer* producer, const Batch& batch) const {
  LEAT_RETURN_IF_ERROR(producer->BeginTransaction());
  const auto all = [&]() -> absl::Status {
    for (const client::Record& record : batch.records) LEAT_RETURN_IF_ERROR(producer->Send(record));
    LEAT_RETURN_IF_ERROR(producer->SendOffsets(group(), {{partition_, batch.next}}));
    return producer->CommitTransaction();
  }();
  if (!all.ok()) (void)producer->AbortTransaction();  // the first error is the one to tell
  return all;
}

absl::StatusOr<std::set<RecordOrigin>> DeadLetterQueue::HandledLately(const Range& range) const {
  std::set<RecordOrigin> handled;
  if (range.waiting == range.begin || range.waiting == range.end) return handled;
  std::optional<int64_t> first_ms;
  LEAT_RETURN_IF_ERROR(Read(range.waiting, range.end, [&](const DeadLetter& letter) {
    first_ms = letter.time_ms;
    return false;
  }));
  if (!first_ms) return handled;
  LEAT_ASSIGN_OR_RETURN(const auto consumer, ReaderOf(connection_, partition_, {}));
  LEAT_RETURN_IF_ERROR(consumer->SeekToTime(*first_ms - kOnePassMs));
  const int64_t from = std::clamp(consumer->Position(partition_), range.begin, range.waiting);
  LEAT_RETURN_IF_ERROR(Read(from, range.waiting, [&](const DeadLetter& letter) {
    if (letter.origin && letter.time_ms >= *first_ms - kOnePassMs) handled.insert(*letter.origin);
    return true;
  }));
  return handled;
}

absl::Status DeadLetterQueue::Decide(const DeadLetter& letter, int32_t max_attempts, Batch* batch,
                                     Outcome* outcome) const {
  std::optional<client::ConsumerRecord> found;
  if (letter.origin) {
    LEAT_ASSIGN_OR_RETURN(found, origins_->Find(*letter.origin));
  }
  const client::ConsumerRecord* const there = found ? &*found : nullptr;
  std::optional<client::Record> record = RecordToRetry(letter, there);
  const int32_t attempts = AttemptsSoFar(letter, there);
  if (record && attempts < max_attempts) {
    batch->records.push_back(*std::move(record));
    return absl::OkStatus();
  }
  std::string why = record           ? StrCat("it was sent again ", attempts, " time(s) already")
                    : !letter.origin ? "its row was made of several records"
                                     : "the record is not in its topic any more";
  ++outcome->not_sent;
  if (outcome->why.size() < kMostTold) outcome->why.push_back({letter.offset, std::move(why)});
  return absl::OkStatus();
}

absl::StatusOr<DeadLetterQueue::Outcome> DeadLetterQueue::Retry(const RetryOptions& options) {
  // First: from here on nobody else moves the position.
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<client::Producer> producer, TakeOver());
  LEAT_ASSIGN_OR_RETURN(const Range range, Find());
  Outcome outcome{.waiting = range.waiting};
  // Of two INSERTs each may have refused the record.
  LEAT_ASSIGN_OR_RETURN(std::set<RecordOrigin> handled, HandledLately(range));
  uint64_t left = options.limit;
  bool due = true;
  while (outcome.waiting < range.end && left > 0 && due) {
    Batch batch{.next = range.end};
    std::vector<DeadLetter> letters;
    const size_t most = static_cast<size_t>(std::min<uint64_t>(left, kLettersAtOnce));
    LEAT_RETURN_IF_ERROR(Read(outcome.waiting, range.end, [&](DeadLetter letter) {
      letters.push_back(std::move(letter));
      if (letters.size() == most) batch.next = letters.back().offset + 1;
      return letters.size() < most;
    }));
    left -= letters.size();
    for (const DeadLetter& read : letters) {
      LEAT_ASSIGN_OR_RETURN(const DeadLetter letter, WithAttempts(read));
      due = DueMillis(letter, options.backoff_ms) <= options.now_ms;
      if (!due) {
        batch.next = letter.offset;
        break;
      }
      if (letter.origin && !handled.insert(*letter.origin).second) {
        ++outcome.repeated;
        continue;
      }
      LEAT_RETURN_IF_ERROR(Decide(letter, options.max_attempts, &batch, &outcome));
    }
    if (batch.next == outcome.waiting) break;
    LEAT_RETURN_IF_ERROR(Handle(producer.get(), batch));
    outcome.sent += batch.records.size();
    outcome.waiting = batch.next;
  }
  return outcome;
}

absl::StatusOr<std::optional<int64_t>> DeadLetterQueue::NextDue(int64_t backoff_ms) const {
  LEAT_ASSIGN_OR_RETURN(const Range range, Find());
  std::optional<DeadLetter> first;
  LEAT_RETURN_IF_ERROR(Read(range.waiting, range.end, [&](DeadLetter letter) {
    first = std::move(letter);
    return false;
  }));
  if (!first) return std::optional<int64_t>();
  LEAT_ASSIGN_OR_RETURN(first, WithAttempts(*std::move(first)));
  return std::optional<int64_t>(DueMillis(*first, backoff_ms));
}

absl::StatusOr<uint64_t> DeadLetterQueue::Discard(uint64_t limit) {
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<client::Producer> producer, TakeOver());
  LEAT_ASSIGN_OR_RETURN(const Range range, Find());
  uint64_t passed = 0;
  if (limit == 0) return passed;
  Batch batch{.next = range.end};
  LEAT_RETURN_IF_ERROR(Read(range.waiting, range.end, [&](const DeadLetter& letter) {
    if (++passed == limit) batch.next = letter.offset + 1;
    return passed < limit;
  }));
  if (batch.next > range.waiting) LEAT_RETURN_IF_ERROR(Handle(producer.get(), batch));
  return passed;
}

}  // namespace leat::tool
