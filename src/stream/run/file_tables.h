// Tables with the connector 'filesystem': folders and files of the node that runs the job. Everything that has a disk
// blocks on it, and belongs to one thread: a worker's, or the control thread before there are workers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/status.h"
#include "env/disk.h"
#include "model/ids.h"
#include "stream/plan/plan.h"
#include "stream/run/changelog.h"
#include "stream/run/table_options.h"

namespace leat::run {

struct FileTable {
  std::string path;                            // absolute, normal
  std::optional<int64_t> monitor_interval_ms;  // none: the files that are there at the beginning
  int64_t roll_bytes = int64_t{128} << 20;     // sink.rolling-policy.file-size
  int64_t roll_ms = 30 * 60 * 1000;            // sink.rolling-policy.rollover-interval
};

bool IsFileTable(const plan::Table& table);
// kInvalidArgument names the option, what it takes and what came.
absl::StatusOr<FileTable> ParseFileTable(const plan::Table& table);
// How the runner decodes and encodes the table: a line is a record's value.
absl::StatusOr<KafkaTable> FileLines(const plan::Table& table);
// Whether FileLines made the table.
bool IsOfFiles(const KafkaTable& table);
// kFailedPrecondition names the configuration's key, unless the table's path lies in one of the folders. Links count
// as what they lead to.
absl::Status CheckFolders(const plan::Table& table, const std::vector<std::string>& allowed);

// What a checkpoint knows of files, as source positions of nodes that no plan has. `next` of a file that is read: its
// lines that have been; of one that is written: its bytes.
enum class FileEntry : int32_t { kReading, kRead, kWriting, kWritten };
state::Change EncodeFile(int plan_id, const std::string& path, FileEntry entry, int64_t next, int64_t watermark_ms);
state::Change ForgetFile(int plan_id, const std::string& path, FileEntry entry);

struct KnownFile {
  FileEntry entry = FileEntry::kReading;
  int64_t next = 0;
};
struct KnownFiles {
  std::map<std::string, KnownFile> files;  // by path
  int64_t watermark_ms = INT64_MIN;        // of what was read
};
// By plan node. kDataLoss: a damaged entry.
absl::StatusOr<std::map<int, KnownFiles>> FilesOf(const std::vector<SourcePosition>& positions);
// Whether a position is one of EncodeFile's.
bool IsFilePosition(const SourcePosition& position);

// Reads a table's files, their folders' too, one after the other, as records of one partition whose offsets count from
// 0 in each life.
class FileReader {
 public:
  // kNotFound: the path is not there.
  static absl::StatusOr<std::unique_ptr<FileReader>> Open(env::Disk& disk, const FileTable& table,
                                                          const KnownFiles& known);

  // The next lines as record batches from offset `from` on; empty: there is nothing now.
  absl::StatusOr<std::string> Read(int64_t from, int64_t now_ms);
  // The offset behind the last line, once everything that there will ever be has been read.
  std::optional<int64_t> end() const { return end_; }
  // When to look for new files; -1: never.
  int64_t NextDueMs() const;
  // What has changed since the last call, up to the record at `next`.
  void TakeChanges(int plan_id, int64_t next, int64_t watermark_ms, std::vector<state::Change>* changes);

 private:
  // Lines of a file, from `first_line`, that are the records from `first_record` on.
  struct Piece {
    std::string path;
    int64_t first_record = 0;
    int64_t first_line = 0;
    int64_t lines = 0;
    bool last = false;  // the file has no more
  };
  // The lines of a file from the front.
  struct Lines {
    std::string path;
    std::unique_ptr<env::File> file;
    uint64_t at = 0;  // of the bytes that are not in the buffer yet
    std::string buffer;
    size_t used = 0;
    bool ended = false;                                 // the file has nothing behind the buffer
    int64_t number = 0;                                 // of the next line
    absl::StatusOr<bool> Next(std::string_view* line);  // false: no more
    absl::StatusOr<bool> HasMore();
  };
  FileReader(env::Disk& disk, FileTable table) : disk_(disk), table_(std::move(table)) {}
  absl::Status List(const std::string& path);
  absl::Status OpenNext();

  env::Disk& disk_;
  FileTable table_;
  std::set<std::string> seen_;
  std::map<std::string, int64_t> waiting_;  // to be read, in this order: lines to skip
  std::set<std::string> unsaid_;            // that a checkpoint does not know yet
  std::optional<Lines> open_;
  std::vector<Piece> pieces_;
  int64_t records_ = 0;
  int64_t listed_ms_ = INT64_MIN;
  std::optional<int64_t> end_;
};

// What a life finds of files that earlier ones have written.
struct SettledFiles {
  std::map<std::string, int64_t> unfinished;  // committed bytes, in files that have no name yet
  std::vector<std::string> named;             // that a checkpoint still knows
};
// At the beginning of a life, before anything is written: cuts files in progress to what was committed, names those
// that were closed, removes those of the job that no checkpoint knows. kDataLoss: a file that a checkpoint knows is
// gone or too short.
absl::StatusOr<SettledFiles> SettleFiles(env::Disk& disk, const FileTable& table, int plan_id, std::string_view job,
                                         const KnownFiles& known);
// The same of a sink that the job's SQL does not have any more, from what is known of its files alone. What is gone or
// too short is told in the log, and keeps the job from nothing: `changes` forget it.
absl::StatusOr<SettledFiles> SettleDroppedFiles(env::Disk& disk, int plan_id, std::string_view job,
                                                const KnownFiles& known, std::vector<state::Change>* changes);
// Whether they were written; else read.
bool AreWritten(const KnownFiles& known);
// The folder of files that were written.
std::string FolderOf(const KnownFiles& known);
// The beginning of the names of a job's files. No job has the @ in its name.
std::string FilePrefix(std::string_view job, int plan_id);  // part-<job>@<node>-

// Writes rows into files of the table's folder, a line each. A file is called ".part-<..>.inprogress" until the
// checkpoint that closed it is committed; then it gets its name, and is not changed any more.
class FileWriter {
 public:
  // `unique`: distinguishes this life of this worker from all others.
  FileWriter(env::Disk& disk, FileTable table, int plan_id, std::string unique)
      : disk_(disk), table_(std::move(table)), plan_id_(plan_id), unique_(std::move(unique)) {}

  // What an earlier life left: the next barrier closes it. True if there is something to close.
  bool Resume(SettledFiles settled);

  absl::Status Add(std::string_view line, int64_t now_ms);
  // At a barrier: everything is on the disk; closes the file if it is large or old enough, or `close`.
  absl::Status Barrier(bool close, int64_t now_ms, std::vector<state::Change>* changes);
  // The last barrier's epoch is committed: gives closed files their names.
  absl::Status Committed();
  // When a file is old enough to be closed; -1: there is none.
  int64_t NextDueMs() const { return file_ == nullptr ? -1 : since_ms_ + table_.roll_ms; }

 private:
  absl::Status Begin(int64_t now_ms);
  absl::Status Flush();
  void Close(const std::string& path, int64_t bytes, std::vector<state::Change>* changes);

  env::Disk& disk_;
  FileTable table_;
  int plan_id_;
  std::string unique_;
  int files_ = 0;
  std::unique_ptr<env::File> file_;
  std::string path_;
  std::string buffer_;
  int64_t bytes_ = 0;  // of the file, without the buffer
  bool changed_ = false;
  int64_t since_ms_ = 0;
  std::vector<std::string> closed_;  // wait for the commit of the epoch
  std::vector<std::string> named_;   // that the next checkpoint is to forget
  SettledFiles settled_;             // the same, and what it is to close
};

}  // namespace leat::run
