#include <simdjson.h>

#include <bit>

#include "base/bytes.h"
#include "base/check.h"
#include "stream/format/codecs.h"
#include "stream/format/options.h"
#include "stream/format/scalar_text.h"

namespace leat::format {
namespace {

using data::TypeKind;

enum class ByteOrder { kBig, kLittle };

ByteOrder OrderOf(const FormatOptions& options) {
  const std::string name = TextOption(options, "endianness", "big-endian");
  return EqualsIgnoringCase(name, "little-endian") ? ByteOrder::kLittle : ByteOrder::kBig;
}

template <typename T>
T Load(std::string_view bytes, ByteOrder order) {
  const T value = LoadBigEndian<T>(bytes.data());
  return order == ByteOrder::kBig ? value : internal::SwapToBigEndian(value);
}

template <typename T>
void Store(T value, ByteOrder order, std::string* out) {
  BytesWriter(out).Write(order == ByteOrder::kBig ? value : internal::SwapToBigEndian(value));
}

// Bytes of a value of this kind; 0 if it has no fixed width.
size_t Width(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBoolean:
    case TypeKind::kTinyInt:
      return 1;
    case TypeKind::kSmallInt:
      return 2;
    case TypeKind::kInt:
    case TypeKind::kFloat:
      return 4;
    case TypeKind::kBigInt:
    case TypeKind::kDouble:
      return 8;
    default:
      return 0;
  }
}

class RawDecoder : public Decoder {
 public:
  RawDecoder(const FormatOptions& options, const data::Schema& table_fields, std::span<const int> wanted)
      : field_(table_fields.fields[0]), wanted_(wanted.size()), order_(OrderOf(options)) {}

  void Decode(std::span<const std::optional<std::string_view>> records, std::span<data::Column* const> columns,
              std::vector<uint32_t>* rows, std::vector<DecodeError>* errors) override {
    for (size_t i = 0; i < records.size(); ++i) {
      if (!records[i].has_value()) continue;
      const absl::Status checked = Check(*records[i]);
      if (!checked.ok()) {
        errors->push_back({static_cast<uint32_t>(i), std::string(Message(checked))});
        continue;
      }
      for (size_t c = 0; c < wanted_; ++c) Append(*records[i], columns[c]);
      rows->push_back(static_cast<uint32_t>(i));
    }
  }

 private:
  absl::Status Check(std::string_view record) const {
    const size_t width = Width(field_.type.kind);
    if (width != 0 && record.size() != width) {
      return InvalidArgument("field ", field_.name, ": expected ", width, " bytes of ", field_.type.ToString(),
                             ", got ", record.size());
    }
    if (field_.type.IsCharacter() && !simdjson::validate_utf8(record.data(), record.size())) {
      return InvalidArgument("field ", field_.name, ": the record is not valid UTF-8; declare the field as BYTES");
    }
    return absl::OkStatus();
  }

  void Append(std::string_view record, data::Column* column) const {
    switch (field_.type.kind) {
      case TypeKind::kBoolean:
        return column->Append<uint8_t>(record[0] != 0 ? 1 : 0);
      case TypeKind::kTinyInt:
        return column->Append<int32_t>(Load<int8_t>(record, order_));
      case TypeKind::kSmallInt:
        return column->Append<int32_t>(Load<int16_t>(record, order_));
      case TypeKind::kInt:
        return column->Append<int32_t>(Load<int32_t>(record, order_));
      case TypeKind::kBigInt:
        return column->Append<int64_t>(Load<int64_t>(record, order_));
      case TypeKind::kFloat:
        return column->Append<double>(std::bit_cast<float>(Load<uint32_t>(record, order_)));
      case TypeKind::kDouble:
        return column->Append<double>(std::bit_cast<double>(Load<uint64_t>(record, order_)));
      default:
        return column->AppendText(record);
    }
  }

  const data::Field field_;
  const size_t wanted_;
  const ByteOrder order_;
};

class RawEncoder : public Encoder {
 public:
  RawEncoder(const FormatOptions& options, const data::Schema& fields)
      : field_(fields.fields[0]), order_(OrderOf(options)) {}

  absl::Status Encode(const data::Batch& batch, size_t row, std::string* out) override {
    LEAT_CHECK(batch.columns.size() == 1) << batch.columns.size();
    const data::Column& column = *batch.columns[0];
    if (column.IsNull(row)) {
      return InvalidArgument("raw: field ", field_.name, " is NULL, which raw cannot carry; filter such rows out");
    }
    switch (field_.type.kind) {
      case TypeKind::kBoolean:
        Store<int8_t>(column.values<uint8_t>()[row] != 0 ? 1 : 0, order_, out);
        break;
      case TypeKind::kTinyInt:
        Store(static_cast<int8_t>(column.values<int32_t>()[row]), order_, out);
        break;
      case TypeKind::kSmallInt:
        Store(static_cast<int16_t>(column.values<int32_t>()[row]), order_, out);
        break;
      case TypeKind::kInt:
        Store(column.values<int32_t>()[row], order_, out);
        break;
      case TypeKind::kBigInt:
        Store(column.values<int64_t>()[row], order_, out);
        break;
      case TypeKind::kFloat:
        Store(std::bit_cast<uint32_t>(static_cast<float>(column.values<double>()[row])), order_, out);
        break;
      case TypeKind::kDouble:
        Store(std::bit_cast<uint64_t>(column.values<double>()[row]), order_, out);
        break;
      default:
        out->append(column.values<std::string_view>()[row]);
    }
    return absl::OkStatus();
  }

 private:
  const data::Field field_;
  const ByteOrder order_;
};

}  // namespace

std::unique_ptr<Decoder> MakeRawDecoder(const FormatOptions& options, const data::Schema& table_fields,
                                        std::span<const int> wanted) {
  return std::make_unique<RawDecoder>(options, table_fields, wanted);
}

std::unique_ptr<Encoder> MakeRawEncoder(const FormatOptions& options, const data::Schema& fields) {
  return std::make_unique<RawEncoder>(options, fields);
}

}  // namespace leat::format
