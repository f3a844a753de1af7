#include "kafka/frame_reader.h"

#include "tests/kafka/kafka_client.h"
#include "tests/kafka/small_reads.h"

namespace leat::kafka {
namespace {

TEST(FrameReader, CutsManyFramesOfOneRead) {
  const FrameReader::Options options;
  FrameReader reader(options);
  EXPECT_EQ(Feed(reader, Framed("one") + Framed("two") + Framed("three").substr(0, 6)),
            (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(reader.buffered_bytes(), 6u);
  EXPECT_EQ(Feed(reader, "ree"), std::vector<std::string>{"three"});
  EXPECT_EQ(reader.buffered_bytes(), 0u);
}

TEST(FrameReader, GivesTheSameFramesWhateverTheReads) {
  const FrameReader::Options options = {
      .max_frame_bytes = 1 << 20, .min_buffer_bytes = 64, .max_buffer_bytes = 256, .first_body_bytes = 1024};
  std::string bytes;
  std::vector<std::string> frames;
  for (const size_t size : {1, 59, 60, 61, 63, 64, 65, 252, 255, 256, 257, 1023, 1024, 1025, 5000, 3, 100000, 7}) {
    frames.push_back(std::string(size, static_cast<char>('a' + frames.size())));
    bytes += Framed(frames.back());
  }
  for (const size_t at_a_time : {1, 2, 3, 5, 63, 64, 65, 1000, 4096, 1000000}) {
    FrameReader reader(options);
    std::vector<std::string> got;
    for (size_t at = 0; at < bytes.size(); at += at_a_time) {
      for (std::string& frame : Feed(reader, std::string_view(bytes).substr(at, at_a_time))) {
        got.push_back(std::move(frame));
      }
    }
    EXPECT_EQ(got, frames) << at_a_time << " bytes at a time";
  }
}

TEST(FrameReader, RefusesLengthsThatCannotBe) {
  const FrameReader::Options options = {.max_frame_bytes = 1000};
  for (const std::string& bytes : {std::string("\0\0\0\0", 4), std::string("\xff\xff\xff\xff"),
                                   std::string("\0\0\x03\xe9", 4), std::string("GET / HTTP/1.1\r\n")}) {
    FrameReader reader(options);
    Put(reader, bytes);
    EXPECT_TRUE(reader.HasFrame());
    EXPECT_EQ(reader.Next().status().code(), absl::StatusCode::kInvalidArgument);
  }
  FrameReader reader(options);
  Put(reader, std::string("\0\0\x03\xe8", 4) + std::string(1000, 'x'));
  EXPECT_EQ((*reader.Next())->size, 1000u);
}

TEST(FrameReader, SaysThatAClientSpeaksHttp) {
  const FrameReader::Options options;
  FrameReader reader(options);
  Put(reader, "GET / HTTP/1.1\r\n");
  EXPECT_THAT(std::string(Message(reader.Next().status())), testing::HasSubstr("HTTP"));
}

TEST(FrameReader, TakesMemoryForWhatHasArrivedOnly) {
  const FrameReader::Options options = {.max_frame_bytes = 100 << 20, .first_body_bytes = 4096};
  FrameReader reader(options);
  Put(reader, std::string("\x06\x00\x00\x00", 4) + std::string(100, 'x'));  // promises 96 MiB
  EXPECT_FALSE(reader.HasFrame());
  EXPECT_LE(reader.Prepare()[0].size, 4096u);
}

TEST(FrameReader, AlwaysHasRoomForTheNextRead) {
  const FrameReader::Options options = {
      .max_frame_bytes = 1 << 20, .min_buffer_bytes = 64, .max_buffer_bytes = 256, .first_body_bytes = 512};
  FrameReader reader(options);
  const std::string bytes = Framed(std::string(5000, 'a')) + Framed("b") + Framed(std::string(300, 'c'));
  std::string_view rest = bytes;
  std::vector<size_t> sizes;
  // Frames are asked for only when they are there, as a connection does.
  while (!rest.empty() || reader.HasFrame()) {
    if (reader.HasFrame()) {
      sizes.push_back(reader.Next()->value().size);
      continue;
    }
    ASSERT_GT(reader.Prepare()[0].size, 0u);
    PutOnce(reader, &rest);
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{5000, 1, 300}));
}

TEST(FrameReader, GivesItsBufferBackWhenIdle) {
  const FrameReader::Options options = {.min_buffer_bytes = 64, .max_buffer_bytes = 4096};
  FrameReader reader(options);
  for (int i = 0; i < 20; ++i) Feed(reader, Framed(std::string(300, 'x')) + Framed(std::string(60, 'y')));
  ASSERT_TRUE(reader.large());
  reader.Shrink();
  EXPECT_FALSE(reader.large());
  EXPECT_EQ(Feed(reader, Framed("z")), std::vector<std::string>{"z"});
}

TEST(FrameReader, ReadsLargeFramesToWhereTheyStay) {
  const FrameReader::Options options = {.min_buffer_bytes = 64, .max_buffer_bytes = 4096};
  FrameReader reader(options);
  const std::string frames = Framed(std::string(50'000, 'a')) + Framed(std::string(60'000, 'b')) + Framed("c");
  std::string_view rest = frames;
  size_t through_the_buffer = 0;
  std::vector<size_t> sizes;
  while (sizes.size() < 3) {
    const auto space = reader.Prepare();
    // A frame that has memory of its own already is what the first space is for.
    if (space[1].size == 0) through_the_buffer += std::min(space[0].size, rest.size());
    EXPECT_LE(space[1].size, options.min_buffer_bytes);
    PutOnce(reader, &rest);
    while (reader.HasFrame()) sizes.push_back(reader.Next()->value().size);
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{50'000, 60'000, 1}));
  EXPECT_LE(through_the_buffer, 2 * options.min_buffer_bytes);
  EXPECT_FALSE(reader.large()) << "large frames do not need a large buffer";
}

TEST(FrameReader, GoesOnWithWhatAnotherHasRead) {
  const FrameReader::Options options = {.min_buffer_bytes = 64, .max_buffer_bytes = 256};
  const std::string frames = Framed("first") + Framed(std::string(1000, 'x')) + Framed("last");
  for (size_t cut = 1; cut < frames.size(); ++cut) {
    FrameReader first(options);
    std::vector<std::string> got = Feed(first, std::string_view(frames).substr(0, cut));
    FrameReader second(std::move(first), options);
    for (std::string& frame : Feed(second, std::string_view(frames).substr(cut))) got.push_back(std::move(frame));
    ASSERT_EQ(got, (std::vector<std::string>{"first", std::string(1000, 'x'), "last"})) << cut;
  }
}

TEST(FrameReader, ShowsTheFrontWithoutTakingIt) {
  const FrameReader::Options options = {.min_buffer_bytes = 64, .max_buffer_bytes = 64};
  FrameReader reader(options);
  EXPECT_FALSE(reader.PeekFront(2).has_value());
  Put(reader, Framed("ab"));
  EXPECT_EQ(reader.PeekFront(2), "ab");
  EXPECT_EQ(reader.FrontBytes(), 2u);
  EXPECT_EQ(reader.Next()->value().view(), "ab");
  const std::string large = Framed(std::string(500, 'c'));
  EXPECT_EQ(Feed(reader, large.substr(0, 400)).size(), 0u);
  EXPECT_EQ(reader.PeekFront(2), "cc");
  EXPECT_FALSE(reader.HasFrame());
}

}  // namespace
}  // namespace leat::kafka
