#include "stream/format/format.h"

#include <array>

#include "base/check.h"
#include "stream/format/codecs.h"
#include "stream/format/options.h"

namespace leat::format {
namespace {

constexpr std::string_view kNames[] = {"csv", "debezium-json", "json", "raw"};

absl::Status UnknownFormat(std::string_view format) {
  const std::vector<std::string_view> names(std::begin(kNames), std::end(kNames));
  const std::string_view nearest = Nearest(format, names);
  return InvalidArgument("format '", format, "' is not known: there are csv, debezium-json, json and raw",
                         nearest.empty() ? "" : StrCat("; did you mean '", nearest, "'?"));
}

absl::Status CheckJsonFields(const data::Schema& fields) {
  for (size_t i = 0; i < fields.fields.size(); ++i) {
    const data::Field& field = fields.fields[i];
    if (field.type.kind == data::TypeKind::kNull) return InvalidArgument("json: field ", field.name, " has no type");
    if (fields.Find(field.name) != static_cast<int>(i)) {
      return InvalidArgument("json: field ", field.name, " is declared twice");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDebezium(const FormatOptions& options, const data::Schema& fields) {
  LEAT_RETURN_IF_ERROR(CheckOptions("debezium-json", options, DebeziumOptions()));
  return CheckJsonFields(fields);
}

absl::Status CheckJson(const FormatOptions& options, const data::Schema& fields) {
  LEAT_RETURN_IF_ERROR(CheckOptions("json", options, JsonOptions()));
  if (BooleanOption(options, "ignore-parse-errors", false) && BooleanOption(options, "fail-on-missing-field", false)) {
    return InvalidArgument("'json.fail-on-missing-field' and 'json.ignore-parse-errors' cannot both be true");
  }
  return CheckJsonFields(fields);
}

absl::Status CheckCsv(const FormatOptions& options, const data::Schema& fields) {
  LEAT_RETURN_IF_ERROR(CheckOptions("csv", options, CsvOptions()));
  if (options.contains("quote-character") && BooleanOption(options, "disable-quote-character", false)) {
    return InvalidArgument("'csv.quote-character' cannot be set when 'csv.disable-quote-character' is true");
  }
  const char delimiter = CharacterOption(options, "field-delimiter", ',');
  if (delimiter == '\n' || delimiter == '\r') return InvalidArgument("'csv.field-delimiter' cannot end a line");
  if (delimiter == CharacterOption(options, "quote-character", '"')) {
    return InvalidArgument("'csv.field-delimiter' and 'csv.quote-character' are both '", std::string(1, delimiter),
                           "'");
  }
  if (fields.fields.empty()) return InvalidArgument("csv: a table needs at least one field");
  for (const data::Field& field : fields.fields) {
    if (field.type.kind == data::TypeKind::kRow || field.type.kind == data::TypeKind::kNull) {
      return InvalidArgument("csv: field ", field.name, " is ", field.type.ToString(),
                             "; csv carries single values only, use json");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckRaw(const FormatOptions& options, const data::Schema& fields) {
  LEAT_RETURN_IF_ERROR(CheckOptions("raw", options, RawOptions()));
  if (fields.fields.size() != 1) {
    return InvalidArgument("raw: expected exactly one field, got ", fields.fields.size(), " ", fields.ToString());
  }
  const data::Field& field = fields.fields[0];
  const data::TypeKind kind = field.type.kind;
  if (field.type.IsCharacter() || field.type.IsInteger() || kind == data::TypeKind::kBytes ||
      kind == data::TypeKind::kBoolean || kind == data::TypeKind::kFloat || kind == data::TypeKind::kDouble) {
    return absl::OkStatus();
  }
  return InvalidArgument("raw: field ", field.name, " is ", field.type.ToString(),
                         "; raw carries text, bytes, integers, BOOLEAN, FLOAT and DOUBLE");
}

}  // namespace

std::span<const std::string_view> FormatNames() { return kNames; }

absl::Status CheckFormat(std::string_view format, const FormatOptions& options, const data::Schema& fields) {
  if (format == "json") return CheckJson(options, fields);
  if (format == "debezium-json") return CheckDebezium(options, fields);
  if (format == "csv") return CheckCsv(options, fields);
  if (format == "raw") return CheckRaw(options, fields);
  return UnknownFormat(format);
}

absl::StatusOr<std::unique_ptr<Decoder>> MakeDecoder(std::string_view format, const FormatOptions& options,
                                                     const data::Schema& table_fields, std::span<const int> wanted) {
  LEAT_RETURN_IF_ERROR(CheckFormat(format, options, table_fields));
  for (const int field : wanted) {
    LEAT_CHECK(field >= 0 && static_cast<size_t>(field) < table_fields.fields.size()) << "field " << field;
  }
  if (format == "json") return MakeJsonDecoder(options, table_fields, wanted);
  if (format == "debezium-json") return MakeDebeziumDecoder(options, table_fields, wanted);
  if (format == "csv") return MakeCsvDecoder(options, table_fields, wanted);
  return MakeRawDecoder(options, table_fields, wanted);
}

absl::StatusOr<std::unique_ptr<Encoder>> MakeEncoder(std::string_view format, const FormatOptions& options,
                                                     const data::Schema& fields) {
  LEAT_RETURN_IF_ERROR(CheckFormat(format, options, fields));
  if (format == "json") return MakeJsonEncoder(options, fields);
  if (format == "debezium-json") {
    if (!BooleanOption(options, "schema-include", false)) return MakeDebeziumEncoder(options, fields);
    return InvalidArgument(
        "'debezium-json.schema-include' = 'true' is for reading; records are written without a schema");
  }
  if (format == "csv") return MakeCsvEncoder(options, fields);
  return MakeRawEncoder(options, fields);
}

}  // namespace leat::format
