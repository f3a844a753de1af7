// A job as a script for Apache Flink's SQL client: the same text, with what Leat fills in by itself made explicit.
// Pure.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

namespace leat::tool {

struct FlinkExportOptions {
  std::string job;
  std::string kafka;  // properties.bootstrap.servers
  // Where the sources begin: as the job's text says, or where the job has stopped (its group's positions).
  enum class Start { kAsWritten, kWhereItStopped };
  Start start = Start::kAsWritten;
  std::string topic_suffix;  // of the topics that are written, and, kAsWritten, of the groups
};

// kInvalidArgument: the text is no job, with its place. kUnimplemented: it has something that Flink cannot do with the
// data where they are.
absl::StatusOr<std::string> ExportToFlink(std::string_view script, const FlinkExportOptions& options);

}  // namespace leat::tool
