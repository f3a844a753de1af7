#include "stream/exec/row_output.h"

#include "stream/data/key_codec.h"

namespace leat::exec {

std::vector<std::shared_ptr<data::Column>>& RowOutput::Row() {
  if (columns_.empty()) {
    for (const data::Field& field : schema_->fields) columns_.push_back(std::make_shared<data::Column>(field.type));
  }
  return columns_;
}

absl::Status RowOutput::AppendStored(std::string_view row, size_t columns) {
  Row();
  std::vector<data::Column*> into;
  for (size_t i = 0; i < columns; ++i) into.push_back(columns_[i].get());
  return data::DecodeKey(row, into);
}

absl::Status RowOutput::Finish(data::RowKind kind, Output& output) {
  kinds_.push_back(kind);
  changes_ = changes_ || kind != data::RowKind::kInsert;
  return kinds_.size() < data::kBatchRows ? absl::OkStatus() : Flush(output);
}

absl::Status RowOutput::Flush(Output& output) {
  if (kinds_.empty()) return absl::OkStatus();
  data::Batch batch;
  batch.schema = schema_;
  batch.rows = kinds_.size();
  for (auto& column : columns_) batch.columns.push_back(std::move(column));
  if (changes_) batch.kinds = std::move(kinds_);
  columns_.clear();
  kinds_.clear();
  changes_ = false;
  return output.Emit(std::move(batch));
}

}  // namespace leat::exec
