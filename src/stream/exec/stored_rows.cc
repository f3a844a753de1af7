#include "stream/exec/stored_rows.h"

#include <algorithm>

#include "base/bytes.h"
#include "stream/exec/operator.h"

namespace leat::exec {

namespace {
constexpr std::string_view kWatermarkKey = "watermark";
}

void AppendStoredRow(int64_t time_ms, uint8_t tag, std::string_view row, std::string* out) {
  BytesWriter writer(out);
  writer.WriteUnsignedVarint(row.size());
  writer.Write<int64_t>(time_ms);
  writer.Write<uint8_t>(tag);
  writer.WriteBytes(row);
}

absl::StatusOr<std::vector<StoredRow>> ReadStoredRows(std::string_view bytes) {
  std::vector<StoredRow> rows;
  BytesReader reader(bytes);
  while (reader.remaining() > 0) {
    StoredRow row;
    const uint32_t size = reader.ReadUnsignedVarint();
    row.time_ms = reader.Read<int64_t>();
    row.tag_at = bytes.size() - reader.remaining();
    row.tag = reader.Read<uint8_t>();
    row.row = reader.ReadBytes(size);
    if (!reader.ok()) return DataLoss("state: rows of a join in ", bytes.size(), " bytes are cut off");
    rows.push_back(row);
  }
  return rows;
}

absl::StatusOr<KeyedBytes> SortedEntries(state::StateTable& table, state::Namespace ns) {
  KeyedBytes entries;
  LEAT_RETURN_IF_ERROR(table.Scan(
      ns, [&](std::string_view key, std::string_view value) { entries.emplace_back(std::string(key), value); }));
  std::ranges::sort(entries);
  return entries;
}

EmittedWatermark::EmittedWatermark(state::StateTable& table)
    : table_(&table), ms_(kMinWatermark), saved_ms_(kMinWatermark) {}

absl::StatusOr<EmittedWatermark> EmittedWatermark::Open(state::StateTable& table) {
  EmittedWatermark made(table);
  LEAT_ASSIGN_OR_RETURN(const std::string* stored, table.Find(0, kWatermarkKey));
  if (stored == nullptr) return made;
  if (stored->size() != sizeof(int64_t)) return DataLoss("state: a watermark of ", stored->size(), " bytes");
  made.ms_ = made.saved_ms_ = LoadBigEndian<int64_t>(stored->data());
  return made;
}

void EmittedWatermark::Raise(int64_t ms) { ms_ = std::max(ms_, ms); }

absl::Status EmittedWatermark::Save() {
  if (ms_ == saved_ms_) return absl::OkStatus();
  bool inserted = false;
  LEAT_ASSIGN_OR_RETURN(std::string * value, table_->Mutate(0, kWatermarkKey, &inserted));
  value->resize(sizeof(int64_t));
  StoreBigEndian<int64_t>(value->data(), ms_);
  saved_ms_ = ms_;
  return absl::OkStatus();
}

}  // namespace leat::exec
