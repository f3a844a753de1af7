// The files that one worker of a job reads and writes. On the worker's thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "stream/run/file_tables.h"
#include "stream/run/job_context.h"

namespace leat::run {

class WorkerFiles {
 public:
  // Those of the job's sinks. The first worker goes on with what all of them have left.
  static WorkerFiles Open(JobContext& job, int worker, int64_t now_ms);
  // Of a source's graph node; null: it reads no files.
  static absl::StatusOr<std::unique_ptr<FileReader>> OpenReader(const JobContext& job, int node);

  // Whether what is appended to a topic goes into a file.
  bool Holds(const std::string& topic) const { return writers_.contains(topic); }
  // The values of the records, a line each.
  absl::Status Write(const std::string& topic, std::string_view batches, int64_t now_ms);
  absl::Status Barrier(bool close, int64_t now_ms, std::vector<state::Change>* changes);
  absl::Status Committed();
  // When a checkpoint has something to close; -1: never.
  int64_t NextDueMs() const;
  bool left_over() const { return left_over_; }  // earlier lives left files to be closed

 private:
  std::map<std::string, FileWriter> writers_;  // by topic
  std::vector<FileWriter> dropped_;            // of sinks that are gone: they only name what was written
  bool left_over_ = false;
};

}  // namespace leat::run
