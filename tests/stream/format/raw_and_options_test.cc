#include <gtest/gtest.h>

#include "tests/stream/format/format_fixture.h"

namespace leat::format {
namespace {

using data::Schema;

Schema One(const data::Type& type) { return Schema{{{"v", type}}}; }

void ExpectRoundTrip(const data::Type& type, std::string_view bytes, std::string_view row,
                     const FormatOptions& options = {}) {
  const Decoded decoded = DecodeAll("raw", options, One(type), {bytes});
  EXPECT_EQ(decoded.ToString(), std::string(row) + "\n");
  ASSERT_EQ(decoded.rows.size(), 1u);
  EXPECT_EQ(EncodeRow("raw", options, One(type), decoded.batch, 0), bytes);
}

using namespace std::string_view_literals;

TEST(Raw, CarriesEachKindOfValue) {
  ExpectRoundTrip(data::String(), "any text", "+I[any text]");
  ExpectRoundTrip(data::Bytes(), "\xff\x00"sv, "+I[\xff\x00]"sv);
  ExpectRoundTrip(data::Boolean(), "\1", "+I[TRUE]");
  ExpectRoundTrip(data::TinyInt(), "\xfe", "+I[-2]");
  ExpectRoundTrip(data::SmallInt(), "\1\0"sv, "+I[256]");
  ExpectRoundTrip(data::Int(), "\0\0\1\0"sv, "+I[256]");
  ExpectRoundTrip(data::Int(), "\0\1\0\0"sv, "+I[256]", {{"endianness", "little-endian"}});
  ExpectRoundTrip(data::BigInt(), "\xff\xff\xff\xff\xff\xff\xff\xfe", "+I[-2]");
  ExpectRoundTrip(data::Float(), "\x3f\x80\0\0"sv, "+I[1.0]");
  ExpectRoundTrip(data::Double(), "\x3f\xf0\0\0\0\0\0\0"sv, "+I[1.0]");
}

TEST(Raw, RefusesOtherWidthsAndBadText) {
  EXPECT_EQ(DecodeOne("raw", {}, One(data::Int()), "123"), "0: field v: expected 4 bytes of INT, got 3\n");
  EXPECT_EQ(DecodeOne("raw", {}, One(data::String()), "\xff"),
            "0: field v: the record is not valid UTF-8; declare the field as BYTES\n");
}

TEST(Raw, CannotCarryNull) {
  data::Batch batch;
  batch.columns = {data::Constant(data::Int(), data::Value::Null(), 1)};
  batch.rows = 1;
  EXPECT_EQ(EncodeRow("raw", {}, One(data::Int()), batch, 0),
            "error: raw: field v is NULL, which raw cannot carry; filter such rows out");
}

std::string Check(std::string_view format, const FormatOptions& options, const Schema& schema) {
  return std::string(Message(CheckFormat(format, options, schema)));
}

TEST(CheckFormat, NamesTheNearestOptionOrFormat) {
  const Schema schema = One(data::Int());
  EXPECT_EQ(Check("json", {{"ignore-parse-error", "true"}}, schema),
            "'json.ignore-parse-error' is no option of format json; did you mean 'json.ignore-parse-errors'?");
  EXPECT_EQ(Check("raw", {{"x", "y"}}, schema),
            "'raw.x' is no option of format raw; it has raw.charset, raw.endianness");
  EXPECT_EQ(Check("jsn", {}, schema),
            "format 'jsn' is not known: there are csv, debezium-json, json and raw; did you mean 'json'?");
}

TEST(CheckFormat, RefusesBadValuesAndSchemas) {
  const Schema schema = One(data::Int());
  EXPECT_EQ(Check("json", {{"ignore-parse-errors", "yes"}}, schema),
            "'json.ignore-parse-errors': expected true or false, got 'yes'");
  EXPECT_EQ(Check("json", {{"timestamp-format.standard", "RFC"}}, schema),
            "'json.timestamp-format.standard': expected one of SQL|ISO-8601, got 'RFC'");
  EXPECT_EQ(Check("json", {{"ignore-parse-errors", "true"}, {"fail-on-missing-field", "TRUE"}}, schema),
            "'json.fail-on-missing-field' and 'json.ignore-parse-errors' cannot both be true");
  EXPECT_EQ(Check("csv", {{"field-delimiter", "||"}}, schema),
            "'csv.field-delimiter': expected one ASCII character, got '||'");
  EXPECT_EQ(Check("csv", {}, One(data::Row({{"x", data::Int()}}))),
            "csv: field v is ROW<`x` INT>; csv carries single values only, use json");
  EXPECT_EQ(Check("raw", {}, Schema{{{"a", data::Int()}, {"b", data::Int()}}}),
            "raw: expected exactly one field, got 2 (a INT, b INT)");
  EXPECT_EQ(Check("raw", {}, One(data::Date())),
            "raw: field v is DATE; raw carries text, bytes, integers, BOOLEAN, FLOAT and DOUBLE");
  EXPECT_EQ(Check("json", {{"map-null-key.mode", "DROP"}, {"encode.decimal-as-plain-number", "true"}}, schema), "");
}

}  // namespace
}  // namespace leat::format
