#include <algorithm>

#include "stream/run/file_tables.h"
#include "stream/run/sink_writer.h"

namespace leat::run {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr size_t kBatchBytes = size_t{1} << 20;
constexpr size_t kMaxLineBytes = size_t{8} << 20;
constexpr int64_t kLinesOfBatch = 2048;

// Names that begin like this are not data: files in progress, markers.
bool IsHidden(const std::string& name) { return name.starts_with('.') || name.starts_with('_'); }

}  // namespace

absl::StatusOr<bool> FileReader::Lines::Next(std::string_view* line) {
  size_t from = used;
  while (true) {
    const size_t end = buffer.find('\n', from);
    if (end != std::string::npos) {
      *line = std::string_view(buffer).substr(used, end - used);
      used = end + 1;
      break;
    }
    if (ended) {
      if (used == buffer.size()) return false;
      *line = std::string_view(buffer).substr(used);
      used = buffer.size();
      break;
    }
    if (buffer.size() - used > kMaxLineBytes) {
      return InvalidArgument("file ", path, ", line ", number + 1, ": it is longer than ", kMaxLineBytes, " bytes");
    }
    buffer.erase(0, used);
    used = 0;
    from = buffer.size();
    buffer.resize(from + kReadBytes);
    LEAT_ASSIGN_OR_RETURN(const size_t got, file->ReadAt(at, buffer.data() + from, kReadBytes));
    buffer.resize(from + got);
    at += got;
    ended = got == 0;
  }
  if (line->ends_with('\r')) line->remove_suffix(1);
  ++number;
  return true;
}

absl::StatusOr<bool> FileReader::Lines::HasMore() {
  if (used < buffer.size()) return true;
  if (ended) return false;
  buffer.resize(kReadBytes);
  used = 0;
  LEAT_ASSIGN_OR_RETURN(const size_t got, file->ReadAt(at, buffer.data(), kReadBytes));
  buffer.resize(got);
  at += got;
  ended = got == 0;
  return got > 0;
}

absl::StatusOr<std::unique_ptr<FileReader>> FileReader::Open(env::Disk& disk, const FileTable& table,
                                                             const KnownFiles& known) {
  auto reader = std::unique_ptr<FileReader>(new FileReader(disk, table));  // NOLINT: private constructor
  for (const auto& [path, file] : known.files) {
    reader->seen_.insert(path);
    if (file.entry == FileEntry::kReading) reader->waiting_[path] = file.next;
  }
  // A checkpoint of a table that is not watched knows all of its files.
  if (table.monitor_interval_ms || known.files.empty()) LEAT_RETURN_IF_ERROR(reader->List(table.path));
  if (!table.monitor_interval_ms && reader->waiting_.empty()) reader->end_ = 0;
  return reader;
}

// The path is a folder if it can be listed.
absl::Status FileReader::List(const std::string& path) {
  if (seen_.contains(path)) return absl::OkStatus();
  const absl::StatusOr<std::vector<std::string>> names = disk_.List(path);
  if (names.ok()) {
    for (const std::string& name : *names) {
      if (!IsHidden(name)) LEAT_RETURN_IF_ERROR(List(env::JoinPath(path, name)));
    }
    return absl::OkStatus();
  }
  const absl::StatusOr<std::unique_ptr<env::File>> file = disk_.Open(path, env::OpenMode::kRead);
  if (absl::IsNotFound(file.status()) && path != table_.path) return absl::OkStatus();  // it has just gone
  LEAT_RETURN_IF_ERROR(Annotate(file.status(), StrCat("reading ", path)));
  seen_.insert(path);
  unsaid_.insert(path);
  waiting_[path] = 0;
  return absl::OkStatus();
}

absl::Status FileReader::OpenNext() {
  const auto [path, skip] = *waiting_.begin();
  waiting_.erase(waiting_.begin());
  auto file = disk_.Open(path, env::OpenMode::kRead);
  if (!file.ok()) return Annotate(file.status(), StrCat("reading ", path));
  open_.emplace();
  open_->path = path;
  open_->file = *std::move(file);
  std::string_view line;
  for (int64_t i = 0; i < skip; ++i) {
    LEAT_ASSIGN_OR_RETURN(const bool more, open_->Next(&line));
    if (!more) {
      return DataLoss("the file ", path, " has ", i, " lines, but ", skip,
                      " of it have been read: files may not be changed while a job reads them");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> FileReader::Read(int64_t from, int64_t now_ms) {
  LEAT_CHECK(from == records_) << from << " " << records_;
  TopicWriter writer("filesystem", TopicShape{.partitions = 1, .max_batch_bytes = 2 * kMaxLineBytes}, kBatchBytes);
  std::vector<PendingAppend> ready;
  while (records_ == from) {
    if (table_.monitor_interval_ms && !open_ && waiting_.empty() && now_ms >= NextDueMs()) {
      listed_ms_ = now_ms;
      LEAT_RETURN_IF_ERROR(List(table_.path));
    }
    if (!open_ && waiting_.empty()) break;
    if (!open_) LEAT_RETURN_IF_ERROR(OpenNext());
    Piece piece{.path = open_->path, .first_record = records_, .first_line = open_->number};
    std::string_view line;
    size_t bytes = 0;
    while (piece.lines < kLinesOfBatch && bytes < kBatchBytes) {
      LEAT_ASSIGN_OR_RETURN(const bool more, open_->Next(&line));
      if (!more) break;
      // An empty line is no row, and is counted all the same.
      const auto value = line.empty() ? std::nullopt : std::optional<std::string_view>(line);
      LEAT_RETURN_IF_ERROR(writer.Add(now_ms, std::nullopt, value, {}, &ready));
      bytes += line.size();
      ++piece.lines;
    }
    LEAT_ASSIGN_OR_RETURN(const bool more, open_->HasMore());
    piece.last = !more;
    records_ += piece.lines;
    pieces_.push_back(std::move(piece));
    if (more) continue;
    open_.reset();
    if (waiting_.empty() && !table_.monitor_interval_ms) end_ = records_;
  }
  LEAT_RETURN_IF_ERROR(writer.Flush(&ready));
  std::string batches;
  int64_t base = from;
  for (PendingAppend& append : ready) {
    model::SetBaseOffset(append.batches.data(), model::Offset{base});
    LEAT_ASSIGN_OR_RETURN(const model::BatchHeader header, model::ParseBatchHeader(append.batches));
    base += header.record_count;
    batches += append.batches;
  }
  return batches;
}

int64_t FileReader::NextDueMs() const {
  if (!table_.monitor_interval_ms) return -1;
  return listed_ms_ == INT64_MIN ? 0 : listed_ms_ + *table_.monitor_interval_ms;
}

void FileReader::TakeChanges(int plan_id, int64_t next, int64_t watermark_ms, std::vector<state::Change>* changes) {
  for (const std::string& path : unsaid_) {
    changes->push_back(EncodeFile(plan_id, path, FileEntry::kReading, 0, INT64_MIN));
  }
  unsaid_.clear();
  size_t done = 0;
  for (Piece& piece : pieces_) {
    const int64_t lines = std::min(piece.lines, next - piece.first_record);
    if (lines < 0 || (lines == 0 && piece.lines > 0)) break;
    const int64_t read = piece.first_line + lines;
    const bool whole = lines == piece.lines;
    if (whole && piece.last) {
      changes->push_back(ForgetFile(plan_id, piece.path, FileEntry::kReading));
      changes->push_back(EncodeFile(plan_id, piece.path, FileEntry::kRead, read, watermark_ms));
    } else {
      changes->push_back(EncodeFile(plan_id, piece.path, FileEntry::kReading, read, watermark_ms));
    }
    if (!whole) {
      piece.first_record += lines;
      piece.first_line += lines;
      piece.lines -= lines;
      break;
    }
    ++done;
  }
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(done));
}

}  // namespace leat::run
