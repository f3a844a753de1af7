// JSON functions and the text functions beside them; values as Flink documents them.
#include <gtest/gtest.h>

#include "stream/exec/json_tree.h"
#include "tests/stream/exec/exec_testing.h"

namespace leat::exec::testing {
namespace {

using F = FunctionId;

std::string One(const ExpressionPtr& expression) {
  data::Batch one;
  one.rows = 1;
  return Evaluate(expression, one)[0];
}

std::string Value(const std::string& json, const std::string& path, const std::string& mode = "NN",
                  data::Type type = data::String(), const std::string& otherwise = "?") {
  const ExpressionPtr instead = type.IsCharacter() ? Text(otherwise) : Null(type);
  return One(plan::Call(F::kJsonValue, {Text(json), Text(path), Text(mode), instead, instead}, type, {3, 7}));
}
std::string Query(const std::string& json, const std::string& path, const std::string& mode = "WNN") {
  return One(Call(F::kJsonQuery, {Text(json), Text(path), Text(mode)}));
}
std::string Exists(const std::string& json, const std::string& path, const std::string& mode = "F") {
  return One(Call(F::kJsonExists, {Text(json), Text(path), Text(mode)}));
}

TEST(JsonValue, IsTheScalarAtThePath) {
  EXPECT_EQ(Value(R"({"a": true})", "$.a"), "true");
  EXPECT_EQ(Value(R"({"a": {"b": [1, "x"]}})", "$.a.b[1]"), "x");
  EXPECT_EQ(Value(R"({"a": {"b": [1, "x"]}})", "lax $.a.b[0]"), "1");
  EXPECT_EQ(Value(R"({"contains blank": "right"})", "strict $.['contains blank']"), "right");
  EXPECT_EQ(Value(R"({"a": 1.50})", "$.a"), "1.50");
  EXPECT_EQ(Value(R"({"a": "\u00e9\n"})", "$.a"), "é\n");
  EXPECT_EQ(Value("[1, 2, 3]", "$[-1]"), "3");
}

TEST(JsonValue, IsEmptyInLaxModeAndAnErrorInStrictMode) {
  EXPECT_EQ(Value("{}", "lax $.a", "DN"), "?");
  EXPECT_EQ(Value("{}", "$.a", "DN"), "NULL");
  EXPECT_EQ(Value("{}", "$.a", "ND"), "?");
  EXPECT_EQ(Value("no json", "lax $.a", "DN"), "?");
  EXPECT_EQ(Value("no json", "strict $.a", "ND"), "?");
  EXPECT_EQ(Value(R"({"a": null})", "$.a", "DN"), "?");
  EXPECT_EQ(Value(R"({"a": [1]})", "lax $.a", "DN"), "?");
  EXPECT_EQ(Value(R"({"a": [1]})", "strict $.a", "ND"), "?");
  EXPECT_NE(Value("{}", "lax $.a", "EN").find("error: line 3, column 7: JSON_VALUE"), std::string::npos);
  EXPECT_NE(Value("{}", "strict $.a", "NE").find("error: line 3, column 7: JSON_VALUE"), std::string::npos);
}

TEST(JsonValue, ReturnsOtherTypes) {
  EXPECT_EQ(Value(R"({"a": 7})", "$.a", "NN", data::Int()), "7");
  EXPECT_EQ(Value(R"({"a": 7.5})", "$.a", "NN", data::Double()), "7.5");
  EXPECT_EQ(Value(R"({"a": false})", "$.a", "NN", data::Boolean()), "FALSE");
  EXPECT_NE(Value(R"({"a": "x"})", "$.a", "NN", data::Int()).find("expected INT, got x"), std::string::npos);
}

TEST(JsonQuery, IsTheArrayOrObjectAtThePath) {
  EXPECT_EQ(Query(R"({"a": {"c": 1, "b": [ ] }})", "$.a"), R"({"b":[],"c":1})");
  EXPECT_EQ(Query(R"({"a": 1})", "$.a"), "NULL");
  EXPECT_EQ(Query(R"({"a": 1})", "$.a", "UNN"), "[1]");
  EXPECT_EQ(Query(R"({"a": [1]})", "$.a", "UNN"), "[[1]]");
  EXPECT_EQ(Query(R"({"a": [1]})", "$.a", "CNN"), "[1]");
  EXPECT_EQ(Query(R"({"a": 1})", "$.a", "CNN"), "[1]");
  EXPECT_EQ(Query(R"([{"a": 1}, {"a": 2}, {}])", "$[*].a"), "[1,2]");
  EXPECT_EQ(Query(R"({"x": 1, "y": 2})", "$.*"), "[1,2]");
  EXPECT_EQ(Query("{}", "lax $.a", "WAN"), "[]");
  EXPECT_EQ(Query("{}", "strict $.a", "WNO"), "{}");
  EXPECT_EQ(Query(R"({"a": [1e3, 1.10, 12E-1]})", "$.a"), "[1E+3,1.10,1.2]");
}

TEST(JsonExists, LooksForSomethingThatIsNotNull) {
  EXPECT_EQ(Exists(R"({"a": 1})", "$.a"), "TRUE");
  EXPECT_EQ(Exists(R"({"a": 1})", "$.b"), "FALSE");
  EXPECT_EQ(Exists(R"({"a": null})", "$.a"), "FALSE");
  EXPECT_EQ(Exists(R"({"a": 1})", "strict $.b", "T"), "TRUE");
  EXPECT_EQ(Exists(R"({"a": 1})", "strict $.b", "U"), "NULL");
  EXPECT_EQ(Exists(R"({"a": 1})", "lax $.b", "T"), "FALSE");
  EXPECT_NE(Exists(R"({"a": 1})", "strict $.b", "E").find("error: "), std::string::npos);
}

TEST(JsonPath, OfAConstantIsJudgedBeforeAnyRow) {
  for (const std::string path : {"a", "$.", "$[?(@.x)]", "$..a", "$[1", "lax"}) {
    const ExpressionPtr call = Call(F::kJsonExists, {Text("{}"), Text(path), Text("F")});
    EXPECT_FALSE(Evaluator::Compile(call).ok()) << path;
  }
}

TEST(IsJson, TellsTheKind) {
  const auto is = [](const std::string& json, const std::string& mode) {
    return One(Call(F::kIsJson, {Text(json), Text(mode)}));
  };
  EXPECT_EQ(is("1", "V"), "TRUE");
  EXPECT_EQ(is("{\"a\":", "V"), "FALSE");
  EXPECT_EQ(is("1", "S"), "TRUE");
  EXPECT_EQ(is("[]", "S"), "FALSE");
  EXPECT_EQ(is("[]", "A"), "TRUE");
  EXPECT_EQ(is("{}", "O"), "TRUE");
  EXPECT_EQ(One(Call(F::kIsJson, {Null(data::String()), Text("V")})), "FALSE");
}

TEST(JsonBuilders, WriteValuesAndLeaveOutNulls) {
  const ExpressionPtr none = Null(data::Int());
  EXPECT_EQ(One(Call(F::kJsonObject, {Text("NVV"), Text("b"), Int(1), Text("a"), none})), R"({"a":null,"b":1})");
  EXPECT_EQ(One(Call(F::kJsonObject, {Text("AVV"), Text("b"), Int(1), Text("a"), none})), R"({"b":1})");
  EXPECT_EQ(One(Call(F::kJsonObject, {Text("N")})), "{}");
  EXPECT_EQ(One(Call(F::kJsonArray, {Text("AVVVV"), Text("a\"b"), Bool(true), none, Dec(150, 5, 2)})),
            R"(["a\"b",true,1.50])");
  EXPECT_EQ(One(Call(F::kJsonArray, {Text("NVJ"), none, Text("[1]")})), "[null,[1]]");
  EXPECT_EQ(One(Call(F::kJsonString, {Text("x")})), "\"x\"");
  EXPECT_EQ(One(Call(F::kJsonString, {none})), "NULL");
  EXPECT_EQ(One(Call(F::kJsonQuote, {Text("a\t")})), "\"a\\t\"");
  EXPECT_EQ(One(Call(F::kJsonUnquote, {Text("\"a\\t\"")})), "a\t");
  EXPECT_EQ(One(Call(F::kJsonUnquote, {Text("a")})), "a");
}

TEST(JsonTree, RefusesWhatIsNoJson) {
  JsonNode node;
  for (const std::string text :
       {"", "{", "[1,]", "{\"a\"}", "01", "1.", "\"\\x\"", "\"\\ud800\\u0041\"", "1 2", "nul", "+1", "{\"a\":1,}"}) {
    EXPECT_FALSE(ParseJson(text, &node)) << text;
  }
  EXPECT_FALSE(ParseJson(std::string(100'000, '['), &node));
}

TEST(MoreText, FindsAndChanges) {
  EXPECT_EQ(One(Call(F::kLocate, {Text("b"), Text("éabcb")})), "3");
  EXPECT_EQ(One(Call(F::kLocate, {Text("b"), Text("éabcb"), Int(4)})), "5");
  EXPECT_EQ(One(Call(F::kLocate, {Text("x"), Text("abc")})), "0");
  EXPECT_EQ(One(Call(F::kElt, {Int(2), Text("a"), Text("b")})), "b");
  EXPECT_EQ(One(Call(F::kElt, {Int(3), Text("a"), Text("b")})), "NULL");
  EXPECT_EQ(One(Call(F::kStartsWith, {Text("abc"), Text("ab")})), "TRUE");
  EXPECT_EQ(One(Call(F::kEndsWith, {Text("abc"), Text("ab")})), "FALSE");
  EXPECT_EQ(One(Call(F::kTranslate, {Text("hello"), Text("el"), Text("ip")})), "hippo");
  EXPECT_EQ(One(Call(F::kTranslate, {Text("hello"), Text("lo"), Text("1")})), "he11");
  EXPECT_EQ(One(Call(F::kHex, {Int(255)})), "FF");
  EXPECT_EQ(One(Call(F::kHex, {Text("hi")})), "6869");
  EXPECT_EQ(One(Call(F::kUnhex, {Text("6869")})), "hi");
  EXPECT_EQ(One(Call(F::kUnhex, {Text("xx")})), "NULL");
  EXPECT_EQ(One(Call(F::kBin, {Big(5)})), "101");
  EXPECT_EQ(One(Call(F::kUrlEncode, {Text("a b&é")})), "a+b%26%C3%A9");
  EXPECT_EQ(One(Call(F::kUrlDecode, {Text("a+b%26%C3%A9")})), "a b&é");
  EXPECT_EQ(One(Call(F::kUrlDecode, {Text("%zz")})), "NULL");
  EXPECT_EQ(One(Call(F::kSha1, {Text("abc")})), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(One(Call(F::kSha2, {Text("abc"), Int(224)})), "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
}

TEST(MoreText, SearchesByRegularExpressions) {
  EXPECT_EQ(One(Call(F::kRegexpCount, {Text("abcabc"), Text("b.")})), "2");
  EXPECT_EQ(One(Call(F::kRegexpCount, {Text("abc"), Text("(")})), "NULL");
  EXPECT_EQ(One(Call(F::kRegexpInstr, {Text("éabc"), Text("b")})), "3");
  EXPECT_EQ(One(Call(F::kRegexpInstr, {Text("abc"), Text("x")})), "0");
  EXPECT_EQ(One(Call(F::kRegexpSubstr, {Text("foo12bar"), Text("[0-9]+")})), "12");
  EXPECT_EQ(One(Call(F::kRegexpSubstr, {Text("foo"), Text("[0-9]+")})), "NULL");
}

}  // namespace
}  // namespace leat::exec::testing
