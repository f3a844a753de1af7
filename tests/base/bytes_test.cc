#include "base/bytes.h"

#include <rapidcheck/gtest.h>

#include <limits>

namespace leat {
namespace {

using namespace std::string_view_literals;

TEST(BytesWriter, WritesTheMostSignificantByteFirst) {
  std::string out;
  BytesWriter writer(&out);
  writer.Write<int8_t>(-2);
  writer.Write<int16_t>(0x0102);
  writer.Write<int32_t>(0x03040506);
  writer.Write<int64_t>(0x0708090a0b0c0d0e);
  writer.WriteBytes("xy");
  EXPECT_EQ(out, "\xfe\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0exy"sv);
  EXPECT_EQ(writer.size(), out.size());
}

RC_GTEST_PROP(BytesReader, ReadsBackFixedNumbers, (int8_t a, int16_t b, int32_t c, int64_t d, const std::string& e)) {
  std::string out;
  BytesWriter writer(&out);
  writer.Write(a);
  writer.Write(b);
  writer.Write(c);
  writer.Write(d);
  writer.WriteBytes(e);
  BytesReader reader(out);
  RC_ASSERT(reader.Read<int8_t>() == a);
  RC_ASSERT(reader.Read<int16_t>() == b);
  RC_ASSERT(reader.Read<int32_t>() == c);
  RC_ASSERT(reader.Read<int64_t>() == d);
  RC_ASSERT(reader.ReadBytes(static_cast<int64_t>(e.size())) == e);
  RC_ASSERT(reader.ok());
  RC_ASSERT(reader.remaining() == 0u);
}

// rapidcheck prefers small numbers; shifting them reaches every length of a varint.
RC_GTEST_PROP(Varint, RoundTripsInTheSizeThatItSays, (int64_t value, uint8_t shift)) {
  const auto wide = static_cast<int64_t>(static_cast<uint64_t>(value) << (shift % 64));
  std::string out;
  BytesWriter(&out).WriteVarlong(wide);
  RC_ASSERT(out.size() == VarlongSize(wide));
  BytesReader reader(out);
  RC_ASSERT(reader.ReadVarlong() == wide);
  RC_ASSERT(reader.ok() && reader.remaining() == 0u);

  const auto narrow = static_cast<int32_t>(wide >> 32);
  out.clear();
  BytesWriter(&out).WriteVarint(narrow);
  reader = BytesReader(out);
  RC_ASSERT(reader.ReadVarint() == narrow);
  RC_ASSERT(reader.ok() && reader.remaining() == 0u);

  out.clear();
  BytesWriter(&out).WriteUnsignedVarint(static_cast<uint32_t>(narrow));
  reader = BytesReader(out);
  RC_ASSERT(reader.ReadUnsignedVarint() == static_cast<uint32_t>(narrow));
  RC_ASSERT(reader.ok() && reader.remaining() == 0u);
}

TEST(Varint, HasTheKnownBytes) {
  const auto varlong = [](int64_t value) {
    std::string out;
    BytesWriter(&out).WriteVarlong(value);
    return out;
  };
  EXPECT_EQ(varlong(0), "\x00"sv);
  EXPECT_EQ(varlong(-1), "\x01"sv);
  EXPECT_EQ(varlong(1), "\x02"sv);
  EXPECT_EQ(varlong(63), "\x7e"sv);
  EXPECT_EQ(varlong(-64), "\x7f"sv);
  EXPECT_EQ(varlong(64), "\x80\x01"sv);
  EXPECT_EQ(varlong(INT32_MAX), "\xfe\xff\xff\xff\x0f"sv);
  EXPECT_EQ(varlong(INT32_MIN), "\xff\xff\xff\xff\x0f"sv);
  EXPECT_EQ(varlong(INT64_MAX), "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv);
  EXPECT_EQ(varlong(INT64_MIN), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv);
}

TEST(Varint, FailsWhenItHasMoreBytesThanItsTypeNeeds) {
  BytesReader int32("\x80\x80\x80\x80\x80\x00"sv);
  EXPECT_EQ(int32.ReadVarint(), 0);
  EXPECT_FALSE(int32.ok());
  BytesReader unsigned32("\x80\x80\x80\x80\x80\x00"sv);
  EXPECT_EQ(unsigned32.ReadUnsignedVarint(), 0u);
  EXPECT_FALSE(unsigned32.ok());
  BytesReader int64("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"sv);
  EXPECT_EQ(int64.ReadVarlong(), 0);
  EXPECT_FALSE(int64.ok());
}

TEST(Varint, FailsWhenItsLastByteDoesNotFitInItsType) {
  BytesReader int32("\xff\xff\xff\xff\x1f"sv);
  EXPECT_EQ(int32.ReadVarint(), 0);
  EXPECT_FALSE(int32.ok());
  BytesReader int64("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"sv);
  EXPECT_EQ(int64.ReadVarlong(), 0);
  EXPECT_FALSE(int64.ok());
}

TEST(Varint, FailsWhenItIsCutShort) {
  std::string out;
  BytesWriter(&out).WriteVarlong(INT64_MIN);
  for (size_t length = 0; length < out.size(); ++length) {
    BytesReader reader(std::string_view(out).substr(0, length));
    EXPECT_EQ(reader.ReadVarlong(), 0);
    EXPECT_FALSE(reader.ok()) << length;
  }
}

TEST(BytesReader, StaysFailedAfterAShortRead) {
  BytesReader reader("\x01\x02\x03"sv);
  EXPECT_EQ(reader.Read<int32_t>(), 0);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0u);
  EXPECT_EQ(reader.Read<int8_t>(), 0);
  EXPECT_EQ(reader.ReadVarlong(), 0);
  EXPECT_EQ(reader.ReadBytes(0), ""sv);
  EXPECT_FALSE(reader.ok());
}

TEST(BytesReader, RefusesNegativeAndTooLongRuns) {
  for (const int64_t n :
       {int64_t{-1}, int64_t{4}, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    BytesReader reader("abc");
    EXPECT_EQ(reader.ReadBytes(n), ""sv);
    EXPECT_FALSE(reader.ok()) << n;
  }
  BytesReader reader("abc");
  EXPECT_EQ(reader.ReadBytes(3), "abc"sv);
  EXPECT_TRUE(reader.ok());
}

}  // namespace
}  // namespace leat
