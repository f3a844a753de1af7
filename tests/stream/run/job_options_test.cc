#include "stream/run/job_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leat::run {
namespace {

using Settings = std::map<std::string, std::string>;

KafkaTable Table(bool upsert) {
  KafkaTable table;
  table.topics = {"t"};
  table.group_id = "g";
  table.upsert = upsert;
  table.startup = upsert ? Startup::kEarliest : Startup::kSpecificOffsets;
  table.startup_offsets = {{0, 5}};
  return table;
}

KafkaTable Read(const Settings& settings, bool upsert = false) {
  KafkaTable table = Table(upsert);
  const auto options = ParseJobOptions(settings, "job");
  EXPECT_TRUE(options.ok()) << options.status();
  ApplyTo(*options, Direction::kRead, &table);
  return table;
}

std::string Said(const Settings& settings) {
  const auto options = ParseJobOptions(settings, "job");
  return options.ok() ? "nothing" : std::string(Message(options.status()));
}

TEST(JobOptions, SayWhereAllSourcesBegin) {
  EXPECT_EQ(Read({}).startup, Startup::kSpecificOffsets);
  EXPECT_EQ(Read({{"leat.start.from", "earliest"}}).startup, Startup::kEarliest);
  EXPECT_EQ(Read({{"leat.start.from", "latest"}}).startup, Startup::kLatest);
  EXPECT_EQ(Read({{"leat.start.from", "offset 12"}}).startup_offset, 12);
  const KafkaTable at = Read({{"leat.start.from", "timestamp 1700000000000"}});
  EXPECT_EQ(at.startup, Startup::kTimestamp);
  EXPECT_EQ(at.startup_timestamp_ms, 1700000000000);
}

TEST(JobOptions, LeaveATableThatIsItsWholeTopic) {
  EXPECT_EQ(Read({{"leat.start.from", "latest"}}, true).startup, Startup::kEarliest);
}

TEST(JobOptions, GiveTopicsAndGroupsASuffix) {
  const Settings settings = {{"leat.output.suffix", "-v2"}, {"leat.late.topic", "late"}};
  const auto options = ParseJobOptions(settings, "job");
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->late_topic, "late-v2");
  EXPECT_EQ(options->dead_letter_topic, "job-dlq");
  EXPECT_EQ(ParseJobOptions({{"leat.output.suffix", "-v2"}, {"leat.dead-letter.topic", "d"}}, "job")->dead_letter_topic,
            "d-v2");
  EXPECT_EQ(Read(settings).group_id, "g-v2");
  EXPECT_EQ(Read(settings).topics, std::vector<std::string>{"t"});
  KafkaTable written = Table(false);
  ApplyTo(*options, Direction::kWrite, &written);
  EXPECT_EQ(written.topics, std::vector<std::string>{"t-v2"});
}

TEST(JobOptions, LimitTheProcessorTime) {
  EXPECT_EQ(ParseJobOptions({}, "job")->cpu_limit, 0);
  EXPECT_EQ(ParseJobOptions({{"leat.cpu.limit", "0.5"}}, "job")->cpu_limit, 0.5);
  EXPECT_EQ(ParseJobOptions({{"leat.cpu.limit", "2"}}, "job")->cpu_limit, 2);
}

TEST(JobOptions, AreRefusedWithWhatTheyTake) {
  for (const char* cores : {"0", "-1", "half", "0.001", "1025", "nan", "inf", "50%"}) {
    EXPECT_THAT(Said({{"leat.cpu.limit", cores}}), testing::HasSubstr("expected a number of cores")) << cores;
  }
  for (const char* from : {"never", "offset", "offset x", "offset -1", "timestamp", "timestamp 2024-01-01"}) {
    EXPECT_THAT(Said({{"leat.start.from", from}}), testing::HasSubstr("expected earliest, latest, offset N")) << from;
  }
  EXPECT_THAT(Said({{"leat.output.suffix", " v2"}}), testing::HasSubstr("got ' v2'"));
  EXPECT_THAT(Said({{"leat.late.topic", "a b"}}), testing::HasSubstr("expected the name of a topic"));
  EXPECT_EQ(Said({}), "nothing");
}

}  // namespace
}  // namespace leat::run
