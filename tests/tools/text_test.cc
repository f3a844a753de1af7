// Times, durations, sizes, formats, tables, reset targets: what turns command lines into values and values into text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/status.h"
#include "tools/leat/job_log.h"
#include "tools/leat/json_line.h"
#include "tools/leat/record_format.h"
#include "tools/leat/start_position.h"
#include "tools/leat/table.h"
#include "tools/leat/time_text.h"

namespace leat::tool {
namespace {

using testing::HasSubstr;

TEST(TimeText, ReadsIso8601AndMilliseconds) {
  EXPECT_EQ(*ParseTimeText("1704067200123"), 1704067200123);
  EXPECT_EQ(*ParseTimeText("2024-01-01"), 1704067200000);
  EXPECT_EQ(*ParseTimeText("2024-01-01T00:00:00Z"), 1704067200000);
  EXPECT_EQ(*ParseTimeText("2024-01-01 00:01"), 1704067260000);
  EXPECT_EQ(*ParseTimeText("2024-01-01T00:00:00.250"), 1704067200250);
  EXPECT_EQ(*ParseTimeText("2024-01-01T02:00:00+02:00"), 1704067200000);
  EXPECT_EQ(*ParseTimeText("-1"), -1);
}

TEST(TimeText, RefusesAnythingElse) {
  for (const char* text :
       {"", "yesterday", "2024-13-01", "2024-01-01T25:00", "infinite-future", "2024-01-01 ", "12:30"}) {
    EXPECT_FALSE(ParseTimeText(text).ok()) << text;
  }
}

TEST(TimeText, ReadsDurations) {
  EXPECT_EQ(*ParseDurationText("60s"), absl::Seconds(60));
  EXPECT_EQ(*ParseDurationText("1.5"), absl::Milliseconds(1500));
  EXPECT_EQ(*ParseDurationText("2m30s"), absl::Seconds(150));
  for (const char* text : {"", "soon", "-5s", "5 parsecs", "inf"}) EXPECT_FALSE(ParseDurationText(text).ok()) << text;
}

TEST(TimeText, WritesForPeople) {
  EXPECT_EQ(TimeText(1704067200500), "2024-01-01T00:00:00.500Z");
  EXPECT_EQ(DurationText(absl::Milliseconds(20)), "20ms");
  EXPECT_EQ(DurationText(absl::Milliseconds(1540)), "1.5s");
  EXPECT_EQ(DurationText(absl::Seconds(125)), "2m 5s");
  EXPECT_EQ(DurationText(absl::Hours(76)), "3d 4h");
  EXPECT_EQ(BytesText(1023), "1023 B");
  EXPECT_EQ(BytesText(1536), "1.5 KiB");
  EXPECT_EQ(BytesText(UINT64_MAX), "16.0 EiB");
}

TEST(Table, AlignsColumnsAndCountsCharactersNotBytes) {
  Table table({Left("NAME"), Right("N"), Left("END")});
  table.Add({"caf\xC3\xA9", "1", ""});
  table.Add({"a\nb", "1000", "x"});
  EXPECT_EQ(table.Render(), "NAME     N  END\ncaf\xC3\xA9     1\na?b   1000  x\n");
}

client::ConsumerRecord MakeRecord() {
  return {.partition = {"clicks", 3},
          .offset = 42,
          .timestamp_ms = 1000,
          .key = "k",
          .value = "v\"1",
          .headers = {{"a", "1"}, {"b", std::nullopt}}};
}

TEST(RecordFormat, FillsInEveryField) {
  const auto format = RecordFormat::Parse("%t/%p@%o %k=%v %T [%h] %%\\t\\n");
  ASSERT_TRUE(format.ok());
  std::string out;
  format->Append(MakeRecord(), &out);
  EXPECT_EQ(out, "clicks/3@42 k=v\"1 1000 [a=1,b=] %\t\n");
}

TEST(RecordFormat, PrintsNothingForWhatIsMissing) {
  client::ConsumerRecord record = MakeRecord();
  record.key.reset();
  record.value.reset();
  std::string out;
  RecordFormat::Parse("<%k><%v>")->Append(record, &out);
  EXPECT_EQ(out, "<><>");
}

TEST(RecordFormat, NamesTheEscapeThatItDoesNotKnow) {
  EXPECT_THAT(std::string(Message(RecordFormat::Parse("%v %x").status())), HasSubstr("got '%x' at character 4"));
  EXPECT_FALSE(RecordFormat::Parse("%v\\q").ok());
  EXPECT_FALSE(RecordFormat::Parse("%").ok());
}

TEST(RecordJson, IsOneObjectALine) {
  std::string out;
  AppendRecordJson(MakeRecord(), &out);
  EXPECT_EQ(out, R"({"topic":"clicks","partition":3,"offset":42,"timestamp_ms":1000,"key":"k","value":"v\"1",)"
                 R"("headers":[{"name":"a","value":"1"},{"name":"b","value":null}]})"
                 "\n");
}

TEST(RecordJson, WritesBytesThatAreNotTextAsBase64) {
  client::ConsumerRecord record = MakeRecord();
  record.key.reset();
  record.value = "\xFF\xFE";
  record.headers.clear();
  std::string out;
  AppendRecordJson(record, &out);
  EXPECT_THAT(out, HasSubstr(R"("key":null,"value_base64":"//4=","headers":[])"));
}

TEST(JsonLine, TakesNestingUpToItsLimit) {
  EXPECT_TRUE(CheckJsonLine(std::string(200, '[') + std::string(200, ']')).ok());
  EXPECT_FALSE(CheckJsonLine(std::string(5000, '[') + std::string(5000, ']')).ok());
  EXPECT_FALSE(CheckJsonLine("\"\xFF\"").ok());
  EXPECT_FALSE(CheckJsonLine("").ok());
}

TEST(ResetTarget, ReadsEveryKind) {
  using Kind = ResetTarget::Kind;
  EXPECT_EQ(ParseResetTarget({"earliest"})->kind, Kind::kEarliest);
  EXPECT_EQ(ParseResetTarget({"latest"})->kind, Kind::kLatest);
  EXPECT_EQ(ParseResetTarget({"offset", "12"})->value, 12);
  EXPECT_EQ(ParseResetTarget({"time", "2024-01-01"})->value, 1704067200000);
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"offset"}, {"offset", "-1"}, {"offset", "x"}, {"time", "noon"}, {"earliest", "1"}, {"middle"}}) {
    EXPECT_FALSE(ParseResetTarget(words).ok()) << words[0];
  }
}

TEST(JobLog, FindsTheLinesBehindThoseAlreadySeen) {
  const std::vector<client::JobLogLine> a = {{1, "x"}, {2, "y"}, {3, "z"}};
  EXPECT_EQ(FirstNewLine({}, a), 0u);
  EXPECT_EQ(FirstNewLine(a, a), 3u);
  EXPECT_EQ(FirstNewLine(a, {{1, "x"}, {2, "y"}, {3, "z"}, {4, "w"}}), 3u);
  EXPECT_EQ(FirstNewLine(a, {{2, "y"}, {3, "z"}, {4, "w"}}), 2u);
  EXPECT_EQ(FirstNewLine(a, {{8, "p"}, {9, "q"}}), 0u);
}

}  // namespace
}  // namespace leat::tool
