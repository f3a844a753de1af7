#include "admin/record_json.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace leat::admin {
namespace {

std::string Value(std::string_view value) {
  std::string out = "{";
  AppendJsonValue(value, &out);
  out += "}";
  boost::json::error_code error;
  boost::json::parse_options options;
  options.max_depth = 300;
  boost::json::parse(out, error, {}, options);
  EXPECT_FALSE(error) << out;
  return out;
}

TEST(RecordJson, AValueThatIsJsonStaysAsItIs) {
  EXPECT_EQ(Value("{\"n\": 12345678901234567890.10,\n\"a\":[1]}"),
            "{\"value\":{\"n\": 12345678901234567890.10, \"a\":[1]}}");
  EXPECT_EQ(Value("42"), "{\"value\":42}");
  EXPECT_EQ(Value("null"), "{\"value\":null}");
}

TEST(RecordJson, TextAndBytesSayWhatTheyAre) {
  EXPECT_EQ(Value("plain \"text\""), "{\"value_text\":\"plain \\\"text\\\"\"}");
  EXPECT_EQ(Value(""), "{\"value_text\":\"\"}");
  EXPECT_EQ(Value("{\"a\":1} {"), "{\"value_text\":\"{\\\"a\\\":1} {\"}");
  EXPECT_EQ(Value("\xff\xfe"), "{\"value_base64\":\"//4=\"}");
  EXPECT_EQ(Value("\"\xff\""), "{\"value_base64\":\"Iv8i\"}");
}

TEST(RecordJson, KeysAreTextOrBytes) {
  std::string out;
  AppendJsonKey("k\n", &out);
  AppendJsonText("next", std::string_view("\0\x80", 2), &out);
  EXPECT_EQ(out, "\"key\":\"k\\n\"\"next_base64\":\"AIA=\"");
}

}  // namespace
}  // namespace leat::admin
