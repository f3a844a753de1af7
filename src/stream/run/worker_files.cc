#include "stream/run/worker_files.h"

#include <algorithm>

namespace leat::run {
namespace {

constexpr size_t kMaxBatchBytes = size_t{64} << 20;

}  // namespace

WorkerFiles WorkerFiles::Open(JobContext& job, int worker, int64_t now_ms) {
  WorkerFiles files;
  for (const auto& [node, table] : job.files) {
    const plan::Node& description = *job.graph.nodes[static_cast<size_t>(node)].plan;
    if (description.kind != plan::NodeKind::kSink) continue;
    FileWriter writer(*job.disk, table, description.id,
                      StrCat(FilePrefix(job.job, description.id), worker, "-", now_ms));
    if (worker == 0) files.left_over_ = writer.Resume(job.settled.at(node)) || files.left_over_;
    files.writers_.emplace(job.tables.at(node).topics.front(), std::move(writer));
  }
  for (const auto& [id, settled] : job.dropped_files) {
    if (worker > 0) break;
    files.dropped_.emplace_back(*job.disk, FileTable{.path = settled.first}, id, "");
    files.left_over_ = files.dropped_.back().Resume(settled.second) || files.left_over_;
  }
  return files;
}

absl::StatusOr<std::unique_ptr<FileReader>> WorkerFiles::OpenReader(const JobContext& job, int node) {
  const auto table = job.files.find(node);
  if (table == job.files.end()) return std::unique_ptr<FileReader>();
  const auto known = job.known_files.find(job.graph.nodes[static_cast<size_t>(node)].plan->id);
  return FileReader::Open(*job.disk, table->second, known == job.known_files.end() ? KnownFiles() : known->second);
}

absl::Status WorkerFiles::Write(const std::string& topic, std::string_view batches, int64_t now_ms) {
  FileWriter& writer = writers_.at(topic);
  while (!batches.empty()) {
    LEAT_ASSIGN_OR_RETURN(const std::string_view batch, model::TakeBatch(&batches));
    LEAT_ASSIGN_OR_RETURN(auto records, model::RecordIterator::Open(batch, kMaxBatchBytes));
    for (model::RecordView record;;) {
      LEAT_ASSIGN_OR_RETURN(const bool more, records.Next(&record));
      if (!more) break;
      LEAT_RETURN_IF_ERROR(writer.Add(record.value.value_or(""), now_ms));
    }
  }
  return absl::OkStatus();
}

absl::Status WorkerFiles::Barrier(bool close, int64_t now_ms, std::vector<state::Change>* changes) {
  for (auto& [topic, writer] : writers_) LEAT_RETURN_IF_ERROR(writer.Barrier(close, now_ms, changes));
  for (FileWriter& writer : dropped_) LEAT_RETURN_IF_ERROR(writer.Barrier(close, now_ms, changes));
  return absl::OkStatus();
}

absl::Status WorkerFiles::Committed() {
  for (auto& [topic, writer] : writers_) LEAT_RETURN_IF_ERROR(writer.Committed());
  for (FileWriter& writer : dropped_) LEAT_RETURN_IF_ERROR(writer.Committed());
  return absl::OkStatus();
}

int64_t WorkerFiles::NextDueMs() const {
  int64_t next = -1;
  for (const auto& [topic, writer] : writers_) {
    const int64_t due = writer.NextDueMs();
    if (due >= 0 && (next < 0 || due < next)) next = due;
  }
  return next;
}

}  // namespace leat::run
