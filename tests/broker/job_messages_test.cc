#include "broker/job_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leat::broker {
namespace {

TEST(JobMessages, ComeOutAsTheyWentIn) {
  const AskCommit sent{"g", {{{"t", model::PartitionId(3)}, model::Offset(5)}, {{"", {}}, model::Offset(-1)}}};
  const absl::StatusOr<JobMessage> got = DecodeJobMessage(EncodeJobMessage(sent));
  ASSERT_TRUE(got.ok()) << got.status();
  const auto& commit = std::get<AskCommit>(*got);
  EXPECT_EQ(commit.group, "g");
  EXPECT_EQ(commit.offsets, sent.offsets);

  const absl::StatusOr<JobMessage> fetch = DecodeJobMessage(EncodeJobMessage(
      AskFetch{{.partition = {"t", model::PartitionId(1)}, .offset = model::Offset(9), .max_bytes = 77}}));
  ASSERT_TRUE(fetch.ok()) << fetch.status();
  EXPECT_EQ(std::get<AskFetch>(*fetch).fetch.max_bytes, 77u);
  EXPECT_EQ(std::get<AskFetch>(*fetch).fetch.max_wait, absl::Milliseconds(500));
}

TEST(JobMessages, AnswersCarryTheStatusOrWhatWasAskedFor) {
  const std::string good =
      EncodeJobAnswer<run::LogData>(run::LogData{.batches = "abc",
                                                 .high_watermark = model::Offset(4),
                                                 .log_start = model::Offset(1),
                                                 .end = model::Offset(3),
                                                 .aborted = {{model::ProducerId(8), model::Offset(2)}}});
  const auto data = DecodeJobAnswer<run::LogData>(good);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->batches, "abc");
  EXPECT_EQ(data->log_start.value(), 1);
  EXPECT_EQ(data->end.value(), 3);
  EXPECT_EQ(data->aborted, (std::vector<model::AbortedTransaction>{{model::ProducerId(8), model::Offset(2)}}));
  const auto bad = DecodeJobAnswer<run::LogData>(EncodeJobAnswer<run::LogData>(Unavailable("not now")));
  EXPECT_EQ(bad.status(), Unavailable("not now"));
}

TEST(JobMessages, ProgressOfAJobComesOutAsItWentIn) {
  JobProgress sent{.operators = {{.id = 3, .name = "Calc#3", .rows_in = 7, .watermark_ms = -5, .busy_seconds = 0.5}},
                   .latency_records = 9,
                   .latency_p99_seconds = 1.5};
  sent.workers = 4;
  sent.checkpoint_bytes = 77;
  sent.cpu_limit = 0.5;
  const auto got = DecodeJobAnswer<JobProgress>(EncodeJobAnswer<JobProgress>(sent));
  ASSERT_TRUE(got.ok()) << got.status();
  ASSERT_EQ(got->operators.size(), 1u);
  EXPECT_EQ(got->operators[0].name, "Calc#3");
  EXPECT_EQ(got->operators[0].watermark_ms, -5);
  EXPECT_DOUBLE_EQ(got->operators[0].busy_seconds, 0.5);
  EXPECT_EQ(got->latency_records, 9u);
  EXPECT_EQ(got->workers, 4);
  EXPECT_EQ(got->checkpoint_bytes, 77u);
  EXPECT_DOUBLE_EQ(got->cpu_limit, 0.5);
}

// Every prefix, and every byte changed: an error or another message, never more than the bytes can hold.
TEST(JobMessages, DamagedBytesAreRefused) {
  const std::string bytes = EncodeJobMessage(AskEnds{{{"topic", model::PartitionId(1)}, {"u", model::PartitionId(2)}}});
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeJobMessage(bytes.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(DecodeJobMessage(bytes + "x").ok());
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const int flip : {1, 0x80, 0xff}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      DecodeJobMessage(damaged).IgnoreError();
      DecodeJobAnswer<std::vector<run::PartitionOffsets>>(damaged).IgnoreError();
    }
  }
  EXPECT_TRUE(absl::IsUnimplemented(DecodeJobMessage("\xfe").status()));
  EXPECT_FALSE(DecodeJobAnswer<Nothing>("").ok());
}

}  // namespace
}  // namespace leat::broker
