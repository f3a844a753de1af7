// Columns put together from cells of others.
#pragma once

#include <span>

#include "stream/data/column.h"

namespace leat::data {

// A row of any column; a NULL if there is none.
struct Cell {
  const Column* column = nullptr;
  uint32_t row = 0;
};
// A column of these cells, all of type `type`.
ColumnPtr GatherCells(const Type& type, std::span<const Cell> cells);
// The column itself, or one with the same rows whose text is in memory of its own, so that it keeps alive nothing else.
ColumnPtr WithOwnText(const ColumnPtr& source);

}  // namespace leat::data
