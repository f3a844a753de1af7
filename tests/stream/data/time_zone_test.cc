#include "stream/data/time_zone.h"

#include <gtest/gtest.h>

#include <limits>

#include "stream/data/time_text.h"

namespace leat::data {
namespace {

int64_t Micros(std::string_view text) {
  int64_t micros = 0;
  EXPECT_TRUE(ParseTimestamp(text, TimeSyntax::kSql, &micros)) << text;
  return micros;
}
int64_t Millis(std::string_view text) { return Micros(text) / 1000; }
std::string Text(int64_t micros) {
  std::string text;
  AppendTimestamp(micros, {}, &text);
  return text;
}

TimeZone Zone(std::string_view name) {
  const auto zone = TimeZone::Load(name);
  EXPECT_TRUE(zone.ok()) << zone.status();
  return zone.value_or(TimeZone::Utc());
}

TEST(TimeZone, TakesNamesAndOffsets) {
  for (const char* name : {"UTC", "GMT", "Z", "GMT+00:00", "Etc/UTC"}) EXPECT_TRUE(Zone(name).IsUtc()) << name;
  EXPECT_EQ(Text(Zone("GMT+08:00").ToLocal(0)), "1970-01-01 08:00:00");
  EXPECT_EQ(Text(Zone("GMT-3:30").ToLocal(0)), "1969-12-31 20:30:00");
  EXPECT_EQ(Text(Zone("Asia/Kolkata").ToLocal(0)), "1970-01-01 05:30:00");
  for (const char* name : {"", "Nowhere/Land", "../etc/passwd", "/etc/localtime", "GMT+99:00", "GMT+08:", "utc", "+"}) {
    EXPECT_EQ(TimeZone::Load(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

TEST(TimeZone, GoesThereAndBackAwayFromChanges) {
  const TimeZone zone = Zone("America/Los_Angeles");
  for (const char* text : {"2021-07-01 12:00:00.000001", "1965-01-01 23:59:59.999999", "2050-12-31 00:00:00"}) {
    EXPECT_EQ(Text(zone.ToEpoch(zone.ToLocal(Micros(text)))), std::string_view(text));
  }
}

TEST(TimeZone, ASkippedTimeIsBehindTheGap) {
  const TimeZone zone = Zone("America/Los_Angeles");
  EXPECT_EQ(Text(zone.ToEpoch(Micros("2021-03-14 01:59:59.999"))), "2021-03-14 09:59:59.999");
  EXPECT_EQ(Text(zone.ToEpoch(Micros("2021-03-14 02:30:00.5"))), "2021-03-14 10:30:00.5");
  EXPECT_EQ(Text(zone.ToEpoch(Micros("2021-03-14 03:00:00"))), "2021-03-14 10:00:00");
}

TEST(TimeZone, OfATimeThatComesTwiceItIsTheFirst) {
  const TimeZone zone = Zone("America/Los_Angeles");
  EXPECT_EQ(Text(zone.ToEpoch(Micros("2021-11-07 01:30:00"))), "2021-11-07 08:30:00");
  EXPECT_EQ(Text(zone.ToLastEpoch(Micros("2021-11-07 01:30:00"))), "2021-11-07 09:30:00");
  EXPECT_EQ(Text(zone.ToLastEpoch(Micros("2021-03-14 02:30:00"))), "2021-03-14 10:30:00");
  EXPECT_EQ(Text(zone.ToLocal(Micros("2021-11-07 08:30:00"))), "2021-11-07 01:30:00");
  EXPECT_EQ(Text(zone.ToLocal(Micros("2021-11-07 09:30:00"))), "2021-11-07 01:30:00");
}

TEST(TimeZone, AWatermarkWaitsForWhatComesTwice) {
  const TimeZone zone = Zone("America/Los_Angeles");
  const auto at = [&](std::string_view instant) { return Text(zone.LocalWatermarkMillis(Millis(instant)) * 1000); };
  EXPECT_EQ(at("2021-11-07 07:59:59.999"), "2021-11-07 00:59:59.999");
  EXPECT_EQ(at("2021-11-07 08:00:00"), "2021-11-07 00:59:59.999");  // 01:00 for the first time
  EXPECT_EQ(at("2021-11-07 08:59:59.999"), "2021-11-07 00:59:59.999");
  EXPECT_EQ(at("2021-11-07 09:00:00"), "2021-11-07 01:00:00");  // and for the second
  EXPECT_EQ(at("2021-11-07 10:00:00"), "2021-11-07 02:00:00");
  EXPECT_EQ(at("2021-03-14 09:59:59.999"), "2021-03-14 01:59:59.999");
  EXPECT_EQ(at("2021-03-14 10:00:00"), "2021-03-14 03:00:00");  // all of the gap is over
}

TEST(TimeZone, WatermarksNeverGoBack) {
  for (const char* name : {"America/Los_Angeles", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"}) {
    const TimeZone zone = Zone(name);
    int64_t last = std::numeric_limits<int64_t>::min();
    for (int64_t ms = Millis("2021-01-01 00:00:00"); ms < Millis("2022-01-01 00:00:00"); ms += 600'000) {
      const int64_t local = zone.LocalWatermarkMillis(ms);
      ASSERT_GE(local, last) << name << " at " << Text(ms * 1000);
      last = local;
    }
  }
}

TEST(TimeZone, TheEndsOfTimeStay) {
  const TimeZone zone = Zone("America/Los_Angeles");
  for (const int64_t end : {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(zone.ToLocal(end), end);
    EXPECT_EQ(zone.ToEpoch(end), end);
    EXPECT_EQ(zone.LocalWatermarkMillis(end), end);
  }
}

}  // namespace
}  // namespace leat::data
