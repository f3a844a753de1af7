// The job options that say where a job begins and what its outputs are called, whatever its tables say. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "stream/run/table_options.h"

namespace leat::run {

// SET 'leat.start.from': of a job without a checkpoint. 'earliest', 'latest', 'offset N', 'timestamp MS'.
struct StartFrom {
  Startup startup = Startup::kEarliest;
  int64_t value = 0;  // kSpecificOffsets: of every partition; kTimestamp: ms since 1970
};

struct JobOptions {
  std::optional<StartFrom> from;
  // SET 'leat.output.suffix': behind the names of the topics that are written and of the groups, if the script names
  // them.
  std::string suffix;
  std::string dead_letter_topic;
  std::string late_topic;  // empty: late rows are only counted
  double cpu_limit = 0;    // SET 'leat.cpu.limit': cores; 0: as many as there are
};

// kInvalidArgument names the key, what it takes and what came.
absl::StatusOr<JobOptions> ParseJobOptions(const std::map<std::string, std::string>& settings, std::string_view job);

// A table's rows are all of it: where one of upsert-kafka begins does not change.
enum class Direction { kRead, kWrite };
void ApplyTo(const JobOptions& options, Direction direction, KafkaTable* table);

}  // namespace leat::run
