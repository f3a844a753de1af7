#include <cmath>

#include "base/check.h"
#include "stream/data/collection.h"
#include "stream/format/codecs.h"
#include "stream/format/json_text.h"
#include "stream/format/options.h"
#include "stream/format/scalar_text.h"

namespace leat::format {
namespace {

// How a value stands in JSON: as text that needs escapes, as text that never does, or bare.
enum class Shape { kText, kPlainText, kBare, kDouble, kRow, kArray, kMap };
// What becomes of an entry of a MAP whose key is NULL.
enum class NullKeys { kFail, kDrop, kLiteral };

struct WriteOptions {
  bool ignore_null_fields = false;
  char separator = ' ';  // between date and time
  NullKeys null_keys = NullKeys::kFail;
  std::string null_key_literal;
};

Shape ShapeOf(const data::Type& type) {
  switch (type.kind) {
    case data::TypeKind::kChar:
    case data::TypeKind::kVarchar:
      return Shape::kText;
    case data::TypeKind::kBytes:
    case data::TypeKind::kDate:
    case data::TypeKind::kTime:
    case data::TypeKind::kTimestamp:
    case data::TypeKind::kTimestampLtz:
      return Shape::kPlainText;
    case data::TypeKind::kFloat:
    case data::TypeKind::kDouble:
      return Shape::kDouble;
    case data::TypeKind::kRow:
      return Shape::kRow;
    case data::TypeKind::kArray:
      return Shape::kArray;
    case data::TypeKind::kMap:
    case data::TypeKind::kMultiset:
      return Shape::kMap;
    default:
      return Shape::kBare;
  }
}

class ObjectWriter {
 public:
  ObjectWriter(const std::vector<data::Field>& fields, const WriteOptions& options) : options_(options) {
    for (const data::Field& field : fields) {
      FieldWriter& writer = fields_.emplace_back(MakeWriter(field.type, options));
      std::string name;
      AppendJsonString(field.name, &name);
      writer.first = StrCat("{", name, ":");
      writer.later = StrCat(",", name, ":");
    }
  }

  // False: *error says why the row cannot be written.
  bool Write(std::span<const data::ColumnPtr> columns, size_t row, std::string* out, std::string* error) const {
    bool first = true;
    for (size_t i = 0; i < fields_.size(); ++i) {
      const data::Column& column = *columns[i];
      const FieldWriter& writer = fields_[i];
      const bool is_null = column.IsNull(row);
      if (is_null && options_.ignore_null_fields) continue;
      out->append(first ? writer.first : writer.later);
      first = false;
      if (is_null) {
        out->append("null");
      } else if (!WriteValue(writer, column, row, out, error)) {
        return false;
      }
    }
    if (first) out->push_back('{');
    out->push_back('}');
    return true;
  }

 private:
  struct FieldWriter {
    std::string first;  // the name in quotes between the bracket that opens the object and the colon
    std::string later;  // the same behind another field
    Shape shape = Shape::kBare;
    std::unique_ptr<ObjectWriter> row;
    std::unique_ptr<FieldWriter> part;  // of an ARRAY's elements, of a MAP's values
    std::vector<data::Type> types;      // of a collection's cells
  };

  static FieldWriter MakeWriter(const data::Type& type, const WriteOptions& options) {
    FieldWriter writer;
    writer.shape = ShapeOf(type);
    if (writer.shape == Shape::kRow) writer.row = std::make_unique<ObjectWriter>(*type.fields, options);
    if (type.IsCollection()) {
      writer.types = data::CellTypes(type);
      writer.part = std::make_unique<FieldWriter>(MakeWriter(writer.types.back(), options));
    }
    return writer;
  }

  bool WriteCell(const FieldWriter& writer, const data::Type& type, std::string_view cell, std::string* out,
                 std::string* error) const {
    if (data::CellIsNull(cell)) {
      out->append("null");
      return true;
    }
    data::Column one(type);
    data::AppendCellTo(cell, &one);
    return WriteValue(writer, one, 0, out, error);
  }

  bool WriteArray(const FieldWriter& writer, std::string_view bytes, std::string* out, std::string* error) const {
    char before = '[';
    for (data::CollectionReader reader(bytes, writer.types); !reader.done();) {
      out->push_back(before);
      before = ',';
      if (!WriteCell(*writer.part, writer.types[0], reader.Next(), out, error)) return false;
    }
    if (before == '[') out->push_back('[');
    out->push_back(']');
    return true;
  }

  bool WriteMap(const FieldWriter& writer, std::string_view bytes, std::string* out, std::string* error) const {
    char before = '{';
    for (data::CollectionReader reader(bytes, writer.types); !reader.done();) {
      const std::string_view key = reader.Next();
      const std::string_view value = reader.Next();
      std::string name = options_.null_key_literal;
      if (!data::CellIsNull(key)) {
        data::Column one(writer.types[0]);
        data::AppendCellTo(key, &one);
        name = one.values<std::string_view>()[0];
      } else if (options_.null_keys == NullKeys::kDrop) {
        continue;
      } else if (options_.null_keys == NullKeys::kFail) {
        *error = "a MAP has the key NULL, which JSON cannot carry; set 'json.map-null-key.mode' to DROP or LITERAL";
        return false;
      }
      out->push_back(before);
      before = ',';
      AppendJsonString(name, out);
      out->push_back(':');
      if (!WriteCell(*writer.part, writer.types[1], value, out, error)) return false;
    }
    if (before == '{') out->push_back('{');
    out->push_back('}');
    return true;
  }

  bool WriteValue(const FieldWriter& writer, const data::Column& column, size_t row, std::string* out,
                  std::string* error) const {
    switch (writer.shape) {
      case Shape::kRow:
        return writer.row->Write(column.children(), row, out, error);
      case Shape::kArray:
        return WriteArray(writer, column.values<std::string_view>()[row], out, error);
      case Shape::kMap:
        return WriteMap(writer, column.values<std::string_view>()[row], out, error);
      default:
        WriteScalar(writer, column, row, out);
        return true;
    }
  }

  void WriteScalar(const FieldWriter& writer, const data::Column& column, size_t row, std::string* out) const {
    switch (writer.shape) {
      case Shape::kText:
        return AppendJsonString(column.values<std::string_view>()[row], out);
      case Shape::kPlainText:
        out->push_back('"');
        AppendScalar(column, row, options_.separator, out);
        out->push_back('"');
        return;
      case Shape::kDouble: {
        // JSON has no NaN and no infinity: they are text, which the decoder takes back.
        const bool finite = std::isfinite(column.values<double>()[row]);
        if (!finite) out->push_back('"');
        AppendScalar(column, row, options_.separator, out);
        if (!finite) out->push_back('"');
        return;
      }
      default:
        return AppendScalar(column, row, options_.separator, out);
    }
  }

  const WriteOptions options_;
  std::vector<FieldWriter> fields_;
};

class JsonEncoder : public Encoder {
 public:
  JsonEncoder(const WriteOptions& options, const data::Schema& fields)
      : width_(fields.fields.size()), writer_(fields.fields, options) {}

  absl::Status Encode(const data::Batch& batch, size_t row, std::string* out) override {
    LEAT_CHECK(batch.columns.size() == width_) << batch.columns.size() << " columns for " << width_;
    std::string error;
    if (!writer_.Write(batch.columns, row, out, &error)) return InvalidArgument(error);
    return absl::OkStatus();
  }

 private:
  const size_t width_;
  const ObjectWriter writer_;
};

}  // namespace

std::unique_ptr<Encoder> MakeJsonEncoder(const FormatOptions& options, const data::Schema& fields) {
  WriteOptions write;
  write.ignore_null_fields = BooleanOption(options, "encode.ignore-null-fields", false);
  if (EqualsIgnoringCase(TextOption(options, "timestamp-format.standard", "SQL"), "ISO-8601")) write.separator = 'T';
  const std::string null_keys = TextOption(options, "map-null-key.mode", "FAIL");
  if (EqualsIgnoringCase(null_keys, "DROP")) write.null_keys = NullKeys::kDrop;
  if (EqualsIgnoringCase(null_keys, "LITERAL")) write.null_keys = NullKeys::kLiteral;
  write.null_key_literal = TextOption(options, "map-null-key.literal", "null");
  return std::make_unique<JsonEncoder>(write, fields);
}

}  // namespace leat::format
