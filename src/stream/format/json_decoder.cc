#include <cstring>

#include "stream/format/codecs.h"
#include "stream/format/json_object_reader.h"
#include "stream/format/options.h"
#include "stream/format/plain_json_reader.h"
#include "stream/format/scalar_text.h"

namespace leat::format {
namespace {

JsonReadOptions ReadOptions(const FormatOptions& options) {
  JsonReadOptions out;
  out.fail_on_missing_field = BooleanOption(options, "fail-on-missing-field", false);
  out.ignore_parse_errors = BooleanOption(options, "ignore-parse-errors", false);
  if (EqualsIgnoringCase(TextOption(options, "timestamp-format.standard", "SQL"), "ISO-8601")) {
    out.time_syntax = data::TimeSyntax::kIso;
  }
  return out;
}

std::vector<data::Field> Wanted(const data::Schema& fields, std::span<const int> wanted) {
  std::vector<data::Field> out;
  for (const int i : wanted) out.push_back(fields.fields[static_cast<size_t>(i)]);
  return out;
}

class JsonDecoder : public Decoder {
 public:
  JsonDecoder(const FormatOptions& options, const data::Schema& table_fields, std::span<const int> wanted)
      : options_(ReadOptions(options)),
        reader_(Wanted(table_fields, wanted), options_, ""),
        plain_(Wanted(table_fields, wanted), options_) {}

  void Decode(std::span<const std::optional<std::string_view>> records, std::span<data::Column* const> columns,
              std::vector<uint32_t>* rows, std::vector<DecodeError>* errors) override {
    plain_.Bind(columns, records.size());
    size_t row = columns.empty() ? 0 : columns[0]->size();  // rows that are whole
    for (size_t i = 0; i < records.size(); ++i) {
      if (!records[i].has_value()) continue;
      if (records[i]->size() <= kMaxRecordBytes && plain_.Read(*records[i])) {
        rows->push_back(static_cast<uint32_t>(i));
        ++row;
        continue;
      }
      plain_.Finish();
      for (data::Column* column : columns) column->Truncate(row);
      error_.clear();
      if (DecodeOne(*records[i], columns)) {
        rows->push_back(static_cast<uint32_t>(i));
        ++row;
        continue;
      }
      for (data::Column* column : columns) column->Truncate(row);
      if (!options_.ignore_parse_errors) errors->push_back({static_cast<uint32_t>(i), error_});
    }
    plain_.Finish();
  }

 private:
  bool DecodeOne(std::string_view record, std::span<data::Column* const> columns) {
    if (record.size() > kMaxRecordBytes) {
      error_ = StrCat("a record of ", record.size(), " bytes is longer than ", kMaxRecordBytes);
      return false;
    }
    // simdjson reads past the end of what it is given, so it is given a copy.
    if (padded_.size() < record.size() + simdjson::SIMDJSON_PADDING) {
      padded_.resize(2 * record.size() + simdjson::SIMDJSON_PADDING);
    }
    std::memcpy(padded_.data(), record.data(), record.size());
    const simdjson::padded_string_view view(padded_.data(), record.size(), padded_.size());
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    if (const auto code = parser_.iterate(view).get(document); code != simdjson::SUCCESS) return NotJson(code, record);
    if (const auto code = document.get_object().get(object); code != simdjson::SUCCESS) return NotJson(code, record);
    if (!reader_.Read(object, padded_.data() + record.size(), columns, &error_)) return false;
    const char* rest = nullptr;
    if (document.current_location().get(rest) == simdjson::OUT_OF_BOUNDS) return true;
    error_ = StrCat("expected one JSON object, got more behind it: ", Shown(record));
    return false;
  }

  bool NotJson(simdjson::error_code code, std::string_view record) {
    error_ = StrCat("expected a JSON object, got ", record.empty() ? "no bytes" : Shown(record), " (",
                    simdjson::error_message(code), ")");
    return false;
  }

  const JsonReadOptions options_;
  JsonObjectReader reader_;
  PlainJsonReader plain_;
  simdjson::ondemand::parser parser_;
  std::vector<char> padded_;
  std::string error_;
};

}  // namespace

std::unique_ptr<Decoder> MakeJsonDecoder(const FormatOptions& options, const data::Schema& table_fields,
                                         std::span<const int> wanted) {
  return std::make_unique<JsonDecoder>(options, table_fields, wanted);
}

}  // namespace leat::format
