// Keys as bytes: equal rows give equal bytes, and that is all that is promised (no order). NULL is a key of its own.
// Used for grouping, exchanges and state.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "stream/data/batch.h"

namespace leat::data {

// Appends the bytes of row `row` of these columns.
void EncodeKey(std::span<const ColumnPtr> columns, size_t row, std::string* out);
// The reverse: appends one value to each column. kDataLoss if the bytes are no key of these types.
absl::Status DecodeKey(std::string_view key, std::span<Column* const> columns);

inline constexpr int32_t kMaxParallelism = 128;
// murmur2(key) mod kMaxParallelism: which key group a key belongs to, for exchanges and rescaling.
uint16_t KeyGroup(std::string_view key);

}  // namespace leat::data
