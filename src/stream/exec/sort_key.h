// ORDER BY as bytes: memcmp orders the keys of rows as ORDER BY orders the rows. Pure.
#pragma once

#include <span>
#include <string>

#include "stream/data/batch.h"
#include "stream/plan/plan.h"

namespace leat::exec {

// Appends the row's key. REQUIRES: no column is a ROW.
void AppendSortKey(const data::Batch& batch, std::span<const plan::OrderKey> order, size_t row, std::string* out);

}  // namespace leat::exec
