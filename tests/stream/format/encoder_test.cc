#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>

#include "stream/format/json_text.h"
#include "tests/stream/format/format_fixture.h"

namespace leat::format {
namespace {

using data::Column;
using data::Schema;

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

// A batch of one row, decoded from JSON.
data::Batch RowOf(const Schema& schema, std::string_view json) {
  Decoded decoded = DecodeAll("json", {}, schema, {json});
  EXPECT_TRUE(decoded.errors.empty()) << decoded.ToString();
  return std::move(decoded.batch);
}

TEST(JsonEncoder, WritesEveryType) {
  const Schema schema{{{"b", data::Boolean()},
                       {"i", data::Int()},
                       {"f", data::Float()},
                       {"d", data::Double()},
                       {"m", data::Decimal(10, 3)},
                       {"s", data::String()},
                       {"y", data::Bytes()},
                       {"da", data::Date()},
                       {"ti", data::Time()},
                       {"ts", data::Timestamp(3)},
                       {"tz", data::TimestampLtz(3)},
                       {"r", data::Row({{"x", data::Int()}, {"y", data::String()}})},
                       {"n", data::Int()}}};
  const std::string json =
      R"({"b":false,"i":-7,"f":0.1,"d":1.0E10,"m":-0.500,"s":"a\"b","y":"aGk=","da":"2026-02-28","ti":"01:02:03",)"
      R"("ts":"2026-02-28 01:02:03.5","tz":"2026-02-28 01:02:03Z","r":{"x":1,"y":null},"n":null})";
  const data::Batch batch = RowOf(schema, json);
  EXPECT_EQ(EncodeRow("json", {}, schema, batch, 0), json);
  const std::string sparse = EncodeRow("json", {{"encode.ignore-null-fields", "true"}}, schema, batch, 0);
  EXPECT_TRUE(sparse.ends_with(R"("r":{"x":1}})")) << sparse;
  const std::string iso = EncodeRow("json", {{"timestamp-format.standard", "ISO-8601"}}, schema, batch, 0);
  EXPECT_NE(iso.find(R"("ts":"2026-02-28T01:02:03.5")"), std::string::npos) << iso;
}

TEST(JsonEncoder, WritesAnEmptyObjectWhenAllIsNullAndIgnored) {
  const Schema schema{{{"a", data::Int()}}};
  const data::Batch batch = RowOf(schema, "{}");
  EXPECT_EQ(EncodeRow("json", {{"encode.ignore-null-fields", "true"}}, schema, batch, 0), "{}");
}

TEST(JsonEncoder, WritesWhatJsonHasNoNumberForAsText) {
  const Schema schema{{{"d", data::Double()}}};
  const data::Batch batch = RowOf(schema, R"({"d":"-Infinity"})");
  EXPECT_EQ(EncodeRow("json", {}, schema, batch, 0), R"({"d":"-Infinity"})");
}

TEST(AppendJsonString, EscapesByTheRfc) {
  EXPECT_EQ(Quoted("a\"\\/\b\f\n\r\t\x01\x1f"), R"("a\"\\/\b\f\n\r\t\u0001\u001f")");
  EXPECT_EQ(Quoted("Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80"), "\"Zo\xc3\xab \xe2\x82\xac \xf0\x9f\x98\x80\"");
}

TEST(AppendJsonString, ReplacesBytesThatAreNoUtf8) {
  EXPECT_EQ(Quoted("a\xff"
                   "b"),
            "\"a\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(Quoted("\xc3"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(Quoted("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

RC_GTEST_PROP(Json, RoundTripsRows, ()) {
  const Schema schema{{{"s", data::String()},
                       {"d", data::Double()},
                       {"l", data::BigInt()},
                       {"m", data::Decimal(38, 10)},
                       {"ts", data::Timestamp(6)},
                       {"y", data::Bytes()}}};
  data::Batch batch;
  std::vector<std::shared_ptr<Column>> columns;
  for (const data::Field& field : schema.fields) columns.push_back(std::make_shared<Column>(field.type));
  // Any text that is UTF-8: code points below the surrogates.
  std::string text;
  for (const int c : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 0x800))) {
    if (c < 0x80) {
      text.push_back(static_cast<char>(c));
    } else {
      text.push_back(static_cast<char>(0xc0 | (c >> 6)));
      text.push_back(static_cast<char>(0x80 | (c & 63)));
    }
  }
  columns[0]->AppendText(text);
  const auto number = *rc::gen::arbitrary<double>();
  columns[1]->Append(number * std::pow(10.0, *rc::gen::inRange(-200, 200)));
  columns[2]->Append(*rc::gen::arbitrary<int64_t>());
  columns[3]->Append(static_cast<data::Int128>(*rc::gen::arbitrary<int64_t>()) * *rc::gen::arbitrary<int32_t>());
  columns[4]->Append(*rc::gen::inRange<int64_t>(-62'135'596'800'000'000, 253'402'300'800'000'000));
  columns[5]->AppendText(*rc::gen::arbitrary<std::string>());
  for (auto& column : columns) {
    if (*rc::gen::inRange(0, 5) == 0) column->SetNull(0);
    batch.columns.push_back(column);
  }
  batch.rows = 1;
  for (const char* standard : {"SQL", "ISO-8601"}) {
    const FormatOptions options = {{"timestamp-format.standard", standard}};
    const std::string json = EncodeRow("json", options, schema, batch, 0);
    const Decoded back = DecodeAll("json", options, schema, {json});
    RC_ASSERT(back.errors.empty());
    for (size_t i = 0; i < columns.size(); ++i) {
      RC_ASSERT(back.batch.columns[i]->GetValue(0) == batch.columns[i]->GetValue(0));
    }
  }
}

}  // namespace
}  // namespace leat::format
