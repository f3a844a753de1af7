#include "stream/run/job_options.h"

#include <absl/strings/numbers.h>

#include "model/ids.h"

namespace leat::run {
namespace {

constexpr std::string_view kFrom = "leat.start.from";
constexpr std::string_view kSuffix = "leat.output.suffix";
constexpr std::string_view kCpuLimit = "leat.cpu.limit";
constexpr double kLeastCores = 0.01;
constexpr double kMostCores = 1024;

std::string Setting(const std::map<std::string, std::string>& settings, std::string_view key,
                    std::string_view fallback = "") {
  const auto found = settings.find(std::string(key));
  return found == settings.end() ? std::string(fallback) : found->second;
}

absl::StatusOr<StartFrom> ParseFrom(std::string_view text) {
  if (text == "earliest") return StartFrom{.startup = Startup::kEarliest};
  if (text == "latest") return StartFrom{.startup = Startup::kLatest};
  const size_t blank = text.find(' ');
  const std::string_view word = text.substr(0, blank);
  StartFrom from{.startup = word == "offset" ? Startup::kSpecificOffsets : Startup::kTimestamp};
  const bool known = word == "offset" || word == "timestamp";
  if (!known || blank == std::string_view::npos || !absl::SimpleAtoi(ToAbsl(text.substr(blank + 1)), &from.value) ||
      from.value < 0) {
    return InvalidArgument("SET '", kFrom, "': expected earliest, latest, offset N or timestamp MS, got '", text, "'");
  }
  return from;
}

absl::StatusOr<double> ParseCores(const std::string& text) {
  double cores = 0;
  if (absl::SimpleAtod(text, &cores) && cores >= kLeastCores && cores <= kMostCores) return cores;
  return InvalidArgument("SET '", kCpuLimit, "': expected a number of cores from 0.01 to 1024, such as 0.5, got '",
                         text, "'");
}

}  // namespace

absl::StatusOr<JobOptions> ParseJobOptions(const std::map<std::string, std::string>& settings, std::string_view job) {
  JobOptions options{.suffix = Setting(settings, kSuffix)};
  if (!options.suffix.empty() && !model::IsValidTopicName(StrCat("x", options.suffix))) {
    return InvalidArgument("SET '", kSuffix, "': expected letters, digits, dots, dashes and underscores, got '",
                           options.suffix, "'");
  }
  for (const std::string_view key : {"leat.dead-letter.topic", "leat.late.topic"}) {
    if (!settings.contains(std::string(key))) continue;
    const std::string topic = Setting(settings, key) + options.suffix;
    if (!model::IsValidTopicName(topic)) {
      return InvalidArgument("SET '", key, "': expected the name of a topic, got '", topic, "'");
    }
    (key == "leat.late.topic" ? options.late_topic : options.dead_letter_topic) = topic;
  }
  if (options.dead_letter_topic.empty()) options.dead_letter_topic = StrCat(job, "-dlq");
  if (const std::string from = Setting(settings, kFrom); !from.empty()) {
    LEAT_ASSIGN_OR_RETURN(options.from, ParseFrom(from));
  }
  if (const std::string cores = Setting(settings, kCpuLimit); !cores.empty()) {
    LEAT_ASSIGN_OR_RETURN(options.cpu_limit, ParseCores(cores));
  }
  return options;
}

void ApplyTo(const JobOptions& options, Direction direction, KafkaTable* table) {
  if (direction == Direction::kWrite) {
    for (std::string& topic : table->topics) topic += options.suffix;
    return;
  }
  if (!table->group_id.empty()) table->group_id += options.suffix;
  if (!options.from || table->upsert) return;
  table->startup = options.from->startup;
  table->startup_offsets.clear();
  table->startup_offset.reset();
  if (table->startup == Startup::kSpecificOffsets) table->startup_offset = options.from->value;
  if (table->startup == Startup::kTimestamp) table->startup_timestamp_ms = options.from->value;
}

}  // namespace leat::run
