#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/stream/format/format_fixture.h"
#include "tests/support/source_dir.h"

namespace leat::format {
namespace {

using data::BigInt;
using data::Boolean;
using data::Bytes;
using data::Date;
using data::Decimal;
using data::Double;
using data::Float;
using data::Int;
using data::Row;
using data::Schema;
using data::String;
using data::Time;
using data::Timestamp;
using data::TimestampLtz;
using data::TinyInt;

std::string Json(const Schema& schema, std::string_view record, const FormatOptions& options = {}) {
  return DecodeOne("json", options, schema, record);
}

TEST(JsonDecoder, ReadsEveryType) {
  const Schema schema{{{"b", Boolean()},
                       {"t", TinyInt()},
                       {"i", Int()},
                       {"l", BigInt()},
                       {"f", Float()},
                       {"d", Double()},
                       {"m", Decimal(10, 2)},
                       {"s", String()},
                       {"y", Bytes()},
                       {"da", Date()},
                       {"ti", Time()},
                       {"ts", Timestamp(3)},
                       {"tz", TimestampLtz(6)}}};
  EXPECT_EQ(Json(schema, R"({"b":true,"t":-128,"i":2147483647,"l":-9223372036854775808,"f":0.1,"d":1e300,"m":12.345,
                             "s":"a\"b","y":"aGk=","da":"2026-02-28","ti":"23:59:59","ts":"2026-02-28 01:02:03.4567",
                             "tz":"2026-02-28 01:02:03.4567Z"})"),
            "+I[TRUE, -128, 2147483647, -9223372036854775808, 0.1, 1.0E300, 12.35, a\"b, hi, 2026-02-28, 23:59:59, "
            "2026-02-28 01:02:03.456, 2026-02-28 01:02:03.456700]\n");
}

TEST(JsonDecoder, TakesNumbersFromStringsAndTextFromAnything) {
  const Schema schema{{{"i", Int()}, {"d", Double()}, {"m", Decimal(38, 18)}, {"s", String()}}};
  EXPECT_EQ(Json(schema, R"({"i":" 12 ","d":"NaN","m":"0.1","s":1.50})"), "+I[12, NaN, 0.100000000000000000, 1.50]\n");
  EXPECT_EQ(Json(schema, R"({"s": {"a" : [1, "x y"] } , "i":2})"), "+I[2, NULL, NULL, {\"a\":[1,\"x y\"]}]\n");
  EXPECT_EQ(Json(schema, R"({"s":[ 1 , 2 ], "i":3})"), "+I[3, NULL, NULL, [1,2]]\n");
  EXPECT_EQ(Json(schema, R"({"s":true, "i":4.9})"), "+I[4, NULL, NULL, true]\n");
}

TEST(JsonDecoder, ReadsDecimalsExactly) {
  const Schema schema{{{"m", Decimal(38, 0)}}};
  EXPECT_EQ(Json(schema, R"({"m":12345678901234567890123456789012345678})"),
            "+I[12345678901234567890123456789012345678]\n");
}

TEST(JsonDecoder, DecodesOnlyWantedFieldsInTheirOrder) {
  const Schema schema{{{"a", Int()}, {"b", Int()}, {"c", String()}}};
  const int wanted[] = {2, 0};
  auto decoder = MakeDecoder("json", {}, schema, wanted);
  ASSERT_TRUE(decoder.ok());
  EXPECT_EQ(DecodeWith(**decoder, schema, wanted, {R"({"a":1,"b":"no number","c":"x"})"}).ToString(), "+I[x, 1]\n");
}

TEST(JsonDecoder, FollowsRecordsWhoseFieldsChangePlaces) {
  const Schema schema{{{"a", Int()}, {"bb", Int()}}};
  EXPECT_EQ(DecodeAll("json", {}, schema,
                      {R"({"a":1,"bb":2})", R"({"bb":4,"a":3})", R"({"x":0,"a":5,"b":0,"bb":6})", R"({"a":7})", R"({})",
                       R"({"\u0061":8,"b\u0062":9})"})
                .ToString(),
            "+I[1, 2]\n+I[3, 4]\n+I[5, 6]\n+I[7, NULL]\n+I[NULL, NULL]\n+I[8, 9]\n");
}

TEST(JsonDecoder, TakesTheLastOfDuplicateFields) {
  const Schema schema{{{"a", Int()}, {"r", Row({{"x", String()}})}}};
  EXPECT_EQ(Json(schema, R"({"a":1,"r":{"x":"p","x":"q"},"a":2,"r":{"x":"s"},"a":null})"), "+I[NULL, (s)]\n");
}

TEST(JsonDecoder, ReadsNestedRows) {
  const Schema schema{{{"r", Row({{"x", Int()}, {"in", Row({{"y", String()}})}})}, {"z", Int()}}};
  EXPECT_EQ(Json(schema, R"({"r":{"in":{"y":"deep","u":[{}]},"x":1},"z":2})"), "+I[(1, (deep)), 2]\n");
  EXPECT_EQ(Json(schema, R"({"r":{},"z":2})"), "+I[(NULL, NULL), 2]\n");
  EXPECT_EQ(Json(schema, R"({"r":null,"z":2})"), "+I[NULL, 2]\n");
  EXPECT_EQ(Json(schema, R"({"r":{"in":{"y":1},"x":"one"},"z":2})"), "0: field r.x: expected INT, got \"one\"\n");
  EXPECT_EQ(Json(schema, R"({"r":5})").substr(0, 30), "0: field r: expected ROW<`x` I");
}

TEST(JsonDecoder, GivesNoRowForARecordWithoutValue) {
  EXPECT_EQ(DecodeAll("json", {}, Schema{{{"a", Int()}}}, {std::nullopt, R"({"a":1})"}).rows,
            (std::vector<uint32_t>{1}));
}

TEST(JsonDecoder, NamesTheFieldAndShowsTheTextInErrors) {
  const Schema schema{{{"amt", Int()}, {"k", String().AsNotNull()}}};
  EXPECT_EQ(Json(schema, R"({"amt":"abc","k":""})"), "0: field amt: expected INT, got \"abc\"\n");
  EXPECT_EQ(Json(schema, R"({"amt":2147483648,"k":""})"),
            "0: field amt: expected INT, got 2147483648, which is out of range\n");
  EXPECT_EQ(Json(schema, R"({"amt":1e99,"k":""})"), "0: field amt: expected INT, got 1e99, which is out of range\n");
  EXPECT_EQ(Json(schema, R"({"amt":true,"k":""})"), "0: field amt: expected INT, got true\n");
  EXPECT_EQ(Json(schema, R"({"amt":[1],"k":""})"), "0: field amt: expected INT, got an array\n");
  EXPECT_EQ(Json(schema, R"({"amt":1,"k":null})"), "0: field k: expected STRING NOT NULL, got null\n");
  EXPECT_EQ(Json(schema, R"({"amt":1})"), "0: field k: expected STRING NOT NULL, but the record has no such field\n");
  const std::string long_text(200, 'x');
  EXPECT_EQ(Json(schema, R"({"amt":")" + long_text + "\"}"),
            "0: field amt: expected INT, got \"" + long_text.substr(0, 79) + "...\n");
}

TEST(JsonDecoder, RefusesWhatIsNoJsonObject) {
  const Schema schema{{{"a", Int()}}};
  for (const char* text : {"",
                           " ",
                           "1",
                           "[]",
                           "null",
                           "\"a\"",
                           "{",
                           "{\"a\":1",
                           "{\"a\":1}}",
                           "{\"a\":1}{\"a\":2}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{\"a\" 1}",
                           "{a:1}",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"a\":+1}",
                           "{\"a\":nul}",
                           "{\"a\":.5}",
                           "{\"a\":\"1}",
                           "{\"a\":1 2}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"1\"2}",
                           "{\"a\":1} x"}) {
    const Decoded decoded = DecodeAll("json", {}, schema, {text});
    EXPECT_EQ(decoded.errors.size(), 1u) << text << " gave " << decoded.ToString();
  }
}

TEST(JsonDecoder, FailsOnMissingFieldsOnlyWhenAsked) {
  const Schema schema{{{"a", Int()}}};
  EXPECT_EQ(Json(schema, "{}"), "+I[NULL]\n");
  EXPECT_EQ(Json(schema, "{}", {{"fail-on-missing-field", "true"}}),
            "0: field a: expected INT, but the record has no such field\n");
  EXPECT_EQ(Json(schema, R"({"a":null})", {{"fail-on-missing-field", "true"}}), "+I[NULL]\n");
}

TEST(JsonDecoder, IgnoringErrorsMakesBadFieldsNullAndSkipsBadRecords) {
  const Schema schema{{{"a", Int()}, {"n", Int().AsNotNull()}, {"r", Row({{"x", Int()}})}}};
  EXPECT_EQ(DecodeAll("json", {{"ignore-parse-errors", "true"}}, schema,
                      {R"({"a":"bad","n":1,"r":{"x":"bad"}})", R"({"a":1,"n":"bad"})", "junk", R"({"n":2,"r":[]})"})
                .ToString(),
            "+I[NULL, 1, (NULL)]\n+I[NULL, 2, NULL]\n");
}

TEST(JsonDecoder, ReadsIsoTimestampsWhenAsked) {
  const Schema schema{{{"ts", Timestamp(3)}, {"tz", TimestampLtz(3)}}};
  const FormatOptions iso = {{"timestamp-format.standard", "ISO-8601"}};
  EXPECT_EQ(Json(schema, R"({"ts":"2026-02-28T01:02:03.5","tz":"2026-02-28T01:02:03Z"})", iso),
            "+I[2026-02-28 01:02:03.500, 2026-02-28 01:02:03.000]\n");
  EXPECT_EQ(Json(schema, R"({"ts":"2026-02-28 01:02:03"})", iso),
            "0: field ts: expected TIMESTAMP(3), got \"2026-02-28 01:02:03\"\n");
}

TEST(JsonDecoder, RollsBackARecordThatFailsHalfway) {
  const Schema schema{{{"s", String()}, {"r", Row({{"x", Int()}, {"y", Int()}})}, {"a", Int()}}};
  const Decoded decoded = DecodeAll("json", {}, schema,
                                    {R"({"s":"1","r":{"x":1,"y":"bad"}})", R"({"s":"2","r":{"x":2,"y":3},"a":"bad"})",
                                     R"({"s":"3","r":{"x":4,"y":5},"a":6})"});
  EXPECT_EQ(decoded.errors.size(), 2u);
  EXPECT_EQ(data::FormatRow(decoded.batch, 0), "+I[3, (4, 5), 6]");
}

TEST(JsonDecoder, SurvivesDeepNesting) {
  const Schema schema{{{"a", Int()}, {"s", String()}}};
  for (const size_t depth : {100u, 5000u, 1000000u}) {
    const std::string open(depth, '[');
    const std::string close(depth, ']');
    // Nothing here recurses over the input; what matters is that it ends with a row or an error.
    const Decoded skipped = DecodeAll("json", {}, schema, {"{\"x\":" + open + close + ",\"a\":1}"});
    EXPECT_EQ(skipped.rows.size() + skipped.errors.size(), 1u);
    const Decoded text = DecodeAll("json", {}, schema, {"{\"s\":" + open + close + "}"});
    EXPECT_EQ(text.rows.size() + text.errors.size(), 1u);
    EXPECT_EQ(DecodeAll("json", {}, schema, {"{\"a\":" + open}).errors.size(), 1u);
  }
}

TEST(JsonDecoder, EveryTruncationIsAnError) {
  const Schema schema{{{"a", Int()}, {"s", String()}, {"r", Row({{"x", Double()}})}}};
  const std::string whole = R"({"a":-12,"u":[1,{"v":null}],"s":"t\u00e9\n","r":{"x":1.5e3}})";
  EXPECT_EQ(DecodeAll("json", {}, schema, {whole}).rows.size(), 1u);
  for (size_t n = 0; n < whole.size(); ++n) {
    EXPECT_EQ(DecodeAll("json", {}, schema, {whole.substr(0, n)}).errors.size(), 1u) << n;
  }
}

TEST(JsonDecoder, RefusesInvalidUtf8AndHugeNumbers) {
  const Schema schema{{{"s", String()}, {"d", Double()}, {"m", Decimal(5, 2)}}};
  EXPECT_EQ(DecodeAll("json", {}, schema, {"{\"s\":\"\xff\xfe\"}"}).errors.size(), 1u);
  EXPECT_EQ(DecodeAll("json", {}, schema, {"{\"s\":\"\xed\xa0\x80\"}"}).errors.size(), 1u);
  EXPECT_EQ(DecodeAll("json", {}, schema, {R"({"d":1e400})"}).errors.size(), 1u);
  EXPECT_EQ(Json(schema, R"({"d":1e-400})"), "+I[NULL, 0.0, NULL]\n");
  EXPECT_EQ(DecodeAll("json", {}, schema, {R"({"m":1000})"}).errors.size(), 1u);
  const std::string digits(100'000, '9');
  EXPECT_EQ(DecodeAll("json", {}, schema, {"{\"m\":" + digits + "}"}).errors.size(), 1u);
}

RC_GTEST_PROP(JsonDecoder, GivesARowOrAnErrorForAnyBytes, (const std::string& bytes)) {
  const Schema schema{{{"a", Int()}, {"s", String()}, {"r", Row({{"x", Int()}})}}};
  const Decoded decoded = DecodeAll("json", {}, schema, {bytes});
  RC_ASSERT(decoded.rows.size() + decoded.errors.size() == 1u);
}

// Valid records with one byte changed: nearer to the truth than random bytes.
RC_GTEST_PROP(JsonDecoder, GivesARowOrAnErrorForADamagedRecord, ()) {
  const Schema schema{{{"a", Int()}, {"s", String()}, {"r", Row({{"x", Double()}})}, {"t", String()}}};
  std::string record = R"({"a":-12,"u":[1,{"v":null}],"s":"t\u00e9\n","r":{"x":1.5e3},"t":{"k":[true]}})";
  const auto at = *rc::gen::inRange<size_t>(0, record.size());
  record[at] = static_cast<char>(*rc::gen::oneOf(
      rc::gen::inRange(0, 256), rc::gen::map(rc::gen::element('"', '{', '}', '[', ']', ',', ':', '\\', '0'),
                                             [](char c) { return static_cast<int>(c); })));
  const Decoded decoded = DecodeAll("json", {}, schema, {record});
  RC_ASSERT(decoded.rows.size() + decoded.errors.size() == 1u);
}

TEST(JsonDecoder, AgreesWithTheGoldenFile) {
  const Schema schema{{{"id", BigInt()}, {"amt", Decimal(10, 2)}, {"at", Timestamp(3)}, {"who", String()}}};
  std::ifstream in(test::SourceDir() + "/tests/golden/format/decode.jsonl");
  ASSERT_TRUE(in.is_open());
  std::ifstream wanted(test::SourceDir() + "/tests/golden/format/decode.txt");
  std::stringstream text;
  text << wanted.rdbuf();
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  EXPECT_EQ(DecodeAll("json", {}, schema, {lines.begin(), lines.end()}).ToString(), text.str());
}

}  // namespace
}  // namespace leat::format
