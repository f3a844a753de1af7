// What a producer holds: records gathered into batches, one line of batches for each partition. Knows neither threads
// nor the network; the producer's lock guards it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/strings.h"
#include "base/time.h"
#include "leat/client/producer.h"
#include "model/record_batch.h"

namespace leat::client {

struct Topic;

// A record whose sender wants to know.
struct Completion {
  int32_t index = 0;  // within its batch
  int64_t timestamp_ms = 0;
  Producer::Callback callback;
};

struct Batch {
  explicit Batch(const model::BatchBuilder::Options& options) : builder(options) {}
  model::BatchBuilder builder;
  std::string bytes;  // the finished batch, made when it is sent first
  int32_t records = 0;
  int32_t sequence = -1;     // of the first record, as the producer has numbered it; -1: not yet
  int attempts = 0;          // of sending it
  size_t charged_bytes = 0;  // of the buffer
  Instant deadline;          // of its delivery
  uint64_t generation = 0;   // the number of flushes before it
  std::vector<Completion> completions;
};

// How the batches of a partition are numbered, so that the broker knows one that it has already.
struct ProducerNumbers {
  uint64_t generation = 0;  // which of the producer's ids is used here; 0: none yet
  model::ProducerId producer_id{-1};
  int16_t producer_epoch = -1;
  int32_t next_sequence = 0;
  bool known = false;  // the broker has taken a batch: from then on it notices a gap
};

struct Partition {
  Topic* topic = nullptr;
  int32_t id = 0;
  std::unique_ptr<Batch> open;              // still taking records
  Instant linger_until;                     // of the open batch
  std::deque<std::unique_ptr<Batch>> line;  // sealed, in order; the first `in_flight` of them are on their way
  size_t in_flight = 0;
  size_t alone = 0;     // so many batches are sent one by one: together they were refused
  bool ready = false;   // stands in Batches::ready
  Instant not_before;   // after a failure: when to try again
  std::string leader;   // the address of the broker to send to; empty: any
  std::string sent_to;  // the same, of what is on its way
  ProducerNumbers numbers;
};

struct Topic {
  std::string name;
  int32_t partition_count = 0;  // 0: not known
  bool resolving = false;       // somebody asks the broker
  std::vector<std::unique_ptr<Partition>> partitions;
  size_t sticky = 0;  // where records without a key go until its batch is full
};

class Batches {
 public:
  Batches(const ProducerOptions& options, model::Compression compression)
      : options_(options), compression_(compression) {}

  Topic& TopicNamed(std::string_view name);
  void SetPartitionCount(Topic* topic, int32_t count);
  // The partition for a record. REQUIRES: the count is known and record.partition, if set, below it.
  Partition& Choose(Topic* topic, const Record& record);

  static size_t SizeOf(const Record& record);
  // True if the sender has something new to look at: a sealed batch or a first one that lingers.
  bool Add(Partition* partition, const Record& record, Producer::Callback callback, int64_t wall_ms, Instant now);
  void Seal(Partition* partition);
  void SealAll();
  // Seals what has lingered long enough.
  void SealLingering(Instant now);

  // The next partition of this leader with batches to send, none of them on their way; nullptr if there is none.
  Partition* NextReady(Instant now, std::string_view leader);
  // The brokers that sealed batches wait for, and the topics with something there or on its way there.
  std::set<std::string> WaitingFor() const;
  std::set<std::string> TopicsAt(std::string_view leader) const;
  void MakeReady(Partition* partition);
  // When something must be looked at again: lingering, backing off or overdue. Instant::Max(): nothing.
  Instant NextDeadline(Instant now) const;
  // Takes the first `count` batches out of the line: they are acknowledged or failed.
  std::vector<std::unique_ptr<Batch>> Take(Partition* partition, size_t count);
  // All that wait, not being on their way, past their deadline.
  std::vector<std::pair<Partition*, std::vector<std::unique_ptr<Batch>>>> TakeOverdue(Instant now);
  // Those with a batch on its way that is past its deadline.
  std::vector<const Partition*> OverdueInFlight(Instant now) const;

  // A batch's outcome has been told.
  void Release(const Batch& batch);
  uint64_t BeginFlush() { return generation_++; }
  bool Flushed(uint64_t generation) const { return unfinished_.empty() || unfinished_.begin()->first > generation; }
  size_t buffered_bytes() const { return buffered_bytes_; }
  bool empty() const { return unfinished_.empty(); }
  bool all_open() const { return open_bytes_ == buffered_bytes_; }

 private:
  void Open(Partition* partition, Instant now);

  const ProducerOptions options_;
  const model::Compression compression_;
  StringMap<std::unique_ptr<Topic>> topics_;
  std::vector<Partition*> partitions_;  // all
  std::deque<Partition*> ready_;
  bool sealed_ = false;  // by Choose: the Add that follows tells it
  size_t buffered_bytes_ = 0;
  size_t open_bytes_ = 0;
  uint64_t generation_ = 0;
  std::map<uint64_t, size_t> unfinished_;  // batches without an outcome, by generation
};

}  // namespace leat::client
