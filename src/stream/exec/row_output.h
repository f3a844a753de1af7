// Builds batches of rows that an operator decodes from its state, and emits them at the usual size.
#pragma once

#include <memory>
#include <vector>

#include "stream/exec/operator.h"

namespace leat::exec {

class RowOutput {
 public:
  explicit RowOutput(data::SchemaPtr schema) : schema_(std::move(schema)) {}

  // The columns to append one value each to, then Finish.
  std::vector<std::shared_ptr<data::Column>>& Row();
  // Appends the row that data::EncodeKey made of the first columns.
  absl::Status AppendStored(std::string_view row, size_t columns);
  absl::Status Finish(data::RowKind kind, Output& output);
  absl::Status Flush(Output& output);
  size_t rows() const { return kinds_.size(); }

 private:
  data::SchemaPtr schema_;
  std::vector<std::shared_ptr<data::Column>> columns_;
  std::vector<data::RowKind> kinds_;
  bool changes_ = false;  // a row is not +I
};

}  // namespace leat::exec
