#include "stream/exec/change_output.h"

#include <utility>

#include "stream/data/key_codec.h"

namespace leat::exec {

using data::RowKind;

ChangeOutput::ChangeOutput(data::SchemaPtr schema, Output& output) : schema_(std::move(schema)), output_(output) {}

void ChangeOutput::Start() {
  if (!columns_.empty()) return;
  for (const data::Field& field : schema_->fields) {
    columns_.push_back(std::make_shared<data::Column>(field.type));
    pointers_.push_back(columns_.back().get());
  }
}

void ChangeOutput::Copy(size_t first, const data::Batch& batch, size_t row) {
  Start();
  for (size_t i = 0; i < batch.columns.size(); ++i) columns_[first + i]->AppendFrom(*batch.columns[i], row);
}

absl::Status ChangeOutput::Decode(size_t first, size_t count, std::string_view stored) {
  Start();
  return data::DecodeKey(stored, std::span(pointers_).subspan(first, count));
}

void ChangeOutput::Pad(size_t first, size_t count) {
  Start();
  for (size_t i = 0; i < count; ++i) columns_[first + i]->AppendNull();
}

void ChangeOutput::Say(size_t column, bool truth) {
  Start();
  columns_[column]->Append<uint8_t>(truth ? 1 : 0);
}

absl::Status ChangeOutput::Finish(RowKind kind) {
  kinds_.push_back(kind);
  // The old value and the new one stay in one batch: sinks then see that nothing was deleted in between.
  const size_t limit = kind == RowKind::kUpdateBefore ? data::kBatchRows : data::kBatchRows - 1;
  return kinds_.size() < limit ? absl::OkStatus() : Flush();
}

absl::Status ChangeOutput::Add(RowKind kind, const data::Batch& batch, size_t row) {
  Copy(0, batch, row);
  return Finish(kind);
}

absl::Status ChangeOutput::Add(RowKind kind, std::string_view stored) {
  LEAT_RETURN_IF_ERROR(Decode(0, schema_->fields.size(), stored));
  return Finish(kind);
}

absl::Status ChangeOutput::Flush() {
  if (kinds_.empty()) return absl::OkStatus();
  data::Batch batch;
  batch.schema = schema_;
  batch.rows = kinds_.size();
  for (auto& column : columns_) batch.columns.push_back(std::move(column));
  columns_.clear();
  pointers_.clear();
  batch.kinds = std::exchange(kinds_, {});
  return output_.Emit(std::move(batch));
}

void EncodeRow(const data::Batch& batch, size_t row, std::string* out) { data::EncodeKey(batch.columns, row, out); }

absl::StatusOr<data::Batch> DecodeRow(const data::SchemaPtr& schema, std::string_view stored) {
  data::Batch batch{.schema = schema, .columns = {}, .rows = 1};
  std::vector<data::Column*> pointers;
  for (const data::Field& field : schema->fields) {
    auto column = std::make_shared<data::Column>(field.type);
    pointers.push_back(column.get());
    batch.columns.push_back(std::move(column));
  }
  LEAT_RETURN_IF_ERROR(data::DecodeKey(stored, pointers));
  return batch;
}

}  // namespace leat::exec
