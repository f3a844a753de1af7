#include "wire/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "wire/messages/fetch.h"
#include "wire/messages/metadata.h"

namespace leat::wire {
namespace {

using testing::ElementsAre;

TEST(Writer, WritesNumbersInNetworkOrder) {
  Writer out;
  out.Number(int8_t{-1});
  out.Number(int16_t{258});
  out.Number(true);
  out.Number(model::TopicId{1, 2});
  EXPECT_EQ(out.size(), 20);
  EXPECT_EQ(out.TakeString(), std::string("\xff\x01\x02\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02", 20));
}

TEST(Writer, WritesLengthsInBothForms) {
  Writer out;
  out.Text(Form::kClassic, "ab");
  out.Text(Form::kCompact, "ab");
  out.Bytes(Form::kClassic, "c");
  out.Bytes(Form::kCompact, "c");
  out.NullableText(Form::kClassic, std::optional<std::string>());
  out.NullableText(Form::kCompact, std::optional<std::string>());
  EXPECT_EQ(out.TakeString(), std::string("\0\x02"
                                          "ab\x03"
                                          "ab\0\0\0\x01"
                                          "c\x02"
                                          "c\xff\xff\0",
                                          17));
}

TEST(Writer, CutsStringsThatNoFormCanCarry) {
  Writer out;
  out.Text(Form::kClassic, std::string(40000, 'x'));
  const std::string bytes = out.TakeString();
  EXPECT_EQ(bytes.size(), 2 + 32767);
  EXPECT_EQ(bytes.substr(0, 2), "\x7f\xff");
}

TEST(Writer, DoesNotCopyALargeStringThatIsHandedOver) {
  Writer out;
  out.BeginFrame();
  std::string large(Writer::kOwnChunkBytes, 'x');
  const char* const where = large.data();
  out.MoveBytes(Form::kClassic, std::move(large));
  out.Number(int8_t{1});
  out.MoveBytes(Form::kCompact, "small");
  const std::vector<std::string> chunks = out.Take();
  ASSERT_EQ(chunks.size(), 3);
  EXPECT_EQ(chunks[0], std::string("\0\0\x10\x0b\0\0\x10\0", 8));  // the length of what follows itself
  EXPECT_EQ(chunks[1].data(), where);
  EXPECT_EQ(chunks[2],
            "\x01\x06"
            "small");
  EXPECT_EQ(out.size(), 0);
}

TEST(FetchResponse, HandsItsRecordsOver) {
  FetchResponse response;
  auto& partition = response.responses.emplace_back().partitions.emplace_back();
  partition.records = std::string(100000, 'r');
  const char* const where = partition.records.data();
  Writer out;
  std::move(response).Encode(out, 12);
  const std::vector<std::string> chunks = out.Take();
  ASSERT_EQ(chunks.size(), 3);
  EXPECT_EQ(chunks[1].data(), where);
}

TEST(MetadataRequest, AsksForAllTopicsWithAnEmptyListInTheVersionThatHasNoNull) {
  const MetadataRequest all{.topics = std::nullopt};
  Writer v0;
  all.Encode(v0, 0);
  EXPECT_EQ(v0.TakeString(), std::string(4, '\0'));
  Writer v1;
  all.Encode(v1, 1);
  EXPECT_EQ(v1.TakeString(), "\xff\xff\xff\xff");
}

}  // namespace
}  // namespace leat::wire
