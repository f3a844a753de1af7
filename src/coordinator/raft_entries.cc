#include "coordinator/raft_entries.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "model/record_batch.h"

namespace leat::coordinator {
namespace {

constexpr size_t kMaxDecompressedBytes = size_t{64} << 20;
constexpr size_t kVisitBytes = size_t{1} << 20;

absl::Status NotAnEntry(const model::BatchHeader& header, std::string_view why) {
  return DataLoss("the batch at offset ", header.base_offset, " is no entry of the quorum's log: ", why);
}

}  // namespace

std::string EncodeEntry(const raft::Entry& entry, int64_t wall_ms) {
  model::BatchBuilder batch({.base_offset = entry.offset, .leader_epoch = entry.term});
  const char kind = static_cast<char>(entry.kind);
  std::optional<std::string_view> value;
  if (!entry.payload.empty()) value = entry.payload;
  batch.Add(wall_ms, std::string_view(&kind, 1), value);
  absl::StatusOr<std::string> bytes = batch.Finish();
  LEAT_CHECK_OK(bytes.status());  // one uncompressed record whose size the core has checked
  return *std::move(bytes);
}

absl::StatusOr<raft::Entry> DecodeEntry(std::string_view batch) {
  LEAT_ASSIGN_OR_RETURN(model::RecordIterator records, model::RecordIterator::Open(batch, kMaxDecompressedBytes));
  const model::BatchHeader& header = records.header();
  if (header.control() || header.record_count != 1 || header.last_offset_delta != 0) {
    return NotAnEntry(header, StrCat("expected one record, got ", header.record_count));
  }
  model::RecordView record;
  LEAT_ASSIGN_OR_RETURN(const bool there, records.Next(&record));
  if (!there) return NotAnEntry(header, "it has no record");
  if (!record.key || record.key->size() != 1) return NotAnEntry(header, "expected a key of one byte");
  const auto kind = static_cast<uint8_t>(record.key->front());
  if (kind > static_cast<uint8_t>(raft::EntryKind::kVoters)) {
    return Unimplemented("the entry at offset ", header.base_offset, " is of kind ", int{kind},
                         ", which this program does not know: start a newer version");
  }
  if (header.leader_epoch.value() < 1) return NotAnEntry(header, StrCat("its term is ", header.leader_epoch));
  return raft::Entry{header.base_offset, header.leader_epoch, static_cast<raft::EntryKind>(kind),
                     std::string(record.value.value_or(""))};
}

absl::StatusOr<std::vector<raft::Entry>> ReadEntries(log::PartitionLog& log, raft::Offset from, raft::Offset to,
                                                     size_t max_bytes) {
  std::vector<raft::Entry> entries;
  if (from >= std::min(to, log.log_end())) return entries;
  LEAT_ASSIGN_OR_RETURN(const log::ReadResult read, log.ReadReplicated(from, max_bytes));
  std::string_view rest = read.batches;
  while (!rest.empty()) {
    LEAT_ASSIGN_OR_RETURN(const std::string_view batch, model::TakeBatch(&rest));
    LEAT_ASSIGN_OR_RETURN(raft::Entry entry, DecodeEntry(batch));
    if (entry.offset >= to) break;
    const raft::Offset expected = from + static_cast<int64_t>(entries.size());
    if (entry.offset != expected) {
      return DataLoss("the quorum's log has an entry at offset ", entry.offset, " where ", expected, " was expected");
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

absl::Status VisitEntries(log::PartitionLog& log, raft::Offset from, raft::Offset to,
                          const std::function<absl::Status(raft::Entry)>& visit) {
  while (from < to) {
    LEAT_ASSIGN_OR_RETURN(std::vector<raft::Entry> entries, ReadEntries(log, from, to, kVisitBytes));
    if (entries.empty()) {
      return DataLoss("expected entries of the quorum's log from offset ", from, " to ", to, ", got none");
    }
    from = from + static_cast<int64_t>(entries.size());
    for (raft::Entry& entry : entries) LEAT_RETURN_IF_ERROR(visit(std::move(entry)));
  }
  return absl::OkStatus();
}

}  // namespace leat::coordinator
