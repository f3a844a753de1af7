// What the kernels on ARRAY, MAP and MULTISET share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "stream/data/collection.h"
#include "stream/exec/node.h"

namespace leat::exec {

// One collection a row: f(row, writer) adds its values, or returns false for NULL.
template <typename F>
data::ColumnPtr WriteCollections(const KernelCall& call, F f) {
  auto out = std::make_shared<data::Column>(call.type);
  out->Reserve(call.rows);
  data::CollectionWriter writer;
  for (size_t row = 0; row < call.rows; ++row) {
    const bool present = f(row, writer);
    const std::string_view value = writer.Finish();
    if (present) {
      out->AppendText(value);
    } else {
      out->AppendNull();
    }
  }
  return out;
}

// The cells of a collection, views into its bytes.
std::vector<std::string_view> CellsOf(std::string_view bytes, const std::vector<data::Type>& cell_types);
// Row `row` of an argument as a cell.
std::string CellOf(const Vector& vector, size_t row);
inline bool AnyNull(const KernelCall& call, size_t row) {
  for (const Vector& arg : call.args) {
    if (arg.IsNull(row)) return true;
  }
  return false;
}
// Bytes that order as the values of these cells do; NULL has none. REQUIRES: no ROW and no collection.
std::string OrderOf(std::string_view cell, const data::Type& type);

absl::StatusOr<Kernel> MakeCollectionKernel(const Binding& binding);
absl::StatusOr<Kernel> MakeArrayKernel(const Binding& binding);

}  // namespace leat::exec
