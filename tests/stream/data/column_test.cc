#include "stream/data/column.h"

#include <gtest/gtest.h>

#include "stream/data/batch.h"

namespace leat::data {
namespace {

ColumnPtr Texts(const std::vector<std::string>& texts) {
  auto column = std::make_shared<Column>(String());
  for (const std::string& text : texts) {
    if (text == "NULL") {
      column->AppendNull();
    } else {
      column->AppendText(text);
    }
  }
  return column;
}

TEST(Column, CountsNullsHoweverTheyCame) {
  Column column(Int());
  column.Append<int32_t>(1);
  EXPECT_FALSE(column.has_nulls());
  column.AppendNull();
  column.Append<int32_t>(3);
  EXPECT_EQ(column.null_count(), 1u);
  EXPECT_TRUE(column.IsNull(1));
  column.SetNull(2);
  column.SetNull(2);
  EXPECT_EQ(column.null_count(), 2u);
  column.SetValidity({1, 1, 1});
  EXPECT_FALSE(column.has_nulls());
  EXPECT_TRUE(column.validity().empty());
}

TEST(Column, TruncateForgetsRowsAndTheirNulls) {
  Column column(Int());
  column.Append<int32_t>(1);
  column.AppendNull();
  column.Truncate(1);
  EXPECT_EQ(column.size(), 1u);
  EXPECT_FALSE(column.has_nulls());
  column.Append<int32_t>(2);
  EXPECT_EQ(column.values<int32_t>()[1], 2);
}

TEST(Column, GatherKeepsTextAliveAfterTheSourceIsGone) {
  ColumnPtr source = Texts({"a", "NULL", std::string(5000, 'x')});
  const uint32_t rows[] = {2, 1, 2, 0};
  const ColumnPtr gathered = Gather(source, rows);
  source.reset();
  EXPECT_EQ(gathered->values<std::string_view>()[0], std::string(5000, 'x'));
  EXPECT_TRUE(gathered->IsNull(1));
  EXPECT_EQ(gathered->values<std::string_view>()[3], "a");
  EXPECT_EQ(gathered->null_count(), 1u);
}

TEST(Column, AppendFromKeepsEverySourceAlive) {
  Column merged(String());
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 40; ++i) merged.AppendFrom(*Texts({"text number " + std::to_string(i)}), 0);
  }
  for (int i = 0; i < 80; ++i) {
    EXPECT_EQ(merged.values<std::string_view>()[static_cast<size_t>(i)], "text number " + std::to_string(i % 40));
  }
}

TEST(Column, RowsAreBuiltFieldByField) {
  Column row(Row({{"a", Int()}, {"b", String()}}));
  row.MutableChild(0).Append<int32_t>(7);
  row.MutableChild(1).AppendText("x");
  row.AppendRow();
  row.AppendNull();
  EXPECT_EQ(FormatCell(row, 0), "(7, x)");
  EXPECT_EQ(FormatCell(row, 1), "NULL");
  Column copy(row.type());
  copy.AppendFrom(row, 1);
  copy.AppendFrom(row, 0);
  EXPECT_EQ(FormatCell(copy, 0), "NULL");
  EXPECT_EQ(FormatCell(copy, 1), "(7, x)");
}

TEST(Column, ConstantRepeatsOneValue) {
  const ColumnPtr text = Constant(String(), {std::string("hi")}, 3);
  EXPECT_EQ(text->size(), 3u);
  EXPECT_EQ(text->values<std::string_view>()[2], "hi");
  EXPECT_EQ(Constant(Int(), Value::Null(), 2)->null_count(), 2u);
}

TEST(Batch, GatherCarriesKindsAndOffsets) {
  Batch batch;
  batch.schema = std::make_shared<Schema>(Schema{{{"s", String()}}});
  batch.columns = {Texts({"a", "b", "c"})};
  batch.rows = 3;
  batch.kinds = {RowKind::kInsert, RowKind::kUpdateBefore, RowKind::kDelete};
  batch.offsets = {10, 11, 12};
  const uint32_t rows[] = {2, 1};
  const Batch out = Gather(batch, rows);
  EXPECT_EQ(FormatRow(out, 0), "-D[c]");
  EXPECT_EQ(FormatRow(out, 1), "-U[b]");
  EXPECT_EQ(out.offsets, (std::vector<int64_t>{12, 11}));
}

TEST(FormatValue, PrintsAsCastToString) {
  EXPECT_EQ(FormatValue({true}, Boolean()), "TRUE");
  EXPECT_EQ(FormatValue({int64_t{-5}}, BigInt()), "-5");
  EXPECT_EQ(FormatValue({Int128{-1234}}, Decimal(10, 2)), "-12.34");
  EXPECT_EQ(FormatValue({int32_t{0}}, Date()), "1970-01-01");
  EXPECT_EQ(FormatValue({int32_t{3'723'004}}, Time()), "01:02:03");
  EXPECT_EQ(FormatValue({int64_t{1'500'000}}, Timestamp(3)), "1970-01-01 00:00:01.500");
  EXPECT_EQ(FormatValue({int64_t{1'500'000}}, Timestamp(0)), "1970-01-01 00:00:01");
  EXPECT_EQ(FormatValue({int32_t{-14}}, IntervalYearMonth()), "-1-02");
  EXPECT_EQ(FormatValue({int64_t{90'061'000'000}}, IntervalDayTime()), "+1 01:01:01.000");
  EXPECT_EQ(FormatValue(Value::Null(), Int()), "NULL");
}

TEST(FormatValue, PrintsDoublesAsJava) {
  const auto text = [](double value) { return FormatValue({value}, Double()); };
  EXPECT_EQ(text(1), "1.0");
  EXPECT_EQ(text(-0.0), "-0.0");
  EXPECT_EQ(text(1e10), "1.0E10");
  EXPECT_EQ(text(1234567.5), "1234567.5");
  EXPECT_EQ(text(12345678), "1.2345678E7");
  EXPECT_EQ(text(0.001), "0.001");
  EXPECT_EQ(text(0.00012), "1.2E-4");
  EXPECT_EQ(text(100), "100.0");
  EXPECT_EQ(text(1.0 / 0.0), "Infinity");
  EXPECT_EQ(FormatValue({static_cast<double>(0.1f)}, Float()), "0.1");
}

TEST(Type, PrintsAsFlinkDoes) {
  EXPECT_EQ(Decimal(10, 2).AsNotNull().ToString(), "DECIMAL(10, 2) NOT NULL");
  EXPECT_EQ(String().ToString(), "STRING");
  EXPECT_EQ(Varchar(7).ToString(), "VARCHAR(7)");
  Type rowtime = Timestamp(3);
  rowtime.rowtime = true;
  EXPECT_EQ(rowtime.ToString(), "TIMESTAMP(3) *ROWTIME*");
  EXPECT_EQ(rowtime, Timestamp(3));
  EXPECT_EQ(Row({{"a", Int()}}).ToString(), "ROW<`a` INT>");
  EXPECT_EQ(Row({{"a", Int()}}), Row({{"a", Int()}}));
  EXPECT_FALSE(Row({{"a", Int()}}) == Row({{"a", Int().AsNotNull()}}));
  EXPECT_TRUE(SameIgnoringNullability(Row({{"a", Int()}}), Row({{"a", Int().AsNotNull()}}).AsNotNull()));
}

}  // namespace
}  // namespace leat::data
