#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/stream/format/format_fixture.h"

namespace leat::format {
namespace {

using data::Schema;

const Schema& Three() {
  static const Schema schema{{{"a", data::Int()}, {"b", data::String()}, {"c", data::Decimal(10, 2)}}};
  return schema;
}

std::string Csv(std::string_view record, const FormatOptions& options = {}) {
  return DecodeOne("csv", options, Three(), record);
}

TEST(CsvDecoder, ReadsFieldsByPosition) {
  EXPECT_EQ(Csv("1,x y,2.5"), "+I[1, x y, 2.50]\n");
  EXPECT_EQ(Csv(" 1 ,, 2.5\r\n"), "+I[1, , 2.50]\n");
  EXPECT_EQ(Csv("1;\"a;b\";2", {{"field-delimiter", ";"}}), "+I[1, a;b, 2.00]\n");
  EXPECT_EQ(Csv("1\tx\t2", {{"field-delimiter", "\\t"}}), "+I[1, x, 2.00]\n");
}

TEST(CsvDecoder, ReadsQuotedFields) {
  EXPECT_EQ(Csv("1,\"say \"\"hi\"\",\nthere\",2"), "+I[1, say \"hi\",\nthere, 2.00]\n");
  EXPECT_EQ(Csv("\"1\",'it''s',2", {{"quote-character", "'"}}), "0: field a (number 1): expected INT, got \"\"1\"\"\n");
  EXPECT_EQ(Csv("1,\"x,2", {{"disable-quote-character", "true"}}), "+I[1, \"x, 2.00]\n");
}

TEST(CsvDecoder, RefusesDamagedRecords) {
  EXPECT_EQ(Csv("1,\"x,2"), "0: the quote at byte 2 is never closed\n");
  EXPECT_EQ(Csv("1,\"x\"y,2"), "0: expected the field delimiter behind the closing quote at byte 4\n");
  EXPECT_EQ(Csv("1,x\n2,y"), "0: expected one line, got a second one from byte 3\n");
  EXPECT_EQ(Csv("1,x"), "0: expected 3 fields, got 2: 1,x\n");
  EXPECT_EQ(Csv("1,x,2,"), "0: expected 3 fields, got 4: 1,x,2,\n");
  EXPECT_EQ(Csv("1,\xff,2"), "0: the record is not valid UTF-8\n");
  EXPECT_EQ(Csv("x,y,2"), "0: field a (number 1): expected INT, got \"x\"\n");
}

TEST(CsvDecoder, TakesTheNullLiteral) {
  EXPECT_EQ(Csv("n/a,n/a,n/a", {{"null-literal", "n/a"}}), "+I[NULL, NULL, NULL]\n");
  EXPECT_EQ(Csv(",,", {{"null-literal", ""}}), "+I[NULL, NULL, NULL]\n");
}

TEST(CsvDecoder, SkipsCommentsAndErrorsOnlyWhenAsked) {
  EXPECT_EQ(Csv("# 1,2,3", {{"allow-comments", "true"}}), "");
  EXPECT_EQ(Csv("#,x,2", {{"ignore-parse-errors", "true"}}), "+I[NULL, x, 2.00]\n");
  EXPECT_EQ(Csv("1", {{"ignore-parse-errors", "true"}}), "+I[1, NULL, NULL]\n");
  EXPECT_EQ(Csv("1,2,3,4", {{"ignore-parse-errors", "true"}}), "");
}

TEST(CsvDecoder, DecodesOnlyWantedFields) {
  const int wanted[] = {2};
  auto decoder = MakeDecoder("csv", {}, Three(), wanted);
  ASSERT_TRUE(decoder.ok());
  EXPECT_EQ(DecodeWith(**decoder, Three(), wanted, {"no number,x,2"}).ToString(), "+I[2.00]\n");
}

TEST(CsvEncoder, QuotesWhatNeedsIt) {
  data::Batch batch = DecodeAll("csv", {{"null-literal", "-"}}, Three(), {"-,\"a,\"\"b\"\"\",2"}).batch;
  EXPECT_EQ(EncodeRow("csv", {{"null-literal", "-"}}, Three(), batch, 0), "-,\"a,\"\"b\"\"\",2.00");
  EXPECT_EQ(
      EncodeRow("csv", {{"disable-quote-character", "true"}}, Three(), batch, 0),
      "error: csv: field b: a,\"b\" holds the delimiter or a line end, and 'csv.disable-quote-character' is true");
}

RC_GTEST_PROP(Csv, RoundTripsText, ()) {
  const Schema schema{{{"a", data::String()}, {"b", data::String()}}};
  const auto text = rc::gen::container<std::string>(rc::gen::element('"', ',', '\n', '\r', 'x', ' ', '#'));
  data::Batch batch;
  for (int i = 0; i < 2; ++i) {
    auto column = std::make_shared<data::Column>(data::String());
    column->AppendText(*text);
    batch.columns.push_back(column);
  }
  batch.rows = 1;
  const std::string csv = EncodeRow("csv", {}, schema, batch, 0);
  const Decoded back = DecodeAll("csv", {}, schema, {csv});
  RC_ASSERT(back.errors.empty());
  RC_ASSERT(data::FormatRow(back.batch, 0) == data::FormatRow(batch, 0));
}

RC_GTEST_PROP(CsvDecoder, GivesARowOrAnErrorForAnyBytes, (const std::string& bytes)) {
  const Decoded decoded = DecodeAll("csv", {}, Three(), {bytes});
  RC_ASSERT(decoded.rows.size() + decoded.errors.size() == 1u);
}

}  // namespace
}  // namespace leat::format
