#include "stream/data/batch.h"

namespace leat::data {
namespace {

bool IsEveryRow(std::span<const uint32_t> rows, size_t count) {
  if (rows.size() != count) return false;
  for (size_t i = 0; i < count; ++i) {
    if (rows[i] != i) return false;
  }
  return true;
}

}  // namespace

std::string_view RowKindName(RowKind kind) {
  switch (kind) {
    case RowKind::kInsert:
      return "+I";
    case RowKind::kUpdateBefore:
      return "-U";
    case RowKind::kUpdateAfter:
      return "+U";
    case RowKind::kDelete:
      return "-D";
  }
  return "?";
}

int Schema::Find(std::string_view name) const {
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

std::string Schema::ToString() const {
  std::string text = "(";
  for (size_t i = 0; i < fields.size(); ++i) {
    StrAppend(&text, i == 0 ? "" : ", ", fields[i].name, " ", fields[i].type.ToString());
  }
  return text + ")";
}

size_t Batch::MemoryBytes() const {
  size_t bytes = sizeof(Batch) + kinds.capacity() + offsets.capacity() * sizeof(int64_t);
  for (const ColumnPtr& column : columns) bytes += column->MemoryBytes();
  return bytes;
}

Batch Gather(const Batch& batch, std::span<const uint32_t> rows) {
  if (IsEveryRow(rows, batch.rows)) return batch;
  Batch out;
  out.schema = batch.schema;
  out.rows = rows.size();
  out.source = batch.source;
  out.columns.reserve(batch.columns.size());
  for (const ColumnPtr& column : batch.columns) out.columns.push_back(Gather(column, rows));
  if (!batch.kinds.empty()) {
    out.kinds.reserve(rows.size());
    for (const uint32_t row : rows) out.kinds.push_back(batch.kinds[row]);
  }
  if (!batch.offsets.empty()) {
    out.offsets.reserve(rows.size());
    for (const uint32_t row : rows) out.offsets.push_back(batch.offsets[row]);
  }
  return out;
}

std::string FormatCell(const Column& column, size_t row) {
  if (column.type().storage() != Storage::kRow || column.IsNull(row)) {
    return column.IsNull(row) ? "NULL" : FormatValue(column.GetValue(row), column.type());
  }
  std::string text = "(";
  for (size_t i = 0; i < column.children().size(); ++i) {
    StrAppend(&text, i == 0 ? "" : ", ", FormatCell(*column.children()[i], row));
  }
  return text + ")";
}

std::string FormatRow(const Batch& batch, size_t row) {
  std::string text = StrCat(RowKindName(batch.kind(row)), "[");
  for (size_t i = 0; i < batch.columns.size(); ++i) {
    StrAppend(&text, i == 0 ? "" : ", ", FormatCell(*batch.columns[i], row));
  }
  return text + "]";
}

}  // namespace leat::data
