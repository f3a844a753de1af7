// Rows with their kinds, built one by one and emitted in batches of the usual size.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "stream/exec/operator.h"

namespace leat::exec {

class ChangeOutput {
 public:
  // `output` must outlive this object.
  ChangeOutput(data::SchemaPtr schema, Output& output);

  // A row of the batch; its columns are those of the schema.
  absl::Status Add(data::RowKind kind, const data::Batch& batch, size_t row);
  // A row as EncodeRow wrote it.
  absl::Status Add(data::RowKind kind, std::string_view stored);

  // Parts of a row that is made piece by piece: columns [first, first + count), then Finish.
  void Copy(size_t first, const data::Batch& batch, size_t row);
  absl::Status Decode(size_t first, size_t count, std::string_view stored);
  void Pad(size_t first, size_t count);
  void Say(size_t column, bool truth);  // of a BOOLEAN column
  absl::Status Finish(data::RowKind kind);

  // Emits what there is. To be called at the end of the operator's work on a batch.
  absl::Status Flush();

 private:
  void Start();

  data::SchemaPtr schema_;
  Output& output_;
  std::vector<std::shared_ptr<data::Column>> columns_;
  std::vector<data::Column*> pointers_;
  std::vector<data::RowKind> kinds_;
};

// All columns of a row as bytes: equal rows give equal bytes.
void EncodeRow(const data::Batch& batch, size_t row, std::string* out);
// A batch of the one row.
absl::StatusOr<data::Batch> DecodeRow(const data::SchemaPtr& schema, std::string_view stored);

}  // namespace leat::exec
