// ARRAY, MAP and MULTISET in JSON, in and out.
#include <gtest/gtest.h>

#include "stream/data/collection.h"
#include "tests/stream/format/format_fixture.h"

namespace leat::format {
namespace {

using data::Schema;

const Schema& Everything() {
  static const Schema schema{{{"a", data::Array(data::Int())},
                              {"m", data::Map(data::String(), data::Array(data::BigInt()))},
                              {"r", data::Array(data::Row({{"x", data::Int()}, {"y", data::String()}}))},
                              {"s", data::Multiset(data::String())}}};
  return schema;
}

TEST(JsonCollections, AreReadAndWrittenBack) {
  const std::string json =
      R"({"a":[1,null,3],"m":{"k":[1],"j":null},"r":[{"x":1,"y":"é"},null,{"x":null,"y":"b"}],"s":{"q":2}})";
  const Decoded decoded = DecodeAll("json", {}, Everything(), {json});
  EXPECT_EQ(decoded.ToString(), "+I[[1, NULL, 3], {k=[1], j=NULL}, [(1, é), NULL, (NULL, b)], {q=2}]\n");
  EXPECT_EQ(EncodeRow("json", {}, Everything(), decoded.batch, 0), json);
}

TEST(JsonCollections, OfNothingAndOfNull) {
  const std::string json = R"({"a":[],"m":{},"r":null,"s":{}})";
  const Decoded decoded = DecodeAll("json", {}, Everything(), {json});
  EXPECT_EQ(decoded.ToString(), "+I[[], {}, NULL, {}]\n");
  EXPECT_EQ(EncodeRow("json", {}, Everything(), decoded.batch, 0), json);
}

TEST(JsonCollections, OfAKeyThatComesTwiceKeepTheLastValue) {
  const Schema schema{{{"m", data::Map(data::String(), data::Int())}}};
  EXPECT_EQ(DecodeAll("json", {}, schema, {R"({"m":{"a":1,"b":2,"a":3}})"}).ToString(), "+I[{a=3, b=2}]\n");
}

TEST(JsonCollections, FailTheirRecordWithTheFieldsName) {
  const Schema schema{{{"a", data::Array(data::Int())}}};
  const Decoded wrong = DecodeAll("json", {}, schema, {R"({"a":[1,"x"]})", R"({"a":{"b":1}})", R"({"a":[1]})"});
  EXPECT_EQ(wrong.batch.rows, 1u);
  ASSERT_EQ(wrong.errors.size(), 2u);
  EXPECT_NE(wrong.errors[0].reason.find("field a: expected INT"), std::string::npos) << wrong.errors[0].reason;
  EXPECT_NE(wrong.errors[1].reason.find("expected ARRAY<INT>, got an object"), std::string::npos)
      << wrong.errors[1].reason;
}

TEST(JsonCollections, TakeNullForABadElementWhenParseErrorsAreIgnored) {
  const Schema schema{{{"a", data::Array(data::Int())}}};
  EXPECT_EQ(DecodeAll("json", {{"ignore-parse-errors", "true"}}, schema, {R"({"a":[1,"x",2]})"}).ToString(),
            "+I[[1, NULL, 2]]\n");
}

data::Batch NullKey(const Schema& schema) {
  data::Column keys(data::String());
  keys.AppendNull();
  keys.AppendText("k");
  data::Column values(data::Int());
  values.Append<int32_t>(1);
  values.Append<int32_t>(2);
  data::CollectionWriter writer;
  for (size_t i = 0; i < 2; ++i) {
    writer.Add(keys, i);
    writer.Add(values, i);
  }
  auto column = std::make_shared<data::Column>(schema.fields[0].type);
  column->AppendText(writer.Finish());
  data::Batch batch;
  batch.rows = 1;
  batch.columns = {column};
  return batch;
}

TEST(JsonCollections, WriteTheKeyNullAsTheOptionSays) {
  const Schema schema{{{"m", data::Map(data::String(), data::Int())}}};
  const data::Batch batch = NullKey(schema);
  EXPECT_EQ(EncodeRow("json", {{"map-null-key.mode", "DROP"}}, schema, batch, 0), R"({"m":{"k":2}})");
  EXPECT_EQ(EncodeRow("json", {{"map-null-key.mode", "LITERAL"}, {"map-null-key.literal", "none"}}, schema, batch, 0),
            R"({"m":{"none":1,"k":2}})");
  auto encoder = MakeEncoder("json", {}, schema);
  ASSERT_TRUE(encoder.ok());
  std::string out;
  EXPECT_EQ((*encoder)->Encode(batch, 0, &out).code(), absl::StatusCode::kInvalidArgument);
}

TEST(JsonCollections, NeedTextAsTheKeyOfAMap) {
  const Schema schema{{{"m", data::Array(data::Map(data::Int(), data::Int()))}}};
  EXPECT_FALSE(CheckFormat("json", {}, schema).ok());
  EXPECT_FALSE(CheckFormat("csv", {}, Schema{{{"a", data::Array(data::Int())}}}).ok());
}

}  // namespace
}  // namespace leat::format
