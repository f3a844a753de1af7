// A key is its columns one after the other. A column is one byte (0: NULL and nothing else, 1: a value) and the value:
// numbers in little-endian byte order at their storage width; text as an unsigned varint length and the bytes, but
// without the length where the text ends the key, so that the common key of one text column is the text behind one
// byte. -0.0 is written as 0.0 and every NaN as one NaN: SQL holds them equal. A ROW is its fields in order.
#include "stream/data/key_codec.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/bytes.h"
#include "base/murmur2.h"
#include "stream/data/collection.h"

namespace leat::data {
namespace {

static_assert(std::endian::native == std::endian::little, "keys are stored: their byte order is fixed");

constexpr char kNullTag = 0;
constexpr char kValueTag = 1;

enum class Place { kInside, kLast };  // kLast: nothing follows in the key

template <typename T>
void AppendFixed(T value, std::string* out) {
  char bytes[1 + sizeof(T)];
  bytes[0] = kValueTag;
  std::memcpy(bytes + 1, &value, sizeof(T));
  out->append(bytes, sizeof(bytes));
}

double Canonical(double value) {
  if (value == 0) return 0.0;
  return std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

void EncodeCell(const Column& column, size_t row, Place place, std::string* out) {
  if (column.IsNull(row)) {
    out->push_back(kNullTag);
    return;
  }
  switch (column.type().storage()) {
    case Storage::kText: {
      std::string_view text = column.values<std::string_view>()[row];
      std::string canonical;
      if (column.type().kind == TypeKind::kMap || column.type().kind == TypeKind::kMultiset) {
        canonical = CanonicalMap(text, column.type());
        text = canonical;
      }
      out->push_back(kValueTag);
      if (place == Place::kInside) BytesWriter(out).WriteUnsignedVarint(text.size());
      out->append(text);
      return;
    }
    case Storage::kBool:
      return AppendFixed<uint8_t>(column.values<uint8_t>()[row] != 0 ? 1 : 0, out);
    case Storage::kInt32:
      return AppendFixed(column.values<int32_t>()[row], out);
    case Storage::kInt64:
      return AppendFixed(column.values<int64_t>()[row], out);
    case Storage::kDouble:
      return AppendFixed(Canonical(column.values<double>()[row]), out);
    case Storage::kInt128:
      return AppendFixed(column.values<Int128>()[row], out);
    case Storage::kRow: {
      out->push_back(kValueTag);
      const auto& children = column.children();
      for (size_t i = 0; i < children.size(); ++i) {
        EncodeCell(*children[i], row, i + 1 == children.size() ? place : Place::kInside, out);
      }
      return;
    }
  }
}

size_t FixedBytes(Storage storage) {
  switch (storage) {
    case Storage::kBool:
      return sizeof(uint8_t);
    case Storage::kInt32:
      return sizeof(int32_t);
    case Storage::kInt64:
      return sizeof(int64_t);
    case Storage::kDouble:
      return sizeof(double);
    case Storage::kInt128:
      return sizeof(Int128);
    case Storage::kText:
    case Storage::kRow:
      break;
  }
  return 0;
}

// Takes the value of one column from the front of *rest into `*value` (text and fixed widths). False if it is damaged.
enum class Taken { kNull, kValue, kDamaged };
Taken TakeCell(Storage storage, Place place, std::string_view* rest, std::string_view* value) {
  if (rest->empty()) return Taken::kDamaged;
  const char tag = rest->front();
  rest->remove_prefix(1);
  if (tag == kNullTag) return Taken::kNull;
  if (tag != kValueTag) return Taken::kDamaged;
  if (storage == Storage::kRow) return Taken::kValue;
  size_t size = FixedBytes(storage);
  if (storage == Storage::kText) {
    size = rest->size();
    if (place == Place::kInside) {
      BytesReader reader(*rest);
      size = reader.ReadUnsignedVarint();
      if (!reader.ok()) return Taken::kDamaged;
      *rest = reader.rest();
    }
  }
  if (size > rest->size()) return Taken::kDamaged;
  *value = rest->substr(0, size);
  rest->remove_prefix(size);
  return Taken::kValue;
}

bool CheckCell(const Type& type, Place place, std::string_view* rest) {
  std::string_view value;
  const Taken taken = TakeCell(type.storage(), place, rest, &value);
  if (taken != Taken::kValue || type.storage() != Storage::kRow) return taken != Taken::kDamaged;
  const std::vector<Field>& fields = *type.fields;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!CheckCell(fields[i].type, i + 1 == fields.size() ? place : Place::kInside, rest)) return false;
  }
  return true;
}

template <typename T>
T Load(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

// REQUIRES: CheckCell accepted the bytes.
void DecodeCell(Place place, std::string_view* rest, Column* column) {
  std::string_view value;
  const Storage storage = column->type().storage();
  if (TakeCell(storage, place, rest, &value) == Taken::kNull) return column->AppendNull();
  switch (storage) {
    case Storage::kText:
      return column->AppendText(value);
    case Storage::kBool:
      return column->Append<uint8_t>(Load<uint8_t>(value));
    case Storage::kInt32:
      return column->Append<int32_t>(Load<int32_t>(value));
    case Storage::kInt64:
      return column->Append<int64_t>(Load<int64_t>(value));
    case Storage::kDouble:
      return column->Append<double>(Load<double>(value));
    case Storage::kInt128:
      return column->Append<Int128>(Load<Int128>(value));
    case Storage::kRow: {
      const size_t count = column->children().size();
      for (size_t i = 0; i < count; ++i) {
        DecodeCell(i + 1 == count ? place : Place::kInside, rest, &column->MutableChild(i));
      }
      return column->AppendRow();
    }
  }
}

}  // namespace

void EncodeKey(std::span<const ColumnPtr> columns, size_t row, std::string* out) {
  for (size_t i = 0; i < columns.size(); ++i) {
    EncodeCell(*columns[i], row, i + 1 == columns.size() ? Place::kLast : Place::kInside, out);
  }
}

absl::Status DecodeKey(std::string_view key, std::span<Column* const> columns) {
  const auto place = [&](size_t i) { return i + 1 == columns.size() ? Place::kLast : Place::kInside; };
  // Everything is checked before anything is appended, so that a damaged key leaves the columns as they were.
  std::string_view rest = key;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (!CheckCell(columns[i]->type(), place(i), &rest)) {
      return DataLoss("key of ", key.size(), " bytes: no ", columns[i]->type().ToString(), " as column ", i + 1, " of ",
                      columns.size());
    }
  }
  if (!rest.empty()) return DataLoss("key of ", key.size(), " bytes: ", rest.size(), " bytes behind its last column");
  rest = key;
  for (size_t i = 0; i < columns.size(); ++i) DecodeCell(place(i), &rest, columns[i]);
  return absl::OkStatus();
}

uint16_t KeyGroup(std::string_view key) {
  return static_cast<uint16_t>(Murmur2(key) % static_cast<uint32_t>(kMaxParallelism));
}

}  // namespace leat::data
