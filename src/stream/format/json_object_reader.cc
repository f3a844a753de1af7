#include "stream/format/json_object_reader.h"

#include <cstring>

#include "stream/data/collection.h"
#include "stream/format/scalar_text.h"

namespace leat::format {
namespace {

// Objects longer than this, and names longer than that, are looked up instead of predicted.
constexpr size_t kMaxPredictions = 1024;
constexpr size_t kMaxPredictedName = 256;

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view TrimEnd(std::string_view token) {
  while (!token.empty() && IsBlank(token.back())) token.remove_suffix(1);
  return token;
}

// The text between the quotes, raw; *escaped says whether it holds a backslash. `raw` points behind the first quote.
std::string_view RawString(const char* raw, const char* end, bool* escaped) {
  const char* at = raw;
  *escaped = false;
  while (at < end && *at != '"') {
    if (*at == '\\') {
      *escaped = true;
      ++at;
    }
    ++at;
  }
  return {raw, static_cast<size_t>(at < end ? at - raw : end - raw)};
}

// JSON text without the blanks between its tokens.
std::string Minified(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string && c == '\\' && i + 1 < json.size()) {
      out.push_back(c);
      out.push_back(json[++i]);
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (in_string || !IsBlank(c)) out.push_back(c);
  }
  return out;
}

}  // namespace

JsonObjectReader::JsonObjectReader(std::vector<data::Field> fields, const JsonReadOptions& options, std::string path)
    : options_(options), path_(std::move(path)) {
  for (data::Field& field : fields) {
    index_[field.name] = static_cast<int>(fields_.size());
    fields_.push_back(MakeReader(std::move(field), options, path_));
  }
}

JsonObjectReader::FieldReader JsonObjectReader::MakeReader(data::Field field, const JsonReadOptions& options,
                                                           const std::string& path) {
  FieldReader reader;
  reader.field = std::move(field);
  const data::Type& type = reader.field.type;
  if (type.kind == data::TypeKind::kRow) {
    reader.row = std::make_unique<JsonObjectReader>(*type.fields, options, StrCat(path, reader.field.name, "."));
  } else if (type.IsCollection()) {
    std::vector<data::Type> types = data::CellTypes(type);
    reader.part = std::make_unique<FieldReader>(MakeReader({reader.field.name, types.back()}, options, path));
    if (types.size() > 1) reader.key = types[0];
  }
  return reader;
}

int JsonObjectReader::LookUp(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? kUnwanted : found->second;
}

int JsonObjectReader::FieldOf(simdjson::ondemand::field& field, const char* end, size_t place, bool* broken) {
  const char* raw = field.key().raw();
  if (place < predictions_.size()) {
    const Prediction& predicted = predictions_[place];
    const size_t size = predicted.name.size();
    if (static_cast<size_t>(end - raw) > size && raw[size] == '"' &&
        std::memcmp(raw, predicted.name.data(), size) == 0) {
      return predicted.field;
    }
  }
  bool escaped = false;
  const std::string_view name = RawString(raw, end, &escaped);
  if (escaped) {
    std::string_view plain;
    *broken = field.unescaped_key().get(plain) != simdjson::SUCCESS;
    return *broken ? kUnwanted : LookUp(plain);
  }
  const int found = LookUp(name);
  if (place < kMaxPredictions && name.size() <= kMaxPredictedName) {
    if (place >= predictions_.size()) predictions_.resize(place + 1);
    predictions_[place].name.assign(name);
    predictions_[place].field = found;
  }
  return found;
}

JsonObjectReader::Outcome JsonObjectReader::Bad(const FieldReader& reader, std::string_view what,
                                                std::string* error) const {
  // With ignore-parse-errors nobody reads the text, unless the field may not be NULL.
  if (!options_.ignore_parse_errors || !reader.field.type.nullable) {
    *error = StrCat("field ", path_, reader.field.name, ": ", what);
  }
  return Outcome::kBad;
}

JsonObjectReader::Outcome JsonObjectReader::ReadString(simdjson::ondemand::value& value, std::string_view token,
                                                       const FieldReader& reader, data::Column& column,
                                                       std::string* error) {
  if (token.size() < 2 || token.back() != '"') {
    *error = StrCat("field ", path_, reader.field.name, ": expected a JSON value, got ", Shown(token));
    return Outcome::kBroken;
  }
  std::string_view text = token.substr(1, token.size() - 2);
  if (std::memchr(text.data(), '\\', text.size()) != nullptr && value.get_string().get(text) != simdjson::SUCCESS) {
    *error = StrCat("field ", path_, reader.field.name, ": bad escape in ", Shown(token));
    return Outcome::kBroken;
  }
  const Parsed parsed = AppendParsed(text, options_.time_syntax, &column);
  if (parsed == Parsed::kOk) return Outcome::kOk;
  return Bad(reader, Mismatch(parsed, reader.field.type, Shown(token)), error);
}

JsonObjectReader::Outcome JsonObjectReader::ReadContainer(simdjson::ondemand::value& value, const char* end,
                                                          bool is_object, FieldReader& reader, data::Column& column,
                                                          std::string* error) {
  if (is_object && reader.row != nullptr) {
    simdjson::ondemand::object object;
    if (const auto code = value.get_object().get(object); code != simdjson::SUCCESS) {
      *error = StrCat("field ", path_, reader.field.name, ": ", simdjson::error_message(code));
      return Outcome::kBroken;
    }
    reader.children.clear();
    for (size_t i = 0; i < column.children().size(); ++i) reader.children.push_back(&column.MutableChild(i));
    if (!reader.row->Read(object, end, reader.children, error)) return Outcome::kBroken;
    column.AppendRow();
    return Outcome::kOk;
  }
  if (is_object && reader.part != nullptr && reader.field.type.kind != data::TypeKind::kArray) {
    return ReadMap(value, end, reader, column, error);
  }
  if (!is_object && reader.field.type.kind == data::TypeKind::kArray) {
    return ReadArray(value, end, reader, column, error);
  }
  if (reader.field.type.IsCharacter()) {
    // An object or array where text is wanted is its JSON text, as in Flink.
    std::string_view json;
    simdjson::error_code code = simdjson::SUCCESS;
    if (is_object) {
      simdjson::ondemand::object object;
      code = value.get_object().get(object);
      if (code == simdjson::SUCCESS) code = object.raw_json().get(json);
    } else {
      simdjson::ondemand::array array;
      code = value.get_array().get(array);
      if (code == simdjson::SUCCESS) code = array.raw_json().get(json);
    }
    if (code != simdjson::SUCCESS) {
      *error = StrCat("field ", path_, reader.field.name, ": ", simdjson::error_message(code));
      return Outcome::kBroken;
    }
    column.AppendText(Minified(json));
    return Outcome::kOk;
  }
  return Bad(reader, Mismatch(Parsed::kMalformed, reader.field.type, is_object ? "an object" : "an array"), error);
}

JsonObjectReader::Outcome JsonObjectReader::ReadArray(simdjson::ondemand::value& value, const char* end,
                                                      FieldReader& reader, data::Column& column, std::string* error) {
  simdjson::ondemand::array array;
  const auto broken = [&](simdjson::error_code code) {
    *error = StrCat("field ", path_, reader.field.name, ": ", simdjson::error_message(code));
    return Outcome::kBroken;
  };
  if (const auto code = value.get_array().get(array); code != simdjson::SUCCESS) return broken(code);
  data::Column elements(reader.part->field.type);
  for (auto item : array) {
    simdjson::ondemand::value element;
    if (const auto code = std::move(item).get(element); code != simdjson::SUCCESS) return broken(code);
    const size_t row = elements.size();
    const Outcome outcome = ReadValue(element, end, *reader.part, elements, error);
    if (!Settle(outcome, *reader.part, row, elements, error)) return outcome;
  }
  data::CollectionWriter writer;
  for (size_t i = 0; i < elements.size(); ++i) writer.Add(elements, i);
  column.AppendText(writer.Finish());
  return Outcome::kOk;
}

JsonObjectReader::Outcome JsonObjectReader::ReadMap(simdjson::ondemand::value& value, const char* end,
                                                    FieldReader& reader, data::Column& column, std::string* error) {
  simdjson::ondemand::object object;
  const auto broken = [&](simdjson::error_code code) {
    *error = StrCat("field ", path_, reader.field.name, ": ", simdjson::error_message(code));
    return Outcome::kBroken;
  };
  if (const auto code = value.get_object().get(object); code != simdjson::SUCCESS) return broken(code);
  data::Column keys(reader.key);
  data::Column values(reader.part->field.type);
  StringMap<size_t> places;
  std::vector<std::pair<size_t, size_t>> entries;  // rows of keys and values; of a key that comes twice the last counts
  for (auto item : object) {
    simdjson::ondemand::field field;
    if (const auto code = std::move(item).get(field); code != simdjson::SUCCESS) return broken(code);
    std::string_view key;
    if (const auto code = field.unescaped_key().get(key); code != simdjson::SUCCESS) return broken(code);
    keys.AppendText(key);
    const auto [place, added] = places.emplace(std::string(key), entries.size());
    const size_t row = values.size();
    const Outcome outcome = ReadValue(field.value(), end, *reader.part, values, error);
    if (!Settle(outcome, *reader.part, row, values, error)) return outcome;
    if (added) entries.emplace_back(keys.size() - 1, 0);
    entries[place->second].second = row;
  }
  data::CollectionWriter writer;
  for (const auto& [key, row] : entries) {
    writer.Add(keys, key);
    writer.Add(values, row);
  }
  column.AppendText(writer.Finish());
  return Outcome::kOk;
}

JsonObjectReader::Outcome JsonObjectReader::ReadValue(simdjson::ondemand::value& value, const char* end,
                                                      FieldReader& reader, data::Column& column, std::string* error) {
  const std::string_view token = TrimEnd(value.raw_json_token());
  const data::Type& type = reader.field.type;
  switch (token.empty() ? '\0' : token[0]) {
    case '"':
      return ReadString(value, token, reader, column, error);
    case '{':
      return ReadContainer(value, end, true, reader, column, error);
    case '[':
      return ReadContainer(value, end, false, reader, column, error);
    case 'n':
      if (token != "null") break;
      if (!type.nullable) return Bad(reader, StrCat("expected ", type.ToString(), ", got null"), error);
      column.AppendNull();
      return Outcome::kOk;
    case 't':
    case 'f':
      if (token != "true" && token != "false") break;
      if (type.kind == data::TypeKind::kBoolean) {
        column.Append<uint8_t>(token[0] == 't' ? 1 : 0);
        return Outcome::kOk;
      }
      if (type.IsCharacter()) {
        column.AppendText(token);
        return Outcome::kOk;
      }
      return Bad(reader, Mismatch(Parsed::kMalformed, type, token), error);
    default: {
      if (!IsJsonNumber(token)) break;
      const Parsed parsed = AppendNumber(token, &column);
      if (parsed == Parsed::kOk) return Outcome::kOk;
      return Bad(reader, Mismatch(parsed, type, Shown(token)), error);
    }
  }
  *error = StrCat("field ", path_, reader.field.name, ": expected a JSON value, got ", Shown(token));
  return Outcome::kBroken;
}

bool JsonObjectReader::Settle(Outcome outcome, const FieldReader& reader, size_t row, data::Column& column,
                              std::string* error) const {
  if (outcome == Outcome::kOk) return true;
  if (outcome == Outcome::kBroken || !options_.ignore_parse_errors || !reader.field.type.nullable) return false;
  error->clear();
  column.Truncate(row);
  column.AppendNull();
  return true;
}

bool JsonObjectReader::Read(simdjson::ondemand::object& object, const char* end, std::span<data::Column* const> columns,
                            std::string* error) {
  const size_t row = columns.empty() ? 0 : columns[0]->size();
  size_t place = 0;
  for (auto item : object) {
    simdjson::ondemand::field field;
    if (const auto code = std::move(item).get(field); code != simdjson::SUCCESS) {
      *error = StrCat("not valid JSON: ", simdjson::error_message(code));
      return false;
    }
    bool broken = false;
    const int found = FieldOf(field, end, place++, &broken);
    if (broken) {
      *error = "not valid JSON: a field name has a bad escape";
      return false;
    }
    if (found == kUnwanted) continue;
    FieldReader& reader = fields_[static_cast<size_t>(found)];
    data::Column& column = *columns[static_cast<size_t>(found)];
    column.Truncate(row);  // of a field that comes twice, the last counts
    if (!Settle(ReadValue(field.value(), end, reader, column, error), reader, row, column, error)) return false;
  }
  for (size_t i = 0; i < fields_.size(); ++i) {
    if (columns[i]->size() != row) continue;
    if (options_.fail_on_missing_field || !fields_[i].field.type.nullable) {
      *error = StrCat("field ", path_, fields_[i].field.name, ": expected ", fields_[i].field.type.ToString(),
                      ", but the record has no such field");
      return false;
    }
    columns[i]->AppendNull();
  }
  return true;
}

}  // namespace leat::format
