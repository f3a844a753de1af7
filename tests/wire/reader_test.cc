#include "wire/reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/status.h"

namespace leat::wire {
namespace {

using testing::HasSubstr;

constexpr size_t kPlenty = 1 << 20;

std::string Bytes(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes.push_back(static_cast<char>(value));
  return bytes;
}
std::string Why(const Reader& in) { return std::string(Message(in.status("Test v1"))); }

TEST(Reader, IgnoresWhatIsBehindAMessageWhereThatMayBe) {
  const std::string bytes = Bytes({1, 2});
  int8_t number = 0;
  Reader strict(bytes, 0);
  strict.Number("a", &number);
  strict.ExpectEnd();
  EXPECT_FALSE(strict.ok());
  Reader lenient(bytes, 0);
  lenient.AllowMoreBehind();
  lenient.Number("a", &number);
  lenient.ExpectEnd();
  EXPECT_TRUE(lenient.ok());
}

TEST(Reader, ReadsNumbersInNetworkOrder) {
  const std::string bytes = Bytes({0xff, 0xfe, 0, 0, 1, 2, 0x80, 0, 0, 0, 0, 0, 0, 1, 2, 0xff, 0xff});
  Reader in(bytes, 0);
  int8_t a = 0;
  int8_t b = 0;
  int32_t c = 0;
  int64_t d = 0;
  bool e = false;
  uint16_t f = 0;
  in.Number("a", &a);
  in.Number("b", &b);
  in.Number("c", &c);
  in.Number("d", &d);
  in.Number("e", &e);
  in.Number("f", &f);
  in.ExpectEnd();
  EXPECT_EQ(in.status("x"), absl::OkStatus());
  EXPECT_EQ(a, -1);
  EXPECT_EQ(b, -2);
  EXPECT_EQ(c, 258);
  EXPECT_EQ(d, INT64_MIN + 1);
  EXPECT_TRUE(e);
  EXPECT_EQ(f, 65535);
}

TEST(Reader, KeepsTheFirstFailureAndReadsNothingAfterIt) {
  Reader in("\1\2\3\4\5", kPlenty);
  int64_t a = 7;
  int8_t b = 7;
  in.Number("a", &a);
  in.Number("b", &b);
  EXPECT_EQ(a, 7);
  EXPECT_EQ(b, 7);
  EXPECT_EQ(Why(in), "Test v1: a: takes 8 bytes, but 5 remain (at byte 0)");
  EXPECT_EQ(in.remaining(), 0);
}

TEST(Reader, BorrowsViewsAndOwnsStrings) {
  const std::string bytes = Bytes({0, 2, 'h', 'i', 3, 'y', 'o'});
  Reader in(bytes, 2);
  std::string_view borrowed;
  std::string owned;
  in.Text("borrowed", Form::kClassic, &borrowed);
  EXPECT_EQ(in.memory_left(), 2);
  in.Text("owned", Form::kCompact, &owned);
  EXPECT_EQ(in.memory_left(), 0);
  EXPECT_EQ(borrowed.data(), bytes.data() + 2);
  EXPECT_EQ(owned, "yo");
  EXPECT_TRUE(in.ok());
}

TEST(Reader, TellsNullFromEmpty) {
  const std::string bytes = Bytes({0xff, 0xff, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1});
  Reader in(bytes, kPlenty);
  std::optional<std::string_view> text[4];
  std::optional<std::string> blob[4];
  in.Text("a", Form::kClassic, &text[0]);
  in.Text("b", Form::kClassic, &text[1]);
  in.Text("c", Form::kCompact, &text[2]);
  in.Text("d", Form::kCompact, &text[3]);
  in.Bytes("e", Form::kClassic, &blob[0]);
  in.Bytes("f", Form::kClassic, &blob[1]);
  in.Bytes("g", Form::kCompact, &blob[2]);
  in.Bytes("h", Form::kCompact, &blob[3]);
  in.ExpectEnd();
  ASSERT_TRUE(in.ok()) << Why(in);
  for (const int i : {0, 2}) {
    EXPECT_FALSE(text[i].has_value());
    EXPECT_FALSE(blob[i].has_value());
    EXPECT_EQ(text[i + 1], "");
    EXPECT_EQ(blob[i + 1], "");
  }
}

TEST(Reader, RefusesNullWhereThereIsNone) {
  const std::string null_text = Bytes({0});
  Reader in(null_text, kPlenty);
  std::string_view text;
  in.Text("name", Form::kCompact, &text);
  EXPECT_EQ(Why(in), "Test v1: name: is null, which this field may not be (at byte 1)");
  std::vector<int32_t> numbers;
  const std::string null_array = Bytes({0xff, 0xff, 0xff, 0xff});
  Reader array(null_array, kPlenty);
  array.Numbers("replicas", Form::kClassic, &numbers);
  EXPECT_THAT(Why(array), HasSubstr("replicas: is null"));
}

TEST(Reader, RefusesNegativeLengths) {
  const std::string bytes = Bytes({0xff, 0xfe});
  Reader in(bytes, kPlenty);
  std::optional<std::string_view> text;
  in.Text("name", Form::kClassic, &text);
  EXPECT_THAT(Why(in), HasSubstr("name: has a length of -2"));
}

TEST(Reader, RefusesStringsLongerThanTheClassicFormCanSay) {
  const std::string bytes = Bytes({0x81, 0x80, 0x02}) + std::string(32768, 'x');
  Reader in(bytes, kPlenty);
  std::string_view text;
  in.Text("name", Form::kCompact, &text);
  EXPECT_THAT(Why(in), HasSubstr("name: has a length of 32768, more than 32767"));
}

TEST(Reader, RefusesVarintsOfMoreThan32Bits) {
  for (const std::string& bytes :
       {Bytes({0xff, 0xff, 0xff, 0xff, 0x1f}), Bytes({0xff, 0xff, 0xff, 0xff, 0xff, 0x01})}) {
    Reader in(bytes, kPlenty);
    in.UnsignedVarint("count");
    EXPECT_THAT(Why(in), HasSubstr("count: is a varint of more than 32 bits"));
  }
  const std::string most = Bytes({0xff, 0xff, 0xff, 0xff, 0x0f});
  Reader in(most, kPlenty);
  EXPECT_EQ(in.UnsignedVarint("count"), UINT32_MAX);
}

TEST(Reader, HoldsCountsAgainstWhatRemains) {
  const std::string bytes = Bytes({0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2});
  Reader in(bytes, kPlenty);
  std::vector<int32_t> numbers;
  in.Numbers("replicas", Form::kClassic, &numbers);
  EXPECT_EQ(Why(in), "Test v1: replicas: has 3 elements of at least 4 bytes, but 8 bytes remain (at byte 4)");
  EXPECT_EQ(in.memory_left(), kPlenty);
  EXPECT_TRUE(numbers.empty());
}

TEST(Reader, ChargesVectorsBeforeItMakesThem) {
  const std::string bytes = Bytes({3, 0, 0, 0, 1, 0, 0, 0, 2});
  std::vector<int32_t> numbers;
  Reader enough(bytes, 8);
  enough.Numbers("replicas", Form::kCompact, &numbers);
  EXPECT_TRUE(enough.ok());
  EXPECT_THAT(numbers, testing::ElementsAre(1, 2));
  Reader short_of_one(bytes, 7);
  short_of_one.Numbers("replicas", Form::kCompact, &numbers);
  EXPECT_EQ(short_of_one.status("x").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Why(short_of_one), HasSubstr("takes 8 bytes of memory decoded, but only 7 are left"));
}

TEST(Reader, NamesTheElementOfAnArrayOfTexts) {
  const std::string bytes = Bytes({3, 2, 'a', 9});
  Reader in(bytes, kPlenty);
  std::vector<std::string_view> names;
  in.Texts("names", Form::kCompact, &names);
  EXPECT_THAT(Why(in), HasSubstr("names[1].element: takes 8 bytes, but 0 remain"));
}

TEST(TaggedFields, AreReadByTheirTagAndSkippedIfUnknown) {
  const std::string bytes = Bytes({2, 0, 1, 7, 9, 2, 'x', 'y', 5});
  Reader in(bytes, kPlenty);
  int8_t known = 0;
  for (TaggedFields tags(in); tags.Next();) {
    if (tags.tag() == 0) {
      in.Number("known", &known);
    } else {
      tags.Skip();
    }
  }
  ASSERT_TRUE(in.ok()) << Why(in);
  EXPECT_EQ(known, 7);
  EXPECT_EQ(in.remaining(), 1);
}

// Reads a section whose tag 0 is an int8.
std::string WhyTags(const std::string& bytes) {
  Reader in(bytes, kPlenty);
  int8_t known = 0;
  for (TaggedFields tags(in); tags.Next();) {
    if (tags.tag() == 0) {
      in.Number("known", &known);
    } else {
      tags.Skip();
    }
  }
  return Why(in);
}

TEST(TaggedFields, FailWhenAValueDoesNotEndWhereItsSizeSays) {
  EXPECT_THAT(WhyTags(Bytes({1, 0, 2, 7, 7})), HasSubstr("tagged field: 0 has 1 bytes after its value"));
  EXPECT_THAT(WhyTags(Bytes({1, 0, 0, 7})), HasSubstr("known: takes 1 byte, but 0 remain"));
  EXPECT_THAT(WhyTags(Bytes({1, 0, 5, 7})), HasSubstr("tagged field: 0 takes 5 bytes, but 1 remain"));
}
TEST(TaggedFields, FailWhenTagsDoNotRise) {
  EXPECT_THAT(WhyTags(Bytes({2, 0, 1, 7, 0, 1, 7})), HasSubstr("tag: 0 follows tag 0, but tags rise"));
  EXPECT_THAT(WhyTags(Bytes({2, 3, 1, 7, 0, 1, 7})), HasSubstr("tag: 0 follows tag 3, but tags rise"));
}
TEST(TaggedFields, FailWhenThereAreTooMany) {
  EXPECT_THAT(WhyTags(Bytes({0x81, 0x01, 0, 1, 7})), HasSubstr("tagged fields: are 129, more than 128"));
}

}  // namespace
}  // namespace leat::wire
