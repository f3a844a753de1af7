// Reads one JSON object into columns, by field name. simdjson finds where the values are; only those of wanted fields
// are looked at, so a damaged value of another field goes unnoticed as long as the record's structure stands. Internal
// to stream/format; not thread-safe.
#pragma once

#include <simdjson.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "stream/data/column.h"
#include "stream/data/time_text.h"

namespace leat::format {

struct JsonReadOptions {
  bool fail_on_missing_field = false;
  bool ignore_parse_errors = false;
  data::TimeSyntax time_syntax = data::TimeSyntax::kSql;
};

class JsonObjectReader {
 public:
  // Reads the fields of `fields`; `path` is put before their names in errors ("address.").
  JsonObjectReader(std::vector<data::Field> fields, const JsonReadOptions& options, std::string path);

  // Appends one value to each column (one a field, all of one size). False: *error says why, and the columns may have
  // got values already. `end` is where the record ends.
  bool Read(simdjson::ondemand::object& object, const char* end, std::span<data::Column* const> columns,
            std::string* error);

 private:
  struct FieldReader {
    data::Field field;
    std::unique_ptr<JsonObjectReader> row;  // ROW only
    std::vector<data::Column*> children;    // scratch for it
    // ARRAY: its element; MAP and MULTISET: what stands behind a key, which is text.
    std::unique_ptr<FieldReader> part;
    data::Type key;  // MAP, MULTISET
  };
  static FieldReader MakeReader(data::Field field, const JsonReadOptions& options, const std::string& path);
  // What stood at this place in the last object: records of a topic mostly have the same fields in the same order.
  struct Prediction {
    std::string name;
    int field = kUnwanted;
  };
  // kBad: this value is not of the field's type. kBroken: the record cannot be read on.
  enum class Outcome { kOk, kBad, kBroken };
  static constexpr int kUnwanted = -1;

  int FieldOf(simdjson::ondemand::field& field, const char* end, size_t place, bool* broken);
  int LookUp(std::string_view name) const;
  Outcome ReadValue(simdjson::ondemand::value& value, const char* end, FieldReader& reader, data::Column& column,
                    std::string* error);
  Outcome ReadString(simdjson::ondemand::value& value, std::string_view token, const FieldReader& reader,
                     data::Column& column, std::string* error);
  Outcome ReadContainer(simdjson::ondemand::value& value, const char* end, bool is_object, FieldReader& reader,
                        data::Column& column, std::string* error);
  Outcome ReadArray(simdjson::ondemand::value& value, const char* end, FieldReader& reader, data::Column& column,
                    std::string* error);
  Outcome ReadMap(simdjson::ondemand::value& value, const char* end, FieldReader& reader, data::Column& column,
                  std::string* error);
  Outcome Bad(const FieldReader& reader, std::string_view what, std::string* error) const;
  bool Settle(Outcome outcome, const FieldReader& reader, size_t row, data::Column& column, std::string* error) const;

  const JsonReadOptions options_;
  const std::string path_;
  std::vector<FieldReader> fields_;
  StringMap<int> index_;
  std::vector<Prediction> predictions_;
};

}  // namespace leat::format
