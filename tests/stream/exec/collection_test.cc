// ARRAY, MAP and ROW: construction, access, functions, CAST; values as Flink documents them.
#include <gtest/gtest.h>

#include "stream/data/collection.h"
#include "tests/stream/exec/exec_testing.h"

namespace leat::exec::testing {
namespace {

using F = FunctionId;

struct Case {
  ExpressionPtr expression;
  std::string expected;
};

void Check(const std::vector<Case>& cases) {
  data::Batch one;
  one.rows = 1;
  for (const Case& c : cases) {
    const std::string got = Evaluate(c.expression, one)[0];
    const std::string name = plan::ToString(*c.expression);
    if (c.expected.starts_with("error:")) {
      EXPECT_TRUE(got.starts_with("error: ")) << name << ": " << got;
      EXPECT_NE(got.find(c.expected.substr(7)), std::string::npos) << name << ": " << got;
    } else {
      EXPECT_EQ(got, c.expected) << name;
    }
    // The same over columns: a row, a row of NULLs, the row again.
    data::Batch batch;
    const ExpressionPtr over_columns = ToInputs(c.expression, &batch);
    batch.rows = 3;
    if (batch.columns.empty()) continue;
    const std::vector<std::string> rows = Evaluate(over_columns, batch);
    EXPECT_EQ(rows[0], got) << name;
    EXPECT_EQ(rows[2], got) << name;
  }
}

ExpressionPtr Ints(const std::vector<int>& values) {
  std::vector<ExpressionPtr> elements;
  for (const int value : values) elements.push_back(Int(value));
  return Call(F::kArrayOf, elements);
}
ExpressionPtr WithNull() { return Call(F::kArrayOf, {Int(3), Null(data::Int()), Int(1)}); }
ExpressionPtr Ages() { return Call(F::kMapOf, {Text("ann"), Int(40), Text("bob"), Int(7)}); }
ExpressionPtr NoInts() { return Null(data::Array(data::Int())); }

TEST(Array, IsMadeAndTakenApart) {
  Check({{Ints({1, 2, 3}), "[1, 2, 3]"},
         {Call(F::kArrayOf, {Int(1), Real(2.5)}), "[1.0, 2.5]"},
         {Call(F::kArrayOf, {Ints({1}), Ints({2, 3})}), "[[1], [2, 3]]"},
         {WithNull(), "[3, NULL, 1]"},
         {Call(F::kItem, {Ints({10, 20}), Int(1)}), "10"},
         {Call(F::kItem, {Ints({10, 20}), Int(2)}), "20"},
         {Call(F::kItem, {Ints({10, 20}), Int(3)}), "NULL"},
         {Call(F::kItem, {Ints({10, 20}), Int(0)}), "NULL"},
         {Call(F::kItem, {NoInts(), Int(1)}), "NULL"},
         {Call(F::kCardinality, {WithNull()}), "3"},
         {Call(F::kCardinality, {Ages()}), "2"},
         {Call(F::kCardinality, {NoInts()}), "NULL"},
         {Call(F::kElement, {Ints({9})}), "9"},
         {Call(F::kElement, {Ints({9, 8})}), "error: expected an array of one element, got 2"}});
}

TEST(Map, IsMadeAndTakenApart) {
  Check({{Ages(), "{ann=40, bob=7}"},
         {Call(F::kMapOf, {Text("a"), Int(1), Text("a"), Int(2)}), "{a=2}"},
         {Call(F::kItem, {Ages(), Text("bob")}), "7"},
         {Call(F::kItem, {Ages(), Text("eve")}), "NULL"},
         {Call(F::kMapKeys, {Ages()}), "[ann, bob]"},
         {Call(F::kMapValues, {Ages()}), "[40, 7]"},
         {Call(F::kMapEntries, {Ages()}), "[(ann, 40), (bob, 7)]"},
         {Call(F::kMapFromArrays, {Ints({1, 2}), Ints({3, 4})}), "{1=3, 2=4}"},
         {Call(F::kMapFromArrays, {Ints({1, 2}), Ints({3})}), "error: got 2 keys and 1 values"},
         {Call(F::kMapUnion, {Ages(), Call(F::kMapOf, {Text("bob"), Int(8)})}), "{ann=40, bob=8}"},
         {Call(F::kStrToMap, {Text("a=1,b=2,c")}), "{a=1, b=2, c=NULL}"},
         {Call(F::kStrToMap, {Text("")}), "{}"}});
  // The delimiters are regular expressions that the script writes.
  data::Batch one;
  one.rows = 1;
  EXPECT_EQ(Evaluate(Call(F::kStrToMap, {Text("a:1;b:2,"), Text("[;,]"), Text(":")}), one)[0], "{a=1, b=2}");
}

TEST(ArrayFunctions, FindAndChangeElements) {
  Check({{Call(F::kArrayContains, {Ints({1, 2}), Int(2)}), "TRUE"},
         {Call(F::kArrayContains, {Ints({1, 2}), Int(5)}), "FALSE"},
         {Call(F::kArrayContains, {WithNull(), Null(data::Int())}), "TRUE"},
         {Call(F::kArrayContains, {NoInts(), Int(1)}), "NULL"},
         {Call(F::kArrayPosition, {Ints({4, 5, 4}), Int(4)}), "1"},
         {Call(F::kArrayPosition, {Ints({4, 5}), Int(6)}), "0"},
         {Call(F::kArrayPosition, {Ints({4, 5}), Null(data::Int())}), "NULL"},
         {Call(F::kArrayAppend, {Ints({1}), Int(2)}), "[1, 2]"},
         {Call(F::kArrayAppend, {Ints({1}), Null(data::Int())}), "[1, NULL]"},
         {Call(F::kArrayPrepend, {Ints({1}), Int(2)}), "[2, 1]"},
         {Call(F::kArrayRemove, {Ints({1, 2, 1}), Int(1)}), "[2]"},
         {Call(F::kArrayRemove, {WithNull(), Null(data::Int())}), "[3, 1]"},
         {Call(F::kArrayConcat, {Ints({1}), Ints({2}), Ints({1})}), "[1, 2, 1]"},
         {Call(F::kArrayConcat, {Ints({1}), NoInts()}), "NULL"},
         {Call(F::kArrayDistinct, {Ints({2, 1, 2})}), "[2, 1]"},
         {Call(F::kArrayUnion, {Ints({2, 1}), Ints({1, 3})}), "[2, 1, 3]"},
         {Call(F::kArrayReverse, {WithNull()}), "[1, NULL, 3]"}});
}

TEST(ArrayFunctions, OrderCutAndJoin) {
  const ExpressionPtr words = Call(F::kArrayOf, {Text("b"), Null(data::String()), Text("a")});
  Check({{Call(F::kArrayMax, {WithNull()}), "3"},
         {Call(F::kArrayMin, {WithNull()}), "1"},
         {Call(F::kArrayMin, {Ints({-5, 5})}), "-5"},
         {Call(F::kArraySort, {WithNull()}), "[NULL, 1, 3]"},
         {Call(F::kArraySort, {WithNull(), Bool(false)}), "[3, 1, NULL]"},
         {Call(F::kArraySort, {WithNull(), Bool(true), Bool(false)}), "[1, 3, NULL]"},
         {Call(F::kArraySort, {words}), "[NULL, a, b]"},
         {Call(F::kArraySlice, {Ints({1, 2, 3, 4}), Int(2)}), "[2, 3, 4]"},
         {Call(F::kArraySlice, {Ints({1, 2, 3, 4}), Int(-3), Int(-2)}), "[2, 3]"},
         {Call(F::kArraySlice, {Ints({1, 2, 3, 4}), Int(0), Int(1)}), "[1]"},
         {Call(F::kArraySlice, {Ints({1, 2}), Int(3), Int(9)}), "[]"},
         {Call(F::kArrayJoin, {words, Text("-")}), "b-a"},
         {Call(F::kArrayJoin, {words, Text("-"), Text("?")}), "b-?-a"},
         {Call(F::kSplit, {Text("a,b,,c"), Text(",")}), "[a, b, , c]"},
         {Call(F::kSplit, {Text("héy"), Text("")}), "[h, é, y]"},
         {Call(F::kSplit, {Text("abc"), Text("-")}), "[abc]"}});
}

TEST(NestedCast, GoesValueByValue) {
  const data::Type texts = data::Array(data::String());
  const ExpressionPtr row = Call(F::kRowOf, {Int(1), Text("x"), Null(data::Int())});
  const data::Type other = data::Row({{"a", data::BigInt()}, {"b", data::String()}, {"c", data::Double()}});
  Check({{Cast(Ints({1, 2}), texts), "[1, 2]"},
         {Cast(Ints({1, 2}), data::String()), "[1, 2]"},
         {Cast(Call(F::kArrayOf, {Text("7"), Null(data::String())}), data::Array(data::Int())), "[7, NULL]"},
         {Cast(Call(F::kArrayOf, {Text("x")}), data::Array(data::Int())), "error: CAST('x' AS INT)"},
         {Cast(Call(F::kArrayOf, {Text("x")}), data::Array(data::Int()), F::kTryCast), "NULL"},
         {Cast(Ages(), data::Map(data::String(), data::BigInt())), "{ann=40, bob=7}"},
         {Cast(row, data::String()), "(1, x, NULL)"},
         {Cast(Cast(row, other), data::String()), "(1, x, NULL)"}});
}

TEST(NestedCast, FailsTheRowsThatFailAlone) {
  data::Batch batch;
  batch.rows = 3;
  auto column = std::make_shared<data::Column>(data::Array(data::String()));
  data::Column texts(data::String());
  for (const std::string_view text : {"1", "x", "3"}) texts.AppendText(text);
  data::CollectionWriter writer;
  for (size_t i = 0; i < 3; ++i) {
    writer.Add(texts, 0);
    writer.Add(texts, i);
    column->AppendText(writer.Finish());
  }
  batch.columns.push_back(column);
  const std::vector<std::string> got =
      Evaluate(Cast(plan::Input(0, data::Array(data::String())), data::Array(data::Int())), batch);
  EXPECT_EQ(got[0], "[1, 1]");
  EXPECT_TRUE(got[1].starts_with("error: ")) << got[1];
  EXPECT_EQ(got[2], "[1, 3]");
}

TEST(Case, ChoosesAmongRows) {
  const ExpressionPtr one = Call(F::kRowOf, {Int(1)});
  const ExpressionPtr two = Call(F::kRowOf, {Int(2)});
  const ExpressionPtr chosen = Call(F::kCase, {Bool(false), one, two});
  Check({{Cast(chosen, data::String()), "(2)"}, {Call(F::kCase, {Bool(true), Ints({1}), Ints({2})}), "[1]"}});
}

TEST(Equality, OfArraysIsThatOfTheirElements) {
  Check({{Call(F::kEqual, {Ints({1, 2}), Ints({1, 2})}), "TRUE"}, {Call(F::kEqual, {Ints({1}), WithNull()}), "FALSE"}});
  std::vector<data::Type> casts;
  const std::vector<data::Type> arrays(2, data::Array(data::Int()));
  EXPECT_FALSE(plan::InferCall(F::kLess, arrays, &casts).ok());
}

}  // namespace
}  // namespace leat::exec::testing
