// A typed vector of values with validity: what operators exchange. A Column is filled by one owner and is immutable
// once it is shared as a ColumnPtr; then any thread may read it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/check.h"
#include "stream/data/type.h"
#include "stream/data/value.h"

namespace leat::data {

class Column;
using ColumnPtr = std::shared_ptr<const Column>;

// Memory that string views point into: grows in chunks that never move. Kept alive by every column whose views use it.
class TextArena {
 public:
  std::string_view Copy(std::string_view text);
  // Room for n bytes whose first `used` the caller then claims with Commit.
  char* Reserve(size_t n);
  std::string_view Commit(size_t used);
  size_t bytes() const { return bytes_; }

 private:
  std::vector<std::unique_ptr<char[]>> chunks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t bytes_ = 0;
};

class Column {
 public:
  explicit Column(Type type);

  const Type& type() const { return type_; }
  size_t size() const { return size_; }
  bool has_nulls() const { return null_count_ > 0; }
  size_t null_count() const { return null_count_; }
  bool IsNull(size_t row) const { return null_count_ > 0 && valid_[row] == 0; }
  // One byte a row, 1 is valid; empty when the column has no NULL.
  std::span<const uint8_t> validity() const {
    return null_count_ > 0 ? std::span<const uint8_t>(valid_) : std::span<const uint8_t>();
  }

  // The values; those of NULL rows are unspecified but initialised. REQUIRES: T is the C++ type of type().storage():
  // uint8_t, int32_t, int64_t, double, Int128 or std::string_view.
  template <typename T>
  std::span<const T> values() const {
    return std::get<std::vector<T>>(data_);
  }
  const std::vector<ColumnPtr>& children() const { return children_; }  // ROW

  // --- building; REQUIRES: not yet shared ---
  template <typename T>
  void Append(T value) {
    std::get<std::vector<T>>(data_).push_back(value);
    if (!valid_.empty()) valid_.push_back(1);
    ++size_;
  }
  void AppendNull();
  void AppendText(std::string_view text) { Append<std::string_view>(arena().Copy(text)); }  // copies the bytes
  void AppendValue(const Value& value);
  // Appends row `row` of a column of the same storage; views keep pointing into the other's memory, which is then kept
  // alive.
  void AppendFrom(const Column& other, size_t row);
  void Reserve(size_t rows);
  // Direct access for kernels: resizes to n rows, all valid, values unspecified.
  template <typename T>
  std::span<T> Resize(size_t n) {
    auto& values = std::get<std::vector<T>>(data_);
    values.resize(n);
    size_ = n;
    valid_.clear();
    null_count_ = 0;
    return values;
  }
  // Sets the validity of all rows; empty means all valid.
  void SetValidity(std::vector<uint8_t> valid);
  void SetNull(size_t row);
  TextArena& arena();
  // Keeps `memory` alive as long as this column.
  void KeepAlive(std::shared_ptr<const void> memory);
  void KeepAliveFrom(const Column& other);
  void SetChildren(std::vector<ColumnPtr> children, size_t rows);

  Value GetValue(size_t row) const;
  size_t MemoryBytes() const;  // approximately what this column holds alone

 private:
  Type type_;
  size_t size_ = 0;
  size_t null_count_ = 0;
  std::vector<uint8_t> valid_;
  std::variant<std::vector<uint8_t>, std::vector<int32_t>, std::vector<int64_t>, std::vector<double>,
               std::vector<Int128>, std::vector<std::string_view>>
      data_;
  std::vector<ColumnPtr> children_;
  std::shared_ptr<TextArena> arena_;
  std::vector<std::shared_ptr<const void>> owners_;
};

// A column with the chosen rows of `source`, in that order.
ColumnPtr Gather(const ColumnPtr& source, std::span<const uint32_t> rows);
// `rows` copies of one value.
ColumnPtr Constant(const Type& type, const Value& value, size_t rows);

}  // namespace leat::data
