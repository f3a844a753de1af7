#include "stream/exec/group_output.h"

#include "stream/data/collection.h"
#include "stream/exec/storage.h"

namespace leat::exec {

using data::RowKind;

GroupOutput::GroupOutput(const plan::Node& node, const AccumulatorLayout& layout, const data::Batch& input,
                         Output& output)
    : node_(node), layout_(layout), output_(output) {
  for (const int column : node.keys) keys_.push_back(input.columns[static_cast<size_t>(column)]);
}

void GroupOutput::Start() {
  columns_.clear();
  for (const data::Field& field : node_.schema->fields) columns_.push_back(std::make_shared<data::Column>(field.type));
}

void GroupOutput::Append(size_t row, const char* accumulator, RowKind kind) {
  if (columns_.empty()) Start();
  for (size_t i = 0; i < keys_.size(); ++i) columns_[i]->AppendFrom(*keys_[i], row);
  size_t column = keys_.size();
  for (const AggregateSlot& slot : layout_.slots()) {
    AccumulatorLayout::AppendResult(slot, accumulator, columns_[column++].get());
  }
  kinds_.push_back(kind);
}

bool GroupOutput::LastTwoEqual() const {
  const size_t last = kinds_.size() - 1;
  for (size_t i = keys_.size(); i < columns_.size(); ++i) {
    const data::Column& column = *columns_[i];
    if (column.IsNull(last) != column.IsNull(last - 1)) return false;
    if (column.IsNull(last)) continue;
    if (column.type().storage() == data::Storage::kRow) {
      std::string cells[2];
      data::AppendCell(column, last - 1, &cells[0]);
      data::AppendCell(column, last, &cells[1]);
      if (cells[0] != cells[1]) return false;
      continue;
    }
    const bool equal = WithStorage(column.type().storage(), [&]<typename T>(std::type_identity<T>) {
      return column.values<T>()[last] == column.values<T>()[last - 1];
    });
    if (!equal) return false;
  }
  return true;
}

absl::Status GroupOutput::FinishInsert(size_t row, const char* accumulator) {
  Append(row, accumulator, RowKind::kInsert);
  return FlushIfFull();
}

absl::Status GroupOutput::FinishUpdate(size_t row, const char* accumulator) {
  Append(row, accumulator, RowKind::kUpdateAfter);
  // With a TTL what reads the rows must learn that the group is still in use, as on Flink.
  if (node_.ttl_ms <= 0 && LastTwoEqual()) {
    kinds_.resize(kinds_.size() - 2);
    for (auto& column : columns_) column->Truncate(kinds_.size());
  }
  return FlushIfFull();
}

absl::Status GroupOutput::FinishDelete() {
  kinds_.back() = RowKind::kDelete;
  return FlushIfFull();
}

absl::Status GroupOutput::FlushIfFull() { return kinds_.size() + 1 < data::kBatchRows ? absl::OkStatus() : Flush(); }

absl::Status GroupOutput::Flush() {
  if (kinds_.empty()) return absl::OkStatus();
  data::Batch batch;
  batch.schema = node_.schema;
  batch.rows = kinds_.size();
  batch.kinds = std::move(kinds_);
  for (auto& column : columns_) batch.columns.push_back(std::move(column));
  columns_.clear();
  kinds_.clear();
  return output_.Emit(std::move(batch));
}

}  // namespace leat::exec
