#include "stream/data/collection.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "stream/data/batch.h"

namespace leat::data {
namespace {

static_assert(std::endian::native == std::endian::little, "collections are stored: their byte order is fixed");

template <typename T>
void AppendFixed(T value, std::string* out) {
  char bytes[1 + sizeof(T)];
  bytes[0] = 1;
  std::memcpy(bytes + 1, &value, sizeof(T));
  out->append(bytes, sizeof(bytes));
}

template <typename T>
T Load(std::string_view cell) {
  T value;
  std::memcpy(&value, cell.data() + 1, sizeof(T));
  return value;
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
    default:
      return 0;
  }
}

// The text of a cell of Storage::kText.
std::string_view TextOf(std::string_view cell) {
  BytesReader reader(cell.substr(1));
  const size_t size = reader.ReadUnsignedVarint();
  LEAT_CHECK(reader.ok() && reader.rest().size() >= size) << "a cell's text is cut off";
  return reader.rest().substr(0, size);
}

// Bytes of the cell that `bytes` begins with.
size_t CellBytes(const Type& type, std::string_view bytes) {
  LEAT_CHECK(!bytes.empty()) << "a collection is cut off";
  if (CellIsNull(bytes)) return 1;
  const Storage storage = type.storage();
  if (storage == Storage::kRow) {
    size_t size = 1;
    for (const Field& field : *type.fields) size += CellBytes(field.type, bytes.substr(size));
    return size;
  }
  if (storage == Storage::kText) {
    const std::string_view text = TextOf(bytes);
    return static_cast<size_t>(text.data() - bytes.data()) + text.size();
  }
  const size_t size = 1 + FixedBytes(storage);
  LEAT_CHECK(size <= bytes.size()) << "a collection is cut off";
  return size;
}

}  // namespace

void AppendCell(const Column& column, size_t row, std::string* out) {
  if (column.IsNull(row)) {
    out->push_back(0);
    return;
  }
  switch (column.type().storage()) {
    case Storage::kBool:
      return AppendFixed<uint8_t>(column.values<uint8_t>()[row] != 0 ? 1 : 0, out);
    case Storage::kInt32:
      return AppendFixed(column.values<int32_t>()[row], out);
    case Storage::kInt64:
      return AppendFixed(column.values<int64_t>()[row], out);
    case Storage::kDouble:
      return AppendFixed(column.values<double>()[row], out);
    case Storage::kInt128:
      return AppendFixed(column.values<Int128>()[row], out);
    case Storage::kText: {
      const std::string_view text = column.values<std::string_view>()[row];
      out->push_back(1);
      BytesWriter(out).WriteUnsignedVarint(text.size());
      out->append(text);
      return;
    }
    case Storage::kRow:
      out->push_back(1);
      for (const ColumnPtr& child : column.children()) AppendCell(*child, row, out);
      return;
  }
}

void AppendCellTo(std::string_view cell, Column* column) {
  if (CellIsNull(cell)) return column->AppendNull();
  switch (column->type().storage()) {
    case Storage::kBool:
      return column->Append<uint8_t>(Load<uint8_t>(cell));
    case Storage::kInt32:
      return column->Append<int32_t>(Load<int32_t>(cell));
    case Storage::kInt64:
      return column->Append<int64_t>(Load<int64_t>(cell));
    case Storage::kDouble:
      return column->Append<double>(Load<double>(cell));
    case Storage::kInt128:
      return column->Append<Int128>(Load<Int128>(cell));
    case Storage::kText:
      return column->AppendText(TextOf(cell));
    case Storage::kRow: {
      std::string_view rest = cell.substr(1);
      for (size_t i = 0; i < column->children().size(); ++i) {
        const size_t size = CellBytes((*column->type().fields)[i].type, rest);
        AppendCellTo(rest.substr(0, size), &column->MutableChild(i));
        rest.remove_prefix(size);
      }
      return column->AppendRow();
    }
  }
}

std::vector<Type> CellTypes(const Type& collection) {
  std::vector<Type> types;
  for (const Field& field : *collection.fields) types.push_back(field.type);
  if (collection.kind == TypeKind::kMultiset) types.push_back(Int().AsNotNull());
  return types;
}

std::string_view CollectionWriter::Finish() {
  std::memcpy(bytes_.data(), &count_, sizeof(count_));
  finished_bytes_.swap(bytes_);
  bytes_.assign(4, '\0');
  count_ = 0;
  return finished_bytes_;
}

CollectionReader::CollectionReader(std::string_view bytes, const std::vector<Type>& cell_types) : types_(cell_types) {
  LEAT_CHECK(bytes.size() >= sizeof(count_)) << "a collection is cut off";
  std::memcpy(&count_, bytes.data(), sizeof(count_));
  rest_ = bytes.substr(sizeof(count_));
}

std::string_view CollectionReader::Next() {
  const size_t size = CellBytes(types_[next_ % types_.size()], rest_);
  const std::string_view cell = rest_.substr(0, size);
  rest_.remove_prefix(size);
  ++next_;
  return cell;
}

std::string CanonicalMap(std::string_view bytes, const Type& type) {
  const std::vector<Type> types = CellTypes(type);
  std::vector<std::pair<std::string_view, std::string_view>> entries;
  for (CollectionReader reader(bytes, types); !reader.done();) {
    const std::string_view key = reader.Next();
    entries.emplace_back(key, reader.Next());
  }
  std::sort(entries.begin(), entries.end());
  CollectionWriter writer;
  for (const auto& [key, value] : entries) {
    writer.AddCell(key);
    writer.AddCell(value);
  }
  return std::string(writer.Finish());
}

std::string FormatCollection(std::string_view bytes, const Type& type) {
  const std::vector<Type> types = CellTypes(type);
  const bool array = type.kind == TypeKind::kArray;
  std::string text = array ? "[" : "{";
  const auto print = [&](std::string_view cell, const Type& cell_type) {
    Column one(cell_type.AsNullable());
    AppendCellTo(cell, &one);
    text += FormatCell(one, 0);
  };
  bool first = true;
  for (CollectionReader reader(bytes, types); !reader.done(); first = false) {
    if (!first) text += ", ";
    print(reader.Next(), types[0]);
    if (array) continue;
    text += "=";
    print(reader.Next(), types[1]);
  }
  return text + (array ? "]" : "}");
}

}  // namespace leat::data
