#include "stream/format/plain_json_reader.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <iostream>

#include "base/random.h"
#include "stream/data/batch.h"

namespace leat::format {
namespace {

using data::Column;

std::vector<data::Field> Fields() {
  return {{"n", data::BigInt()},
          {"small", data::TinyInt()},
          {"text", data::String()},
          {"yes", data::Boolean()},
          {"x", data::Double()},
          {"amount", data::Decimal(10, 2)},
          {"at", data::Timestamp(3)},
          {"day", data::Date()},
          {"needed", data::Int().AsNotNull()},
          {"row", data::Row({{"a", data::Int()}, {"b", data::String()}, {"at", data::Timestamp(6)}})},
          {"list", data::Array(data::Int())}};
}

// The columns of the fields, of one row after the other.
class Rows {
 public:
  Rows() {
    for (const data::Field& field : Fields()) {
      columns_.push_back(std::make_shared<Column>(field.type));
      pointers_.push_back(columns_.back().get());
    }
  }
  std::span<Column* const> pointers() { return pointers_; }
  void Truncate() {
    for (Column* column : pointers_) column->Truncate(0);
  }
  std::string Text() const {
    std::string text;
    for (const auto& column : columns_) {
      if (column->size() != 1) return StrCat("a column has ", column->size(), " rows");
      text += data::FormatCell(*column, 0) + "|";
    }
    return text;
  }

 private:
  std::vector<std::shared_ptr<Column>> columns_;
  std::vector<Column*> pointers_;
};

// What the careful reader makes of a record; "no" if it does not take it.
class Careful {
 public:
  std::string Read(std::string_view record) {
    rows_.Truncate();
    const simdjson::padded_string padded(record);
    simdjson::ondemand::document document;
    simdjson::ondemand::object object;
    std::string error;
    if (parser_.iterate(padded).get(document) != simdjson::SUCCESS) return "no";
    if (document.get_object().get(object) != simdjson::SUCCESS) return "no";
    if (!reader_.Read(object, padded.data() + padded.size(), rows_.pointers(), &error)) return "no";
    const char* rest = nullptr;
    if (document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS) return "no";
    return rows_.Text();
  }

 private:
  Rows rows_;
  JsonObjectReader reader_{Fields(), JsonReadOptions{}, ""};
  simdjson::ondemand::parser parser_;
};

class Plain {
 public:
  std::string Read(std::string_view record) {
    rows_.Truncate();
    reader_.Bind(rows_.pointers(), 1);
    const bool read = reader_.Read(record);
    reader_.Finish();
    return read ? rows_.Text() : "no";
  }

 private:
  Rows rows_;
  PlainJsonReader reader_{Fields(), JsonReadOptions{}};
};

constexpr std::string_view kWhole =
    R"({"n":-12,"small":127,"text":"caf\u00e9","yes":true,"x":1.5e3,"amount":12.34,"at":"2026-02-28 23:59:59.123",)"
    R"("day":"2026-03-01","needed":7,"row":{"a":1,"b":"q","at":"2026-02-28 00:00:00.123456"},"list":null,"more":[1,{"z":"]"}]})";

const std::vector<std::string>& Records() {
  static const std::vector<std::string> kRecords = {
      R"({"n":-12,"small":127,"text":"abc","yes":true,"x":1.5e3,"amount":12.34,"at":"2026-02-28 23:59:59.123","needed":7})",
      R"({ "needed" : 1 , "row" : { "a" : 5 , "b" : "é" } , "more" : [ 1 , { "z" : "]" } ] , "n" : null })",
      R"({"needed":1,"day":"2026-03-01","row":{"at":"2026-02-28 00:00:00.123456","c":{}},"list":null,"text":""})",
      R"({"needed":1,"row":null,"other":{"needed":"x"},"x":"NaN","yes":"false","n":"17","amount":3})",
      R"({"needed":1,"n":9223372036854775807,"small":-128,"x":0.1,"at":"2026-02-28 23:59:59"})"};
  return kRecords;
}

TEST(PlainJsonReader, TakesWhatIsPlain) {
  Plain plain;
  Careful careful;
  for (const std::string& record : Records()) {
    EXPECT_NE(plain.Read(record), "no") << record;
    EXPECT_EQ(plain.Read(record), careful.Read(record)) << record;
  }
}

TEST(PlainJsonReader, LeavesTheRestToTheCarefulReader) {
  Plain plain;
  for (const std::string_view record :
       {kWhole, std::string_view(""), std::string_view("[]"), std::string_view(R"({"needed":1}x)"),
        std::string_view(R"({"n":1})"), std::string_view(R"({"needed":null})"), std::string_view(R"({"needed":1,)"),
        std::string_view(R"({"needed":1,"needed":2})"), std::string_view(R"({"needed":01})"),
        std::string_view(R"({"needed":1,"small":128})"), std::string_view(R"({"needed":1 2})"),
        std::string_view(R"({"needed":1,"list":[1]})"), std::string_view("{\"needed\":1,\"text\":\"\xff\"}"),
        std::string_view("{\"needed\":\n1}"), std::string_view(R"({"needed":1,"at":"2026-13-01 00:00:00"})")}) {
    EXPECT_EQ(plain.Read(record), "no") << record;
  }
}

// Whatever it takes, the careful reader takes too, with the same values.
TEST(PlainJsonReader, NeverSaysAnythingElseThanTheCarefulReader) {
  constexpr uint64_t kSeed = 20260101;
  std::cout << "seed " << kSeed << "\n";
  constexpr std::string_view kPieces = "{}[]\",: 0123456789-+.eEntrufalsx\\\n\x01\xc3\xa9\xff";
  Random random(kSeed);
  Plain plain;
  Careful careful;
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string record = Records()[random.Below(Records().size())];
    for (uint64_t changes = random.Below(4); changes > 0; --changes) {
      const size_t at = random.Below(record.size());
      const char piece = kPieces[random.Below(kPieces.size())];
      switch (random.Below(3)) {
        case 0:
          record[at] = piece;
          break;
        case 1:
          record.insert(at, 1, piece);
          break;
        default:
          record.erase(at, 1);
      }
    }
    const std::string got = plain.Read(record);
    if (got == "no") continue;
    ++taken;
    ASSERT_EQ(got, careful.Read(record)) << record;
  }
  EXPECT_GT(taken, 5'000);
}

}  // namespace
}  // namespace leat::format
