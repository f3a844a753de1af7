#include "coordinator/raft_snapshots.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "coordinator/raft_vote_file.h"
#include "leat/internal/raft.pb.h"
#include "log/group_sync.h"
#include "model/record_batch.h"

namespace leat::coordinator {
namespace {

constexpr std::string_view kSuffix = ".checkpoint";
constexpr std::string_view kHeadKey = "head";
constexpr int kVersion = 1;
constexpr int kMostVoters = 1000;  // of a file of our own; the core has its own limit
constexpr size_t kBatchBytes = size_t{1} << 20;
constexpr size_t kMaxDecompressedBytes = size_t{64} << 20;

void Finish(model::BatchBuilder batch, std::string* out) {
  absl::StatusOr<std::string> bytes = batch.Finish();
  LEAT_CHECK_OK(bytes.status());  // not compressed, and below a batch's largest size
  out->append(*bytes);
}

absl::Status Damaged(std::string_view why) { return DataLoss("snapshot: ", why); }

absl::StatusOr<int64_t> ReadHead(std::string_view value, raft::Snapshot* snapshot) {
  internal::RaftSnapshotHead head;
  if (!head.ParseFromArray(value.data(), static_cast<int>(value.size()))) return Damaged("its head cannot be read");
  if (head.version() != kVersion) {
    return Unimplemented("snapshot: version ", head.version(), " was written by a newer program; start that one");
  }
  snapshot->point = {raft::Offset{head.point().end()}, raft::Term{head.point().term()}};
  LEAT_ASSIGN_OR_RETURN(snapshot->voters, raft::VoterSet::Decode(head.voters(), kMostVoters));
  return head.records();
}

}  // namespace

std::string SnapshotName(const raft::LogPoint& point) {
  return StrCat(absl::StrFormat("%020d-%010d", point.end.value(), point.term.value()), kSuffix);
}

std::optional<raft::LogPoint> ParseSnapshotName(std::string_view name) {
  if (name.size() != 31 + kSuffix.size() || !name.ends_with(kSuffix) || name[20] != '-') return std::nullopt;
  const std::string_view end_digits = name.substr(0, 20);
  const std::string_view term_digits = name.substr(21, 10);
  int64_t end = 0;
  int32_t term = 0;
  const auto digits = [](std::string_view text) { return text.find_first_not_of("0123456789") == text.npos; };
  if (!digits(end_digits) || !digits(term_digits) || !absl::SimpleAtoi(ToAbsl(end_digits), &end) ||
      !absl::SimpleAtoi(ToAbsl(term_digits), &term)) {
    return std::nullopt;
  }
  return raft::LogPoint{raft::Offset{end}, raft::Term{term}};
}

std::string EncodeSnapshot(const raft::LogPoint& point, const raft::VoterSet& voters, const StateRecords& records) {
  internal::RaftSnapshotHead head;
  head.set_version(kVersion);
  head.mutable_point()->set_end(point.end.value());
  head.mutable_point()->set_term(point.term.value());
  head.set_voters(voters.Encode());
  head.set_records(static_cast<int64_t>(records.size()));
  std::string out;
  model::BatchBuilder first({.leader_epoch = point.term});
  // Without a time, so that equal states make equal files.
  first.Add(model::kNoTimestamp, kHeadKey, head.SerializeAsString());
  Finish(std::move(first), &out);
  for (size_t i = 0; i < records.size();) {
    model::BatchBuilder batch({.base_offset = raft::Offset{static_cast<int64_t>(i) + 1}, .leader_epoch = point.term});
    do {
      batch.Add(model::kNoTimestamp, std::nullopt, records[i++]);
    } while (i < records.size() && batch.uncompressed_bytes() + records[i].size() < kBatchBytes);
    Finish(std::move(batch), &out);
  }
  return out;
}

absl::StatusOr<LoadedSnapshot> DecodeSnapshot(std::string_view bytes) {
  LoadedSnapshot loaded;
  loaded.snapshot.bytes = static_cast<int64_t>(bytes.size());
  std::optional<int64_t> expected;
  while (!bytes.empty()) {
    absl::StatusOr<std::string_view> batch = model::TakeBatch(&bytes);
    if (!batch.ok()) return Damaged(Message(batch.status()));
    const auto checked = model::ValidateBatch(*batch, model::RecordCheck::kEveryRecord, kMaxDecompressedBytes);
    if (!checked.ok()) return Damaged(Message(checked.status()));
    LEAT_ASSIGN_OR_RETURN(model::RecordIterator records, model::RecordIterator::Open(*batch, kMaxDecompressedBytes));
    model::RecordView record;
    for (;;) {
      LEAT_ASSIGN_OR_RETURN(const bool more, records.Next(&record));
      if (!more) break;
      if (!record.value) return Damaged("a record has no value");
      if (!expected) {
        if (record.key != kHeadKey) return Damaged("it does not begin with a head");
        LEAT_ASSIGN_OR_RETURN(expected, ReadHead(*record.value, &loaded.snapshot));
        continue;
      }
      loaded.records.emplace_back(*record.value);
    }
  }
  if (!expected) return Damaged("it is empty");
  if (*expected != static_cast<int64_t>(loaded.records.size())) {
    return Damaged(StrCat("expected ", *expected, " records, got ", loaded.records.size()));
  }
  return loaded;
}

absl::StatusOr<std::vector<raft::LogPoint>> SnapshotFolder::List() const {
  LEAT_ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_->List(folder_));
  std::vector<raft::LogPoint> points;
  for (const std::string& name : names) {
    if (const std::optional<raft::LogPoint> point = ParseSnapshotName(name)) points.push_back(*point);
  }
  return points;  // names sort as points do
}

absl::StatusOr<LoadedSnapshot> SnapshotFolder::Load(const raft::LogPoint& point) const {
  LEAT_ASSIGN_OR_RETURN(const std::string bytes, env::ReadWholeFile(*disk_, Path(point)));
  absl::StatusOr<LoadedSnapshot> loaded = DecodeSnapshot(bytes);
  if (!loaded.ok()) return Annotate(loaded.status(), Path(point));
  if (loaded->snapshot.point != point) return DataLoss(Path(point), ": the file is of another point of the log");
  return loaded;
}

absl::StatusOr<std::optional<LoadedSnapshot>> SnapshotFolder::LoadNewest() const {
  LEAT_ASSIGN_OR_RETURN(const std::vector<raft::LogPoint> points, List());
  for (auto point = points.rbegin(); point != points.rend(); ++point) {
    absl::StatusOr<LoadedSnapshot> loaded = Load(*point);
    if (loaded.ok()) return std::optional(*std::move(loaded));
    if (!absl::IsDataLoss(loaded.status())) return loaded.status();
    LogWarning("raft", "a snapshot is left aside, the one before it is used: ", Message(loaded.status()));
  }
  return std::optional<LoadedSnapshot>();
}

absl::StatusOr<int64_t> SnapshotFolder::Write(const raft::LogPoint& point, const raft::VoterSet& voters,
                                              const StateRecords& records) const {
  const std::string bytes = EncodeSnapshot(point, voters, records);
  LEAT_RETURN_IF_ERROR(ReplaceFile(*disk_, Path(point), bytes));
  return static_cast<int64_t>(bytes.size());
}

absl::StatusOr<SnapshotFolder::Piece> SnapshotFolder::Read(const raft::LogPoint& point, int64_t position,
                                                           int64_t max_bytes) const {
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file, disk_->Open(Path(point), env::OpenMode::kRead));
  LEAT_ASSIGN_OR_RETURN(const uint64_t size, file->Size());
  if (position < 0 || static_cast<uint64_t>(position) > size) return OutOfRange("no byte ", position, " of ", size);
  Piece piece;
  piece.bytes.resize(std::min(size - static_cast<uint64_t>(position), static_cast<uint64_t>(max_bytes)));
  LEAT_ASSIGN_OR_RETURN(const size_t read,
                        file->ReadAt(static_cast<uint64_t>(position), piece.bytes.data(), piece.bytes.size()));
  if (read != piece.bytes.size()) return DataLoss(Path(point), ": became shorter while it was read");
  piece.last = static_cast<uint64_t>(position) + read == size;
  return piece;
}

absl::Status SnapshotFolder::WritePiece(const raft::LogPoint& point, int64_t position, std::string_view bytes) const {
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file,
                        disk_->Open(Path(point) + ".part.tmp", env::OpenMode::kCreate));
  if (position == 0) LEAT_RETURN_IF_ERROR(file->Truncate(0));
  return file->WriteAt(static_cast<uint64_t>(position), bytes);
}

absl::StatusOr<LoadedSnapshot> SnapshotFolder::FinishPieces(const raft::LogPoint& point, int64_t bytes) const {
  LEAT_ASSIGN_OR_RETURN(const bool whole, disk_->Exists(Path(point)));
  const std::string temporary = Path(point) + ".part.tmp";
  LEAT_ASSIGN_OR_RETURN(const bool pieces, disk_->Exists(temporary));
  if (pieces) {
    {
      LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file, disk_->Open(temporary, env::OpenMode::kReadWrite));
      LEAT_RETURN_IF_ERROR(file->Truncate(static_cast<uint64_t>(bytes)));
      LEAT_RETURN_IF_ERROR(log::FailedSyncIsFinal(file->Sync()));
    }
    LEAT_RETURN_IF_ERROR(disk_->Rename(temporary, Path(point)));
  } else if (!whole) {
    return DataLoss(Path(point), ": neither the snapshot nor its pieces are there");
  }
  LEAT_RETURN_IF_ERROR(log::FailedSyncIsFinal(disk_->SyncDirectory(folder_)));
  return Load(point);
}

absl::Status SnapshotFolder::Prune(const raft::LogPoint& point, size_t keep) const {
  LEAT_ASSIGN_OR_RETURN(std::vector<raft::LogPoint> points, List());
  size_t kept = 0;
  for (auto it = points.rbegin(); it != points.rend(); ++it) {
    if (it->end > point.end || ++kept <= keep) continue;
    LEAT_RETURN_IF_ERROR(disk_->Remove(Path(*it)));
  }
  return absl::OkStatus();
}

}  // namespace leat::coordinator
