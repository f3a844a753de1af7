#include "runtime/peer_frame.h"

#include <rapidcheck/gtest.h>

#include <algorithm>

namespace leat::runtime {
namespace {

constexpr size_t kMax = 1 << 20;

std::string BytesOf(const FrameHeader& header) {
  const FrameHeaderBytes bytes = EncodeFrameHeader(header);
  return {bytes.data(), bytes.size()};
}

// Puts `bytes` into the reader, at most `step` at a time, and takes every frame.
std::vector<PeerFrame> Read(PeerFrameReader& reader, std::string_view bytes, size_t step) {
  std::vector<PeerFrame> out;
  while (!bytes.empty()) {
    const PeerFrameReader::Space space = reader.Prepare();
    EXPECT_GT(space.size, 0u);
    const size_t n = std::min({space.size, step, bytes.size()});
    std::copy_n(bytes.data(), n, space.data);
    bytes.remove_prefix(n);
    reader.Commit(n);
    while (true) {
      auto frame = reader.Next();
      EXPECT_TRUE(frame.ok()) << frame.status();
      if (!frame.ok() || !frame->has_value()) break;
      out.push_back(*std::move(*frame));
    }
  }
  return out;
}

TEST(FrameHeader, IsSixteenBytesBigEndian) {
  const std::string bytes = BytesOf({.kind = FrameKind::kRequest,
                                     .service = env::Service::kFetch,
                                     .call = 0x0102030405060708,
                                     .payload_bytes = 0x0a0b});
  EXPECT_EQ(bytes, std::string("\x00\x00\x0a\x0b\x02\x03\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08", 16));
}

TEST(FrameHeader, RefusesWhatIsNone) {
  std::string bytes = BytesOf({.kind = FrameKind::kAnswer, .payload_bytes = 10});
  EXPECT_TRUE(DecodeFrameHeader(bytes, 10).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeFrameHeader(bytes, 9).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeFrameHeader(std::string_view(bytes).substr(1), 10).status()));
  bytes[4] = 5;
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeFrameHeader(bytes, 10).status()));
  bytes[4] = 3;
  bytes[7] = 1;
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeFrameHeader(bytes, 10).status()));
}

TEST(FrameError, KeepsCodeAndText) {
  EXPECT_EQ(DecodeFrameError(EncodeFrameError(ResourceExhausted("full"))), ResourceExhausted("full"));
  EXPECT_EQ(EncodeFrameError(Internal(std::string(5000, 'x'))).size(), 1001u);
}

TEST(FrameError, WhatCannotBeReadIsUnavailable) {
  for (const std::string& bytes : {std::string(), std::string(1, '\0'), std::string("\x7f"), std::string("\xff")}) {
    EXPECT_TRUE(absl::IsUnavailable(DecodeFrameError(bytes)));
  }
}

RC_GTEST_PROP(PeerFrameReader, GivesBackWhatWasSentHoweverItArrives, ()) {
  const auto sizes = *rc::gen::container<std::vector<size_t>>(rc::gen::weightedOneOf<size_t>(
      {{3, rc::gen::inRange<size_t>(0, 100)}, {1, rc::gen::inRange<size_t>(10'000, 60'000)}}));
  const auto step = *rc::gen::element<size_t>(1, 7, 16, 1000, 16'384, 1'000'000);
  std::string stream;
  for (size_t i = 0; i < sizes.size(); ++i) {
    stream +=
        BytesOf({.kind = FrameKind::kRequest, .service = env::Service::kRaft, .call = i, .payload_bytes = sizes[i]});
    stream.append(sizes[i], static_cast<char>('a' + i % 26));
  }
  PeerFrameReader reader(kMax);
  const std::vector<PeerFrame> frames = Read(reader, stream, step);
  RC_ASSERT(frames.size() == sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    RC_ASSERT(frames[i].header.call == i);
    RC_ASSERT(std::string(frames[i].payload.view()) == std::string(sizes[i], static_cast<char>('a' + i % 26)));
  }
}

TEST(PeerFrameReader, RefusesALengthOverTheLimitBeforeItTakesMemory) {
  PeerFrameReader reader(kMax);
  const std::string header = BytesOf({.kind = FrameKind::kMessage, .payload_bytes = kMax + 1});
  const PeerFrameReader::Space space = reader.Prepare();
  std::copy(header.begin(), header.end(), space.data);
  reader.Commit(header.size());
  EXPECT_TRUE(absl::IsInvalidArgument(reader.Next().status()));
}

}  // namespace
}  // namespace leat::runtime
