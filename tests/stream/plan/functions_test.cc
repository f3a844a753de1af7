#include <gtest/gtest.h>

#include "stream/plan/expression.h"
#include "stream/plan/inference.h"

namespace leat::plan {
namespace {

using F = FunctionId;

std::string Infer(F id, std::vector<data::Type> arguments, std::vector<data::Type>* casts = nullptr) {
  std::vector<data::Type> ignored;
  const auto type = InferCall(id, arguments, casts == nullptr ? &ignored : casts);
  return type.ok() ? type->ToString() : std::string(Message(type.status()));
}

TEST(FindFunction, KnowsEveryNameInAnyCase) {
  for (const std::string_view name : FunctionNames()) EXPECT_TRUE(FindFunction(name).has_value()) << name;
  EXPECT_EQ(FindFunction("character_length"), F::kCharLength);
  EXPECT_EQ(FindFunction("NO_SUCH"), std::nullopt);
}

TEST(InferCall, WidensNumbers) {
  std::vector<data::Type> casts;
  EXPECT_EQ(Infer(F::kAdd, {data::Int(), data::BigInt().AsNotNull()}, &casts), "BIGINT");
  EXPECT_EQ(casts[0].ToString(), "BIGINT");
  EXPECT_EQ(casts[1].ToString(), "BIGINT NOT NULL");
  EXPECT_EQ(Infer(F::kMultiply, {data::Float(), data::Decimal(5, 2)}), "DOUBLE");
}

TEST(InferCall, GivesDecimalsTheirPrecision) {
  const data::Type price = data::Decimal(10, 2);
  EXPECT_EQ(Infer(F::kAdd, {price, price}), "DECIMAL(11, 2)");
  EXPECT_EQ(Infer(F::kMultiply, {price, price}), "DECIMAL(21, 4)");
  EXPECT_EQ(Infer(F::kDivide, {price, price}), "DECIMAL(23, 13)");
  EXPECT_EQ(Infer(F::kModulo, {price, data::Decimal(4, 3)}), "DECIMAL(4, 3)");
  EXPECT_EQ(Infer(F::kMultiply, {data::Decimal(38, 10), data::Decimal(38, 10)}), "DECIMAL(38, 6)");
  EXPECT_EQ(Infer(F::kFloor, {price}), "DECIMAL(10, 0)");
}

TEST(InferCall, ComparesTextWithTheOthersType) {
  std::vector<data::Type> casts;
  EXPECT_EQ(Infer(F::kEqual, {data::String(), data::Int()}, &casts), "BOOLEAN");
  EXPECT_EQ(casts[0].ToString(), "INT");
  EXPECT_EQ(Infer(F::kLess, {data::Timestamp(3), data::Date()}, &casts), "BOOLEAN");
  EXPECT_EQ(casts[1].ToString(), "TIMESTAMP(3)");
  EXPECT_EQ(Infer(F::kIsDistinctFrom, {data::Int(), data::Int()}), "BOOLEAN NOT NULL");
}

TEST(InferCall, AddsIntervalsToTimes) {
  EXPECT_EQ(Infer(F::kSubtract, {data::Timestamp(3), data::IntervalDayTime()}), "TIMESTAMP(3)");
  EXPECT_EQ(Infer(F::kAdd, {data::IntervalYearMonth(), data::Date()}), "DATE");
  EXPECT_EQ(Infer(F::kMultiply, {data::Int(), data::IntervalDayTime()}), "INTERVAL DAY TO SECOND");
}

TEST(InferCall, SaysWhatAFunctionTakes) {
  EXPECT_EQ(Infer(F::kSubstring, {data::Int()}), "SUBSTRING takes (STRING, INT [, INT]), got (INT)");
  EXPECT_EQ(Infer(F::kAnd, {data::Int(), data::Boolean()}), "AND takes (BOOLEAN, BOOLEAN), got (INT, BOOLEAN)");
  EXPECT_EQ(Infer(F::kConcat, {}), "CONCAT takes (STRING, ..), got ()");
}

TEST(InferCall, DropsTheTimeAttribute) {
  data::Type rowtime = data::Timestamp(3);
  rowtime.rowtime = true;
  EXPECT_EQ(Infer(F::kFloorTo, {rowtime, data::Char(4).AsNotNull()}), "TIMESTAMP(3)");
  EXPECT_EQ(Infer(F::kCoalesce, {rowtime, rowtime}), "TIMESTAMP(3)");
}

TEST(InferCall, NeverCrashesOnAnyFunctionAndTypes) {
  const data::Type types[] = {
      data::NullType(), data::Boolean(), data::Int(),        data::Double(),          data::Decimal(5, 2),
      data::String(),   data::Date(),    data::Timestamp(3), data::IntervalDayTime(), data::Row({{"a", data::Int()}})};
  for (int id = 0; id <= static_cast<int>(F::kField); ++id) {
    for (const data::Type& a : types) {
      for (const data::Type& b : types) {
        for (size_t n = 0; n <= 4; ++n) {
          std::vector<data::Type> arguments;
          for (size_t i = 0; i < n; ++i) arguments.push_back(i % 2 == 0 ? a : b);
          std::vector<data::Type> casts;
          const auto type = InferCall(static_cast<F>(id), arguments, &casts);
          EXPECT_EQ(casts.size(), arguments.size());
          EXPECT_FALSE(type.ok() && type->rowtime);
        }
      }
    }
  }
}

TEST(CanCast, KnowsImplicitAndExplicit) {
  EXPECT_TRUE(CanCastImplicitly(data::Int(), data::BigInt()));
  EXPECT_FALSE(CanCastImplicitly(data::BigInt(), data::Int()));
  EXPECT_TRUE(CanCastImplicitly(data::Double(), data::Decimal(5, 2)));
  EXPECT_FALSE(CanCastImplicitly(data::Decimal(5, 2), data::Int()));
  EXPECT_TRUE(CanCastImplicitly(data::Timestamp(3), data::Date()));
  EXPECT_FALSE(CanCastImplicitly(data::Date(), data::Timestamp(3)));
  EXPECT_TRUE(CanCastExplicitly(data::Date(), data::Timestamp(3)));
  EXPECT_FALSE(CanCastImplicitly(data::String(), data::Char(3)));
  EXPECT_TRUE(CanCastImplicitly(data::NullType(), data::Date()));
  EXPECT_FALSE(CanCastImplicitly(data::String(), data::Int()));
  EXPECT_TRUE(CanCastExplicitly(data::String(), data::Int()));
  EXPECT_FALSE(CanCastExplicitly(data::Date(), data::Int()));
}

TEST(ToString, PrintsExpressions) {
  const auto amount = Input(2, data::Decimal(10, 2));
  const auto limit = Literal(data::Value{int32_t{700}}, data::Int().AsNotNull());
  EXPECT_EQ(ToString(*Call(F::kGreater, {amount, limit}, data::Boolean())), ">($2, 700)");
  EXPECT_EQ(ToString(*Call(F::kCast, {amount}, data::String())), "CAST($2 AS STRING)");
  EXPECT_EQ(ToString(*Literal(data::Value{std::string("it's")}, data::Char(4))), "'it''s'");
}

}  // namespace
}  // namespace leat::plan
