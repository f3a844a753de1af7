// A record of a job's dead-letter topic, and the record that is sent again for it. Pure.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "leat/client/consumer.h"
#include "leat/client/producer.h"

namespace leat::tool {

// Where a record stood when the job read it.
struct RecordOrigin {
  client::TopicPartition partition;
  int64_t offset = -1;
  friend auto operator<=>(const RecordOrigin&, const RecordOrigin&) = default;
};

struct DeadLetter {
  int64_t offset = -1;  // in the dead-letter topic
  int64_t time_ms = 0;
  std::string job;
  std::string reason;
  std::string step;                    // the operator that refused it
  std::optional<RecordOrigin> origin;  // nullopt: the row was made of several records
  int32_t attempt = 0;                 // how often the record was sent again before it failed this time
  std::optional<int64_t> whole_bytes;  // of a value that was cut
  std::optional<std::string> key;
  std::optional<std::string> value;
  client::Headers headers;  // the record's own

  // Key and value are the record's: it failed when it was read. Of a later operator the value is its row as text.
  bool HoldsRecord() const;
};

// When a letter may be sent again: this long after it was written, and twice as long for each attempt before.
int64_t DueMillis(const DeadLetter& letter, int64_t backoff_ms);

DeadLetter ParseDeadLetter(const client::ConsumerRecord& record);

// What to send for a letter: the record as it stood in its topic (nullptr: it is there no more), else as the letter
// holds it, at the same partition, with the header leat.attempt. nullopt: nobody knows what the record was.
std::optional<client::Record> RecordToRetry(const DeadLetter& letter, const client::ConsumerRecord* found);
// How often that record was sent again already.
int32_t AttemptsSoFar(const DeadLetter& letter, const client::ConsumerRecord* found);

// The value of the script's last SET of a key; nullopt: there is none.
std::optional<std::string> SettingOf(std::string_view script, std::string_view key);

}  // namespace leat::tool
