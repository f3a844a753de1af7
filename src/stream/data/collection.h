// ARRAY, MAP and MULTISET values as bytes: the number of values in four bytes (little-endian), then each value as a
// cell. A cell is one byte (0: NULL, 1: a value) and the value at its storage width; text behind its length as an
// unsigned varint; a ROW as the cells of its fields. A MAP is key, value, key, value, ..; a MULTISET is element, INT.
// Equal values have equal cells. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stream/data/column.h"

namespace leat::data {

// Appends row `row` of the column as a cell.
void AppendCell(const Column& column, size_t row, std::string* out);
// Appends the value of a cell to a column of its type.
void AppendCellTo(std::string_view cell, Column* column);
inline bool CellIsNull(std::string_view cell) { return cell[0] == 0; }
inline constexpr std::string_view kNullCell("\0", 1);

// The types of the values that a collection repeats: {element}, {key, value} or {element, INT}.
std::vector<Type> CellTypes(const Type& collection);

// Puts values together; the bytes are those of a column of the collection's type.
class CollectionWriter {
 public:
  CollectionWriter() : bytes_(4, '\0') {}
  void Add(const Column& column, size_t row) {
    AppendCell(column, row, &bytes_);
    ++count_;
  }
  void AddCell(std::string_view cell) {
    bytes_.append(cell);
    ++count_;
  }
  uint32_t count() const { return count_; }
  // The value; valid until the next call. Begins anew after it.
  std::string_view Finish();

 private:
  std::string bytes_;
  std::string finished_bytes_;
  uint32_t count_ = 0;
};

// Takes a collection apart. REQUIRES: the bytes come from a CollectionWriter with cells of these types.
class CollectionReader {
 public:
  CollectionReader(std::string_view bytes, const std::vector<Type>& cell_types);
  uint32_t count() const { return count_; }  // of cells: twice the entries of a MAP
  bool done() const { return next_ == count_; }
  // The next cell, a view into the bytes. REQUIRES: !done().
  std::string_view Next();

 private:
  std::string_view rest_;
  const std::vector<Type>& types_;
  uint32_t count_ = 0;
  uint32_t next_ = 0;
};

// A MAP or MULTISET with its entries in the order of their keys' bytes: equal maps have equal bytes.
std::string CanonicalMap(std::string_view bytes, const Type& type);
// [1, 2], {a=1, b=2}.
std::string FormatCollection(std::string_view bytes, const Type& type);

}  // namespace leat::data
