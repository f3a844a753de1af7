#include "stream/run/datagen.h"

#include <absl/strings/numbers.h>

#include <algorithm>
#include <limits>

#include "base/strings.h"
#include "model/record_batch.h"
#include "stream/data/collection.h"
#include "stream/data/decimal.h"
#include "stream/run/sink_writer.h"

namespace leat::run {
namespace {

using data::TypeKind;
using Kind = GeneratedField::Kind;

constexpr size_t kBatchBytes = size_t{16} << 20;
constexpr int64_t kMillisPerSecond = 1000;
constexpr int64_t kDayMs = 86'400'000;

// Begins a name that no topic has.
constexpr std::string_view kNamePrefix = "datagen(";
std::string PartitionName(const plan::Table& table) { return StrCat(kNamePrefix, table.name, ")"); }

class OptionReader {
 public:
  OptionReader(const plan::Table& table, const std::string& column)
      : table_(table), prefix_("fields." + column + ".") {}

  const std::string* Find(std::string_view key) const {
    const auto found = table_.options.find(StrCat(prefix_, key));
    return found == table_.options.end() ? nullptr : &found->second;
  }
  absl::Status Bad(std::string_view key, std::string_view expected) const {
    return InvalidArgument("table ", table_.name, ": option '", prefix_, key, "': expected ", expected, ", got '",
                           *Find(key), "'");
  }
  absl::StatusOr<int64_t> Whole(std::string_view key, int64_t fallback) const {
    const std::string* text = Find(key);
    int64_t value = fallback;
    if (text != nullptr && !absl::SimpleAtoi(*text, &value)) return Bad(key, "a whole number");
    return value;
  }
  absl::StatusOr<double> Real(std::string_view key, double fallback) const {
    const std::string* text = Find(key);
    double value = fallback;
    if (text != nullptr && !absl::SimpleAtod(*text, &value)) return Bad(key, "a number");
    return value;
  }

 private:
  const plan::Table& table_;
  const std::string prefix_;
};

// The smallest and largest value of a column, unless the table says others.
void SetLimits(const data::Type& type, GeneratedField* field) {
  field->real_min = -std::numeric_limits<double>::max() / 2;
  field->real_max = std::numeric_limits<double>::max() / 2;
  const auto limits = [field](int64_t min, int64_t max) {
    field->min = min;
    field->max = max;
  };
  switch (type.kind) {
    case TypeKind::kTinyInt:
      return limits(INT8_MIN, INT8_MAX);
    case TypeKind::kSmallInt:
      return limits(INT16_MIN, INT16_MAX);
    case TypeKind::kInt:
      return limits(INT32_MIN, INT32_MAX);
    case TypeKind::kFloat:
      field->real_min = -std::numeric_limits<float>::max() / 2;
      field->real_max = std::numeric_limits<float>::max() / 2;
      return;
    case TypeKind::kDecimal: {
      const auto whole = static_cast<int64_t>(data::PowerOfTen(std::min(18, type.precision - type.scale)) - 1);
      return limits(-whole, whole);
    }
    default:
      return limits(INT64_MIN, INT64_MAX);
  }
}

bool IsMade(const data::Type& type) {
  switch (type.kind) {
    case TypeKind::kNull:
    case TypeKind::kMap:
    case TypeKind::kMultiset:
    case TypeKind::kIntervalYearMonth:
    case TypeKind::kIntervalDayTime:
      return false;
    case TypeKind::kArray:
      return IsMade((*type.fields)[0].type);
    case TypeKind::kRow:
      return std::ranges::all_of(*type.fields, [](const data::Field& field) { return IsMade(field.type); });
    default:
      return true;
  }
}

absl::StatusOr<GeneratedField> ParseField(const plan::Table& table, const plan::TableColumn& column) {
  const OptionReader options(table, column.name);
  GeneratedField field;
  field.type = column.type;
  if (!IsMade(column.type)) {
    return Unimplemented("table ", table.name, ": datagen makes no values of column ", column.name, " ",
                         column.type.AsNullable().ToString());
  }
  SetLimits(column.type, &field);
  const std::string* kind = options.Find("kind");
  if (kind != nullptr && *kind != "random" && *kind != "sequence") return options.Bad("kind", "random or sequence");
  if (kind != nullptr && *kind == "sequence") {
    field.kind = Kind::kSequence;
    const bool fits = column.type.IsNumeric() || column.type.IsCharacter();
    if (!fits) return options.Bad("kind", "random for this type");
    for (const char* key : {"start", "end"}) {
      if (options.Find(key) != nullptr) continue;
      return InvalidArgument("table ", table.name, ": a sequence needs 'fields.", column.name, ".", key, "'");
    }
    LEAT_ASSIGN_OR_RETURN(field.min, options.Whole("start", 0));
    LEAT_ASSIGN_OR_RETURN(field.max, options.Whole("end", 0));
    if (field.max < field.min) return options.Bad("end", "a number not below 'start'");
    return field;
  }
  if (column.type.storage() == data::Storage::kDouble) {
    LEAT_ASSIGN_OR_RETURN(field.real_min, options.Real("min", field.real_min));
    LEAT_ASSIGN_OR_RETURN(field.real_max, options.Real("max", field.real_max));
    if (field.real_max < field.real_min) return options.Bad("max", "a number not below 'min'");
  } else if (column.type.IsNumeric()) {
    LEAT_ASSIGN_OR_RETURN(field.min, options.Whole("min", field.min));
    LEAT_ASSIGN_OR_RETURN(field.max, options.Whole("max", field.max));
    if (field.max < field.min) return options.Bad("max", "a number not below 'min'");
  }
  LEAT_ASSIGN_OR_RETURN(const int64_t length, options.Whole("length", 100));
  if (length < 1 || length > 1'000'000) return options.Bad("length", "a number from 1 to 1000000");
  field.length = static_cast<int>(length);
  const std::string* varies = options.Find("var-len");
  if (varies != nullptr && *varies != "true" && *varies != "false") return options.Bad("var-len", "true or false");
  field.varies = varies != nullptr && *varies == "true";
  if (const std::string* past = options.Find("max-past"); past != nullptr) {
    const auto millis = ParseDurationMillis(*past);
    if (!millis.ok()) return options.Bad("max-past", "a duration such as '5 s'");
    field.max_past_ms = *millis;
  }
  LEAT_ASSIGN_OR_RETURN(field.null_rate, options.Real("null-rate", 0));
  if (field.null_rate < 0 || field.null_rate > 1) return options.Bad("null-rate", "a number from 0 to 1");
  return field;
}

absl::StatusOr<int64_t> TableOption(const plan::Table& table, const std::string& key, int64_t fallback) {
  const auto found = table.options.find(key);
  int64_t value = fallback;
  if (found != table.options.end() && (!absl::SimpleAtoi(found->second, &value) || value < 1)) {
    return InvalidArgument("table ", table.name, ": option '", key, "': expected a number above 0, got '",
                           found->second, "'");
  }
  return value;
}

int64_t Whole(const GeneratedField& field, int64_t row, Random& random) {
  if (field.kind == Kind::kSequence) return field.min + row;
  if (field.min == INT64_MIN && field.max == INT64_MAX) return static_cast<int64_t>(random.Next());
  const auto width = static_cast<uint64_t>(field.max) - static_cast<uint64_t>(field.min);
  return static_cast<int64_t>(static_cast<uint64_t>(field.min) +
                              (width == UINT64_MAX ? random.Next() : random.Below(width + 1)));
}

std::string HexText(const GeneratedField& field, int most, Random& random) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const int longest = std::min(field.length, most);
  const auto length = field.varies ? random.Between(1, longest) : longest;
  std::string text;
  for (int64_t i = 0; i < length; ++i) text += kDigits[random.Below(16)];
  return text;
}

}  // namespace

bool IsDatagenTable(const plan::Table& table) {
  const auto connector = table.options.find("connector");
  return connector != table.options.end() && connector->second == "datagen";
}

absl::StatusOr<DatagenTable> ParseDatagenTable(const plan::Table& table) {
  DatagenTable made;
  LEAT_ASSIGN_OR_RETURN(made.rows_per_second, TableOption(table, "rows-per-second", made.rows_per_second));
  LEAT_ASSIGN_OR_RETURN(made.rows, TableOption(table, "number-of-rows", made.rows));
  for (const plan::TableColumn& column : table.columns) {
    if (column.kind == plan::TableColumn::Kind::kMetadata) {
      return InvalidArgument("table ", table.name, ": datagen has no metadata, column ", column.name, " reads some");
    }
    if (column.kind != plan::TableColumn::Kind::kPhysical) continue;
    LEAT_ASSIGN_OR_RETURN(GeneratedField field, ParseField(table, column));
    if (field.kind == Kind::kSequence) made.rows = std::min(made.rows, field.max - field.min + 1);
    made.fields.push_back(std::move(field));
  }
  return made;
}

bool IsGenerated(const KafkaTable& table) { return table.topics.front().starts_with(kNamePrefix); }

absl::StatusOr<KafkaTable> DatagenSource(const plan::Table& table) {
  LEAT_RETURN_IF_ERROR(ParseDatagenTable(table).status());
  KafkaTable source;
  source.topics = {PartitionName(table)};
  source.value_format = "json";
  const auto strategy = table.options.find("scan.watermark.emit.strategy");
  source.watermark_on_event = strategy != table.options.end() && strategy->second == "on-event";
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].kind == plan::TableColumn::Kind::kPhysical)
      source.value_columns.push_back(static_cast<int>(i));
  }
  return source;
}

absl::StatusOr<std::unique_ptr<RowGenerator>> RowGenerator::Create(const plan::Table& table, int64_t first,
                                                                   int64_t now_ms) {
  auto made = std::unique_ptr<RowGenerator>(new RowGenerator);  // NOLINT: private constructor
  LEAT_ASSIGN_OR_RETURN(made->options_, ParseDatagenTable(table));
  auto schema = std::make_shared<data::Schema>();
  for (const plan::TableColumn& column : table.columns) {
    if (column.kind == plan::TableColumn::Kind::kPhysical) schema->fields.push_back({column.name, column.type});
  }
  for (const char c : table.name) made->seed_ = made->seed_ * 31 + static_cast<unsigned char>(c);
  made->first_ = first;
  made->since_ms_ = now_ms;
  LEAT_ASSIGN_OR_RETURN(made->encoder_, format::MakeEncoder("json", {}, *schema));
  made->schema_ = std::move(schema);
  return made;
}

// As many as the rate says at the beginning of each second.
int64_t RowGenerator::DueEnd(int64_t now_ms) const {
  const int64_t passed =
      std::clamp<int64_t>((now_ms - since_ms_) / kMillisPerSecond, 0, INT64_MAX / options_.rows_per_second / 2);
  const int64_t due = (passed + 1) * options_.rows_per_second;
  return due > options_.rows - first_ ? options_.rows : first_ + due;
}

int64_t RowGenerator::NextDueMs(int64_t now_ms) const {
  if (DueEnd(now_ms) >= options_.rows) return -1;
  const int64_t passed = std::max<int64_t>(0, now_ms - since_ms_) / kMillisPerSecond;
  return since_ms_ + (passed + 1) * kMillisPerSecond;
}

void RowGenerator::Append(const GeneratedField& field, int64_t row, int64_t now_ms, Random& random,
                          data::Column* column) const {
  const data::Type& type = column->type();
  if (field.null_rate > 0 && type.nullable && random.Unit() < field.null_rate) return column->AppendNull();
  const int64_t time_ms = field.max_past_ms > 0 ? now_ms - random.Between(0, field.max_past_ms) : now_ms;
  switch (type.kind) {
    case TypeKind::kBoolean:
      return column->Append<uint8_t>(random.OneIn(2) ? 1 : 0);
    case TypeKind::kDate:
      return column->Append<int32_t>(static_cast<int32_t>(time_ms / kDayMs));
    case TypeKind::kTime:
      return column->Append<int32_t>(static_cast<int32_t>(time_ms % kDayMs / kMillisPerSecond * kMillisPerSecond));
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return column->Append<int64_t>(time_ms * data::kMicrosPerMilli);
    case TypeKind::kFloat:
    case TypeKind::kDouble: {
      const double value = field.kind == Kind::kSequence
                               ? static_cast<double>(field.min + row)
                               : field.real_min + random.Unit() * (field.real_max - field.real_min);
      return column->Append<double>(type.kind == TypeKind::kFloat ? static_cast<float>(value) : value);
    }
    case TypeKind::kDecimal: {
      const int64_t whole = Whole(field, row, random);
      return column->Append<data::Int128>(data::Int128{whole} * data::PowerOfTen(type.scale));
    }
    case TypeKind::kChar:
    case TypeKind::kVarchar:
      if (field.kind == Kind::kSequence) return column->AppendText(StrCat(field.min + row));
      return column->AppendText(HexText(field, type.length, random));
    case TypeKind::kBytes:
      return column->AppendText(HexText(field, type.length, random));
    case TypeKind::kRow: {
      for (size_t i = 0; i < type.fields->size(); ++i) {
        GeneratedField inner = field;
        SetLimits((*type.fields)[i].type, &inner);
        Append(inner, row, now_ms, random, &column->MutableChild(i));
      }
      return column->AppendRow();
    }
    case TypeKind::kArray: {
      GeneratedField inner = field;
      SetLimits((*type.fields)[0].type, &inner);
      data::Column elements((*type.fields)[0].type);
      data::CollectionWriter writer;
      for (int i = 0; i < std::min(field.length, 100); ++i) {
        Append(inner, row, now_ms, random, &elements);
        writer.Add(elements, static_cast<size_t>(i));
      }
      return column->AppendText(writer.Finish());
    }
    default:
      break;
  }
  const int64_t value = Whole(field, row, random);
  if (type.storage() == data::Storage::kInt32) return column->Append<int32_t>(static_cast<int32_t>(value));
  column->Append<int64_t>(value);
}

absl::StatusOr<std::string> RowGenerator::MakeBatch(int64_t from, int64_t to, int64_t now_ms) {
  std::vector<std::shared_ptr<data::Column>> columns;
  for (const data::Field& field : schema_->fields) columns.push_back(std::make_shared<data::Column>(field.type));
  for (int64_t row = from; row < to; ++row) {
    Random random(seed_ * 0x9E3779B97F4A7C15U + static_cast<uint64_t>(row));
    for (size_t i = 0; i < columns.size(); ++i) Append(options_.fields[i], row, now_ms, random, columns[i].get());
  }
  data::Batch batch{.schema = schema_, .columns = {}, .rows = static_cast<size_t>(to - from)};
  batch.columns.assign(columns.begin(), columns.end());
  TopicWriter writer{"datagen", TopicShape{.partitions = 1, .max_batch_bytes = kBatchBytes}, kBatchBytes};
  std::vector<PendingAppend> ready;
  std::string value;
  for (size_t row = 0; row < batch.rows; ++row) {
    value.clear();
    LEAT_RETURN_IF_ERROR(encoder_->Encode(batch, row, &value));
    LEAT_RETURN_IF_ERROR(writer.Add(now_ms, std::nullopt, value, {}, &ready));
  }
  LEAT_RETURN_IF_ERROR(writer.Flush(&ready));
  std::string bytes;
  int64_t base = from;
  for (PendingAppend& append : ready) {
    model::SetBaseOffset(append.batches.data(), model::Offset{base});
    LEAT_ASSIGN_OR_RETURN(const model::BatchHeader header, model::ParseBatchHeader(append.batches));
    base += header.record_count;
    bytes += append.batches;
  }
  return bytes;
}

}  // namespace leat::run
