#include <cmath>

#include "base/check.h"
#include "stream/format/codecs.h"
#include "stream/format/json_text.h"
#include "stream/format/options.h"
#include "stream/format/scalar_text.h"

namespace leat::format {
namespace {

struct WriteOptions {
  bool ignore_null_fields = false;
  char separator = ' ';  // between date and time
};

// How a value stands in JSON: as text that needs escapes, as text that never does, or bare.
enum class Shape { kText, kPlainText, kBare, kDouble, kRow };

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
    default:
      return Shape::kBare;
  }
}

class ObjectWriter {
 public:
  ObjectWriter(const std::vector<data::Field>& fields, const WriteOptions& options) : options_(options) {
    for (const data::Field& field : fields) {
      FieldWriter& writer = fields_.emplace_back();
      AppendJsonString(field.name, &writer.name);
      writer.name.push_back(':');
      writer.shape = ShapeOf(field.type);
      if (writer.shape == Shape::kRow) {
        writer.row = std::make_unique<ObjectWriter>(*field.type.fields, options);
      }
    }
  }

  void Write(std::span<const data::ColumnPtr> columns, size_t row, std::string* out) const {
    char before = '{';
    for (size_t i = 0; i < fields_.size(); ++i) {
      const data::Column& column = *columns[i];
      const FieldWriter& writer = fields_[i];
      const bool is_null = column.IsNull(row);
      if (is_null && options_.ignore_null_fields) continue;
      out->push_back(before);
      before = ',';
      out->append(writer.name);
      if (is_null) {
        out->append("null");
      } else {
        WriteValue(writer, column, row, out);
      }
    }
    if (before == '{') out->push_back('{');
    out->push_back('}');
  }

 private:
  struct FieldWriter {
    std::string name;  // quoted, with the colon
    Shape shape = Shape::kBare;
    std::unique_ptr<ObjectWriter> row;
  };

  void WriteValue(const FieldWriter& writer, const data::Column& column, size_t row, std::string* out) const {
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
      case Shape::kRow:
        return writer.row->Write(column.children(), row, out);
      case Shape::kBare:
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
    writer_.Write(batch.columns, row, out);
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
  return std::make_unique<JsonEncoder>(write, fields);
}

}  // namespace leat::format
