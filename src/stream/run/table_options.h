// The WITH options of a kafka table, as the runner needs them. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/ids.h"
#include "model/transaction.h"
#include "stream/format/format.h"
#include "stream/plan/plan.h"

namespace leat::run {

enum class Startup { kGroupOffsets, kEarliest, kLatest, kTimestamp, kSpecificOffsets };
enum class Bounded { kUnbounded, kLatest, kGroupOffsets, kTimestamp, kSpecificOffsets };

struct KafkaTable {
  std::vector<std::string> topics;
  std::string group_id;  // empty: the job's name
  std::string value_format;
  format::FormatOptions value_options;
  std::string key_format;  // empty: the key is not read or written
  format::FormatOptions key_options;
  bool upsert = false;             // upsert-kafka: the last record of a key counts, one without a value deletes
  std::string key_prefix;          // key.fields-prefix: in front of the columns' names, not of the key's fields
  std::vector<int> key_columns;    // indexes into table.columns
  std::vector<int> value_columns;  // physical columns in the value, in order
  Startup startup = Startup::kGroupOffsets;
  int64_t startup_timestamp_ms = 0;
  std::map<int32_t, int64_t> startup_offsets;
  std::optional<int64_t> startup_offset;  // kSpecificOffsets: of every partition, instead of startup_offsets
  Bounded bounded = Bounded::kUnbounded;
  int64_t bounded_timestamp_ms = 0;
  std::map<int32_t, int64_t> bounded_offsets;
  model::Isolation isolation = model::Isolation::kReadCommitted;  // properties.isolation.level
  bool watermark_on_event = false;                                // scan.watermark.emit.strategy
  std::optional<int64_t> idle_timeout_ms;                         // scan.watermark.idle-timeout
};

// Whether the table lies on topics of the log.
bool IsKafkaTable(const plan::Table& table);

// kInvalidArgument names the option, what it takes and what came.
absl::StatusOr<KafkaTable> ParseKafkaTable(const plan::Table& table);

// "5 s", "100 ms", "1 min", "10": Flink's durations; a bare number is milliseconds.
absl::StatusOr<int64_t> ParseDurationMillis(std::string_view text);

}  // namespace leat::run
