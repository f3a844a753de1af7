#include <simdjson.h>

#include "base/check.h"
#include "stream/format/codecs.h"
#include "stream/format/csv_line.h"
#include "stream/format/options.h"
#include "stream/format/scalar_text.h"

namespace leat::format {
namespace {

CsvSyntax SyntaxOf(const FormatOptions& options) {
  CsvSyntax syntax;
  syntax.delimiter = CharacterOption(options, "field-delimiter", ',');
  syntax.quote = CharacterOption(options, "quote-character", '"');
  syntax.quotes_enabled = !BooleanOption(options, "disable-quote-character", false);
  return syntax;
}

std::optional<std::string> NullLiteral(const FormatOptions& options) {
  const auto found = options.find("null-literal");
  return found == options.end() ? std::nullopt : std::optional(found->second);
}

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

class CsvDecoder : public Decoder {
 public:
  CsvDecoder(const FormatOptions& options, const data::Schema& table_fields, std::span<const int> wanted)
      : fields_(table_fields.fields),
        wanted_(wanted.begin(), wanted.end()),
        line_(SyntaxOf(options)),
        null_literal_(NullLiteral(options)),
        allow_comments_(BooleanOption(options, "allow-comments", false)),
        ignore_errors_(BooleanOption(options, "ignore-parse-errors", false)) {}

  void Decode(std::span<const std::optional<std::string_view>> records, std::span<data::Column* const> columns,
              std::vector<uint32_t>* rows, std::vector<DecodeError>* errors) override {
    for (size_t i = 0; i < records.size(); ++i) {
      if (!records[i].has_value() || (allow_comments_ && records[i]->starts_with('#'))) continue;
      const size_t row = columns.empty() ? 0 : columns[0]->size();
      const absl::Status decoded = DecodeOne(*records[i], columns);
      if (decoded.ok()) {
        rows->push_back(static_cast<uint32_t>(i));
        continue;
      }
      for (data::Column* column : columns) column->Truncate(row);
      if (!ignore_errors_) errors->push_back({static_cast<uint32_t>(i), std::string(Message(decoded))});
    }
  }

 private:
  absl::Status DecodeOne(std::string_view record, std::span<data::Column* const> columns) {
    if (record.size() > kMaxRecordBytes) {
      return ResourceExhausted("a record of ", record.size(), " bytes is longer than ", kMaxRecordBytes);
    }
    if (!simdjson::validate_utf8(record.data(), record.size())) {
      return InvalidArgument("the record is not valid UTF-8");
    }
    LEAT_RETURN_IF_ERROR(line_.Cut(record));
    const size_t got = line_.fields().size();
    // With ignore-parse-errors what a short record lacks is NULL; a long one cannot be told apart from a shifted one.
    if (got > fields_.size() || (got < fields_.size() && !ignore_errors_)) {
      return InvalidArgument("expected ", fields_.size(), " fields, got ", got, ": ", Shown(record));
    }
    for (size_t i = 0; i < wanted_.size(); ++i) {
      LEAT_RETURN_IF_ERROR(DecodeField(static_cast<size_t>(wanted_[i]), columns[i]));
    }
    return absl::OkStatus();
  }

  absl::Status DecodeField(size_t field, data::Column* column) {
    const data::Type& type = fields_[field].type;
    const bool missing = field >= line_.fields().size();
    const std::string_view text = missing ? std::string_view() : line_.fields()[field];
    std::string reason;
    if (missing || (null_literal_.has_value() && text == *null_literal_)) {
      if (type.nullable) {
        column->AppendNull();
        return absl::OkStatus();
      }
      reason = StrCat("expected ", type.ToString(), ", got ", missing ? "no field" : "the null literal");
    } else {
      const bool exact = type.IsCharacter() || type.kind == data::TypeKind::kBytes;
      const Parsed parsed = AppendParsed(exact ? text : Trim(text), data::TimeSyntax::kSql, column);
      if (parsed == Parsed::kOk) return absl::OkStatus();
      if (ignore_errors_ && type.nullable) {
        column->AppendNull();
        return absl::OkStatus();
      }
      reason = Mismatch(parsed, type, StrCat("\"", Shown(text), "\""));
    }
    return InvalidArgument("field ", fields_[field].name, " (number ", field + 1, "): ", reason);
  }

  const std::vector<data::Field> fields_;
  const std::vector<int> wanted_;
  CsvLine line_;
  const std::optional<std::string> null_literal_;
  const bool allow_comments_;
  const bool ignore_errors_;
};

class CsvEncoder : public Encoder {
 public:
  CsvEncoder(const FormatOptions& options, const data::Schema& fields)
      : fields_(fields.fields),
        syntax_(SyntaxOf(options)),
        null_literal_(TextOption(options, "null-literal", "")),
        comments_(BooleanOption(options, "allow-comments", false)) {}

  absl::Status Encode(const data::Batch& batch, size_t row, std::string* out) override {
    LEAT_CHECK(batch.columns.size() == fields_.size()) << batch.columns.size() << " columns for " << fields_.size();
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (i > 0) out->push_back(syntax_.delimiter);
      const data::Column& column = *batch.columns[i];
      if (column.IsNull(row)) {
        out->append(null_literal_);
        continue;
      }
      value_.clear();
      AppendScalar(column, row, ' ', &value_);
      if (!NeedsQuotes(value_)) {
        out->append(value_);
      } else if (syntax_.quotes_enabled) {
        AppendQuoted(value_, out);
      } else {
        return InvalidArgument("csv: field ", fields_[i].name, ": ", Shown(value_),
                               " holds the delimiter or a line end, and 'csv.disable-quote-character' is true");
      }
    }
    return absl::OkStatus();
  }

 private:
  bool NeedsQuotes(std::string_view text) const {
    if (comments_ && text.starts_with('#')) return true;
    for (const char c : text) {
      if (c == syntax_.delimiter || c == '\n' || c == '\r' || (syntax_.quotes_enabled && c == syntax_.quote))
        return true;
    }
    return false;
  }

  void AppendQuoted(std::string_view text, std::string* out) const {
    out->push_back(syntax_.quote);
    for (const char c : text) {
      if (c == syntax_.quote) out->push_back(c);
      out->push_back(c);
    }
    out->push_back(syntax_.quote);
  }

  const std::vector<data::Field> fields_;
  const CsvSyntax syntax_;
  const std::string null_literal_;
  const bool comments_;
  std::string value_;
};

}  // namespace

std::unique_ptr<Decoder> MakeCsvDecoder(const FormatOptions& options, const data::Schema& table_fields,
                                        std::span<const int> wanted) {
  return std::make_unique<CsvDecoder>(options, table_fields, wanted);
}

std::unique_ptr<Encoder> MakeCsvEncoder(const FormatOptions& options, const data::Schema& fields) {
  return std::make_unique<CsvEncoder>(options, fields);
}

}  // namespace leat::format
