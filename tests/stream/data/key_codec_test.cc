#include "stream/data/key_codec.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <optional>

#include "base/murmur2.h"

namespace leat::data {
namespace {

using Row3 = std::tuple<std::optional<std::string>, std::optional<int64_t>, std::optional<std::string>>;

std::vector<ColumnPtr> Columns(const Row3& row) {
  const auto text = [](const std::optional<std::string>& value) {
    auto column = std::make_shared<Column>(String());
    value.has_value() ? column->AppendText(*value) : column->AppendNull();
    return column;
  };
  auto number = std::make_shared<Column>(BigInt());
  std::get<1>(row).has_value() ? number->Append(*std::get<1>(row)) : number->AppendNull();
  return {text(std::get<0>(row)), number, text(std::get<2>(row))};
}

std::string Key(const Row3& row) {
  std::string key;
  EncodeKey(Columns(row), 0, &key);
  return key;
}

// Small alphabets, so that equal and nearly equal rows are common.
rc::Gen<Row3> Rows() {
  const auto text = rc::gen::container<std::string>(rc::gen::element('\0', '\1', 'a'));
  const auto maybe_text = rc::gen::oneOf(rc::gen::just(std::optional<std::string>()),
                                         rc::gen::map(text, [](std::string s) { return std::optional(s); }));
  const auto maybe_number =
      rc::gen::oneOf(rc::gen::just(std::optional<int64_t>()),
                     rc::gen::map(rc::gen::inRange<int64_t>(0, 3), [](int64_t n) { return std::optional(n); }));
  return rc::gen::tuple(maybe_text, maybe_number, maybe_text);
}

RC_GTEST_PROP(EncodeKey, GivesEqualBytesForEqualRowsOnly, ()) {
  const Row3 a = *Rows();
  const Row3 b = *Rows();
  RC_ASSERT((Key(a) == Key(b)) == (a == b));
}

RC_GTEST_PROP(DecodeKey, GivesTheRowBack, ()) {
  const Row3 row = *Rows();
  Column first(String()), second(BigInt()), third(String());
  Column* const columns[] = {&first, &second, &third};
  RC_ASSERT(DecodeKey(Key(row), columns).ok());
  const auto wanted = Columns(row);
  for (size_t i = 0; i < 3; ++i) RC_ASSERT(columns[i]->GetValue(0) == wanted[i]->GetValue(0));
}

RC_GTEST_PROP(DecodeKey, RefusesDamagedBytesAndLeavesTheColumns, (const std::string& bytes)) {
  Column first(String()), second(Int());
  Column* const columns[] = {&first, &second};
  const absl::Status status = DecodeKey(bytes, columns);
  RC_ASSERT(first.size() == (status.ok() ? 1u : 0u));
  RC_ASSERT(second.size() == first.size());
}

TEST(EncodeKey, OfOneTextIsTheTextBehindOneByte) {
  const std::vector<ColumnPtr> columns = {Columns({"card", 0, ""})[0]};
  std::string key;
  EncodeKey(columns, 0, &key);
  EXPECT_EQ(key, std::string("\1card"));
}

TEST(EncodeKey, HoldsZerosEqual) {
  auto column = std::make_shared<Column>(Double());
  column->Append(0.0);
  column->Append(-0.0);
  const std::vector<ColumnPtr> columns = {column};
  std::string plus, minus;
  EncodeKey(columns, 0, &plus);
  EncodeKey(columns, 1, &minus);
  EXPECT_EQ(plus, minus);
}

TEST(EncodeKey, RoundTripsEveryStorageAndRows) {
  const Type type = Row({{"a", String()}, {"b", Decimal(38, 2)}, {"c", Boolean()}});
  auto row = std::make_shared<Column>(type);
  row->MutableChild(0).AppendText("x");
  row->MutableChild(1).Append<Int128>(-12345);
  row->MutableChild(2).AppendNull();
  row->AppendRow();
  const std::vector<ColumnPtr> columns = {row};
  std::string key;
  EncodeKey(columns, 0, &key);
  Column back(type);
  Column* const into[] = {&back};
  ASSERT_TRUE(DecodeKey(key, into).ok());
  EXPECT_EQ(back.children()[1]->GetValue(0), row->children()[1]->GetValue(0));
  EXPECT_TRUE(back.children()[2]->IsNull(0));
}

TEST(KeyGroup, IsMurmur2InRange) {
  for (int i = 0; i < 1000; ++i) {
    const std::string key = "key" + std::to_string(i);
    ASSERT_EQ(KeyGroup(key), Murmur2(key) % 128);
  }
}

}  // namespace
}  // namespace leat::data
