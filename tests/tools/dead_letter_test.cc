#include "tools/leat/dead_letter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leat::tool {
namespace {

using testing::ElementsAre;
using testing::Pair;

client::ConsumerRecord Letter(std::string step, client::Headers more = {}) {
  client::ConsumerRecord record{
      .partition = {"iot-dlq", 0}, .offset = 7, .timestamp_ms = 1000, .key = "k", .value = "v"};
  record.headers = {{"leat.reason", "no number"}, {"leat.operator", std::move(step)},
                    {"leat.job", "iot"},          {"leat.topic", "readings"},
                    {"leat.partition", "3"},      {"leat.offset", "41"}};
  record.headers.insert(record.headers.end(), more.begin(), more.end());
  return record;
}

client::ConsumerRecord Original(std::string value) {
  client::ConsumerRecord record{
      .partition = {"readings", 3}, .offset = 41, .timestamp_ms = 900, .key = "k", .value = std::move(value)};
  record.headers = {{"trace", "1"}};
  return record;
}

TEST(DeadLetter, TellsWhyAndWhereFrom) {
  const DeadLetter letter = ParseDeadLetter(Letter("decode readings", {{"trace", "1"}, {"leat.attempt", "2"}}));
  EXPECT_EQ(letter.reason, "no number");
  EXPECT_EQ(letter.job, "iot");
  EXPECT_EQ(letter.attempt, 2);
  ASSERT_TRUE(letter.origin);
  EXPECT_EQ(*letter.origin, (RecordOrigin{{"readings", 3}, 41}));
  EXPECT_THAT(letter.headers, ElementsAre(Pair("trace", std::optional<std::string>("1"))));
  EXPECT_TRUE(letter.HoldsRecord());
}

TEST(DeadLetter, HoldsTheRecordOnlyIfItFailedWhenItWasRead) {
  EXPECT_TRUE(ParseDeadLetter(Letter("columns of readings")).HoldsRecord());
  EXPECT_FALSE(ParseDeadLetter(Letter("Calc")).HoldsRecord());
  EXPECT_FALSE(ParseDeadLetter(Letter("decode readings", {{"leat.truncated", "2000000"}})).HoldsRecord());
}

TEST(DeadLetter, IsSentAgainAsTheRecordStandsInItsTopicWithOneAttemptMore) {
  client::ConsumerRecord original = Original("v");
  original.headers.emplace_back("leat.attempt", "2");
  for (const char* step : {"decode readings", "Calc"}) {
    const auto record = RecordToRetry(ParseDeadLetter(Letter(step)), &original);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->topic, "readings");
    EXPECT_EQ(record->partition, 3);
    EXPECT_EQ(record->key, "k");
    EXPECT_EQ(record->value, "v");
    EXPECT_EQ(record->timestamp_ms, 900);
    EXPECT_THAT(record->headers, ElementsAre(Pair("trace", std::optional<std::string>("1")),
                                             Pair("leat.attempt", std::optional<std::string>("3"))));
  }
}

TEST(DeadLetter, IsSentFromTheLetterWhereTheRecordIsGone) {
  const DeadLetter whole = ParseDeadLetter(Letter("decode readings", {{"trace", "1"}, {"leat.attempt", "1"}}));
  for (const bool replaced : {false, true}) {
    const client::ConsumerRecord other = Original("of another life of the topic");
    const auto record = RecordToRetry(whole, replaced ? &other : nullptr);
    ASSERT_TRUE(record);
    EXPECT_EQ(record->value, "v");
    EXPECT_THAT(record->headers, ElementsAre(Pair("trace", std::optional<std::string>("1")),
                                             Pair("leat.attempt", std::optional<std::string>("2"))));
  }
  EXPECT_FALSE(RecordToRetry(ParseDeadLetter(Letter("Calc")), nullptr));
}

TEST(DeadLetter, OfSeveralRecordsCannotBeSentAgain) {
  client::ConsumerRecord record = Letter("WindowAggregate");
  record.headers.resize(3);
  EXPECT_FALSE(ParseDeadLetter(record).origin);
  EXPECT_FALSE(RecordToRetry(ParseDeadLetter(record), nullptr));
}

TEST(DeadLetter, SurvivesHeadersThatAreNoNumbers) {
  client::ConsumerRecord record = Letter("Calc", {{"leat.attempt", "many"}});
  record.headers[5].second = "far";
  const DeadLetter letter = ParseDeadLetter(record);
  EXPECT_FALSE(letter.origin);
  EXPECT_EQ(letter.attempt, 0);
}

TEST(DeadLetter, WaitsTwiceAsLongForEachAttempt) {
  DeadLetter letter{.time_ms = 1000};
  EXPECT_EQ(DueMillis(letter, 30), 1030);
  letter.attempt = 3;
  EXPECT_EQ(DueMillis(letter, 30), 1240);
  EXPECT_EQ(DueMillis(letter, 0), 1000);
  letter.attempt = INT32_MAX;
  EXPECT_GT(DueMillis(letter, INT64_MAX), 1000);
}

TEST(SettingOf, FindsTheLastSetOfAKey) {
  const std::string script = R"(
-- SET 'leat.dead-letter.topic' = 'comment';
SET 'leat.dead-letter.topic' = 'first';
set 'leat.dead-letter.topic' = 'it''s';
INSERT INTO t SELECT 'SET', 'leat.dead-letter.topic', '=', 'none' FROM s;)";
  EXPECT_EQ(SettingOf(script, "leat.dead-letter.topic"), "it's");
  EXPECT_EQ(SettingOf(script, "leat.late.topic"), std::nullopt);
  EXPECT_EQ(SettingOf("SET a.b = c;", "a.b"), "c");
  EXPECT_EQ(SettingOf("SET 'a' = 'b'; RESET 'a';", "a"), std::nullopt);
  EXPECT_EQ(SettingOf("SET 'a", "a"), std::nullopt);
}

}  // namespace
}  // namespace leat::tool
