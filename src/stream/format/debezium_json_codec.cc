// debezium-json: a record says how a row was before and after a change, and what was done. Reading, c and r (a
// snapshot's row) are +I, u is -U and +U, d is -D. Writing, +I and +U are c, -U and -D are d, as Flink does it: a
// change is a delete and a create.
#include <cstring>

#include "base/check.h"
#include "stream/format/codecs.h"
#include "stream/format/json_object_reader.h"
#include "stream/format/options.h"
#include "stream/format/scalar_text.h"

namespace leat::format {
namespace {

using data::RowKind;

constexpr std::string_view kSchemaInclude = "schema-include";

FormatOptions JsonPart(FormatOptions options) {
  options.erase(std::string(kSchemaInclude));
  return options;
}

class DebeziumDecoder : public Decoder {
 public:
  DebeziumDecoder(const FormatOptions& options, const data::Schema& table_fields, std::span<const int> wanted)
      : schema_include_(BooleanOption(options, kSchemaInclude, false)),
        ignore_errors_(BooleanOption(options, "ignore-parse-errors", false)),
        rows_decoder_(MakeJsonDecoder(JsonPart(options), table_fields, wanted)) {}

  void Decode(std::span<const std::optional<std::string_view>> records, std::span<data::Column* const> columns,
              std::vector<uint32_t>* rows, std::vector<DecodeError>* errors) override {
    kinds_.clear();
    for (size_t i = 0; i < records.size(); ++i) {
      if (!records[i].has_value()) continue;  // the tombstone behind a delete
      std::string error;
      if (DecodeOne(*records[i], static_cast<uint32_t>(i), columns, rows, &error)) continue;
      if (!ignore_errors_) errors->push_back({static_cast<uint32_t>(i), std::move(error)});
    }
  }
  std::span<const RowKind> kinds() const override { return kinds_; }

 private:
  struct Change {
    std::string op;
    std::optional<std::string_view> before;
    std::optional<std::string_view> after;
  };

  bool DecodeOne(std::string_view record, uint32_t index, std::span<data::Column* const> columns,
                 std::vector<uint32_t>* rows, std::string* error) {
    if (record.size() > kMaxRecordBytes) {
      *error = StrCat("a record of ", record.size(), " bytes is longer than ", kMaxRecordBytes);
      return false;
    }
    Change change;
    if (const auto code = Read(record, &change); code != simdjson::SUCCESS) {
      *error = StrCat("expected a Debezium record, got ", record.empty() ? "no bytes" : Shown(record), " (",
                      simdjson::error_message(code), ")");
      return false;
    }
    std::vector<std::optional<std::string_view>> texts;
    std::vector<RowKind> kinds;
    if (!Plan(change, &texts, &kinds, error)) return false;
    const size_t before = columns.empty() ? 0 : columns[0]->size();
    std::vector<uint32_t> decoded;
    std::vector<DecodeError> failed;
    rows_decoder_->Decode(texts, columns, &decoded, &failed);
    if (decoded.size() != texts.size()) {
      for (data::Column* column : columns) column->Truncate(before);
      if (!failed.empty()) *error = failed[0].reason;
      return false;
    }
    for (const RowKind kind : kinds) {
      rows->push_back(index);
      kinds_.push_back(kind);
    }
    return true;
  }

  static bool Plan(const Change& change, std::vector<std::optional<std::string_view>>* texts,
                   std::vector<RowKind>* kinds, std::string* error) {
    const auto need = [&](std::string_view name, const std::optional<std::string_view>& text, RowKind kind) {
      if (!text) {
        *error = StrCat("a record with op '", change.op, "' has no '", name, "'",
                        name == "before" ? " (in PostgreSQL, set REPLICA IDENTITY FULL on the table)" : "");
        return false;
      }
      texts->push_back(text);
      kinds->push_back(kind);
      return true;
    };
    if (change.op == "c" || change.op == "r") return need("after", change.after, RowKind::kInsert);
    if (change.op == "d") return need("before", change.before, RowKind::kDelete);
    if (change.op == "u") {
      return need("before", change.before, RowKind::kUpdateBefore) &&
             need("after", change.after, RowKind::kUpdateAfter);
    }
    *error = StrCat("expected an 'op' of c, r, u or d, got '", change.op, "'");
    return false;
  }

  // The texts point into padded_.
  simdjson::error_code Read(std::string_view record, Change* change) {
    if (padded_.size() < record.size() + simdjson::SIMDJSON_PADDING) {
      padded_.resize(2 * record.size() + simdjson::SIMDJSON_PADDING);
    }
    std::memcpy(padded_.data(), record.data(), record.size());
    const simdjson::padded_string_view view(padded_.data(), record.size(), padded_.size());
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    if (const auto code = parser_.iterate(view).get(document); code != simdjson::SUCCESS) return code;
    if (const auto code = document.get_object().get(object); code != simdjson::SUCCESS) return code;
    if (!schema_include_) return ReadChange(object, change);
    simdjson::ondemand::object payload;
    if (const auto code = object.find_field_unordered("payload").get_object().get(payload); code != simdjson::SUCCESS) {
      return code;
    }
    return ReadChange(payload, change);
  }

  static simdjson::error_code ReadChange(simdjson::ondemand::object& object, Change* change) {
    for (auto field : object) {
      std::string_view key;
      if (const auto code = field.unescaped_key().get(key); code != simdjson::SUCCESS) return code;
      const bool before = key == "before";
      const bool after = key == "after";
      const bool op = key == "op";
      if (!before && !after && !op) continue;
      simdjson::ondemand::value value;
      if (const auto code = field.value().get(value); code != simdjson::SUCCESS) return code;
      if (op) {
        std::string_view text;
        if (const auto code = value.get_string().get(text); code != simdjson::SUCCESS) return code;
        change->op = std::string(text);
        continue;
      }
      simdjson::ondemand::json_type type;
      if (const auto code = value.type().get(type); code != simdjson::SUCCESS) return code;
      if (type == simdjson::ondemand::json_type::null) continue;
      simdjson::ondemand::object row;
      if (const auto code = value.get_object().get(row); code != simdjson::SUCCESS) return code;
      std::string_view text;
      if (const auto code = row.raw_json().get(text); code != simdjson::SUCCESS) return code;
      (before ? change->before : change->after) = text;
    }
    return simdjson::SUCCESS;
  }

  const bool schema_include_;
  const bool ignore_errors_;
  std::unique_ptr<Decoder> rows_decoder_;
  simdjson::ondemand::parser parser_;
  std::vector<char> padded_;
  std::vector<RowKind> kinds_;
};

class DebeziumEncoder : public Encoder {
 public:
  DebeziumEncoder(const FormatOptions& options, const data::Schema& fields)
      : row_encoder_(MakeJsonEncoder(JsonPart(options), fields)) {}

  absl::Status Encode(const data::Batch& batch, size_t row, std::string* out) override {
    const bool deletes = data::IsRetraction(batch.kind(row));
    out->append(deletes ? R"({"before":)" : R"({"before":null,"after":)");
    LEAT_RETURN_IF_ERROR(row_encoder_->Encode(batch, row, out));
    out->append(deletes ? R"(,"after":null,"op":"d"})" : R"(,"op":"c"})");
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<Encoder> row_encoder_;
};

}  // namespace

std::unique_ptr<Decoder> MakeDebeziumDecoder(const FormatOptions& options, const data::Schema& table_fields,
                                             std::span<const int> wanted) {
  return std::make_unique<DebeziumDecoder>(options, table_fields, wanted);
}

std::unique_ptr<Encoder> MakeDebeziumEncoder(const FormatOptions& options, const data::Schema& fields) {
  return std::make_unique<DebeziumEncoder>(options, fields);
}

}  // namespace leat::format
