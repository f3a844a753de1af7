// The quorum's messages as bytes: nothing is lost on the way, and nothing that another node can send does harm.
#include "coordinator/raft_codec.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "raft/describe.h"

namespace leat::coordinator {
namespace {

using ::testing::HasSubstr;

template <typename T>
T In(T low, T high) {
  return *rc::gen::inRange<T>(low, high);
}
int64_t AnyEnd() { return In<int64_t>(0, int64_t{1} << 60); }
raft::Term AnyTerm() { return raft::Term{In<int32_t>(0, 2'000'000'000)}; }
model::Uuid AnyId() { return {*rc::gen::arbitrary<uint64_t>(), *rc::gen::arbitrary<uint64_t>()}; }
raft::Peer AnyPeer() { return {raft::NodeId{In<int32_t>(-1, 100)}, In(0, 3) == 0 ? model::Uuid{} : AnyId()}; }
raft::LogPoint AnyPoint() { return {raft::Offset{AnyEnd()}, AnyTerm()}; }
Instant AnyInstant() { return Instant::FromNanos(*rc::gen::arbitrary<int64_t>()); }
std::string AnyBytes(size_t most) {
  std::string bytes(In<size_t>(0, most), '\0');
  for (char& c : bytes) c = static_cast<char>(In<int>(-128, 128));
  return bytes;
}

raft::AppendRequest AnyAppend() {
  raft::AppendRequest append{.previous = AnyPoint(),
                             .entries = {},
                             .commit_end = raft::Offset{AnyEnd()},
                             .acked_end = raft::Offset{AnyEnd()},
                             .round = AnyEnd(),
                             .sent_at = AnyInstant()};
  for (int i = In(0, 4); i > 0; --i) {
    append.entries.push_back({raft::Offset{AnyEnd()}, AnyTerm(), static_cast<raft::EntryKind>(In(0, 3)), AnyBytes(20)});
  }
  return append;
}

raft::Body AnyBody(int kind) {
  switch (kind) {
    case 0:
      return raft::VoteRequest{static_cast<raft::VoteKind>(In(0, 3)), AnyTerm(), AnyPoint()};
    case 1:
      return raft::VoteReply{static_cast<raft::VoteKind>(In(0, 3)), AnyTerm(), In(0, 2) == 1};
    case 2:
      return AnyAppend();
    case 3:
      return raft::AppendReply{.result = static_cast<raft::AppendResult>(In(0, 4)),
                               .previous_end = raft::Offset{AnyEnd()},
                               .match_end = raft::Offset{AnyEnd()},
                               .hint = AnyPoint(),
                               .round = AnyEnd(),
                               .sent_at = AnyInstant()};
    case 4:
      return raft::SnapshotChunk{.snapshot = AnyPoint(),
                                 .voters = raft::VoterSet({{raft::NodeId{1}, AnyId()}, {raft::NodeId{In(2, 9)}, {}}}),
                                 .position = AnyEnd(),
                                 .bytes = AnyBytes(40),
                                 .checksum = *rc::gen::arbitrary<uint32_t>(),
                                 .last = In(0, 2) == 1,
                                 .round = AnyEnd(),
                                 .sent_at = AnyInstant()};
    case 5:
      return raft::SnapshotReply{AnyPoint(), AnyEnd(), In(0, 2) == 1, AnyEnd(), AnyInstant()};
    case 6:
      return raft::TimeoutNow{};
    case 7:
      return raft::Observe{};
    case 8:
      return raft::LeaderHint{AnyPeer()};
    default:
      return raft::Refusal{static_cast<raft::RefusalReason>(In(0, 9)), AnyBytes(30)};
  }
}
constexpr int kKinds = 10;

raft::Message AnyMessage(int kind) {
  return {AnyId(), AnyPeer(), AnyPeer(), AnyTerm(), AnyBody(kind), In(0, 2) == 1 ? "host:9094" : ""};
}

// Everything that Describe leaves out is compared by the bytes, which hold all.
void ExpectSame(const raft::Message& a, const raft::Message& b) {
  RC_ASSERT(raft::Describe(a) == raft::Describe(b));
  RC_ASSERT(a.cluster == b.cluster);
  RC_ASSERT(a.from == b.from);
  RC_ASSERT(a.to == b.to);
  RC_ASSERT(a.address == b.address);
  RC_ASSERT(EncodeRaft(a) == EncodeRaft(b));
}

RC_GTEST_PROP(RaftCodec, ReadsWhatItWrote, ()) {
  const raft::Message message = AnyMessage(In(0, kKinds));
  const absl::StatusOr<raft::Message> read = DecodeRaft(EncodeRaft(message));
  if (!read.ok()) RC_FAIL(std::string(Message(read.status())));
  RC_ASSERT(read->body.index() == message.body.index());
  ExpectSame(*read, message);
  if (const auto* append = std::get_if<raft::AppendRequest>(&message.body)) {
    RC_ASSERT(std::get<raft::AppendRequest>(read->body).entries == append->entries);
  }
}

RC_GTEST_PROP(RaftCodec, SurvivesWhateverIsCutOffOrChanged, ()) {
  const std::string sound = EncodeRaft(AnyMessage(In(0, kKinds)));
  for (size_t length = 0; length < sound.size(); ++length) {
    // An allocation of exactly this size: a read beyond it is a finding of the sanitizer.
    const std::vector<char> cut(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(length));
    const auto read = DecodeRaft({cut.data(), cut.size()});
    if (read.ok()) RC_ASSERT(DecodeRaft(EncodeRaft(*read)).ok());
  }
  for (int change = 0; change < 20; ++change) {
    std::string bytes = sound;
    for (int i = In(1, 5); i > 0; --i) bytes[In<size_t>(0, bytes.size())] = static_cast<char>(In<int>(-128, 128));
    const auto read = DecodeRaft(bytes);
    // Whatever is let in can be written again: no number is out of range.
    if (read.ok()) ExpectSame(*DecodeRaft(EncodeRaft(*read)), *read);
  }
}

raft::Message Append(size_t entries) {
  raft::AppendRequest append;
  for (size_t i = 0; i < entries; ++i) append.entries.push_back({raft::Offset(static_cast<int64_t>(i)), raft::Term{1}});
  return {{1, 2}, {raft::NodeId{1}, {}}, {raft::NodeId{2}, {}}, raft::Term{1}, append};
}

TEST(RaftCodec, RefusesMoreThanItsLimits) {
  const std::string bytes = EncodeRaft(Append(10));
  EXPECT_TRUE(DecodeRaft(bytes, {.max_entries = 10}).ok());
  EXPECT_THAT(std::string(Message(DecodeRaft(bytes, {.max_entries = 9}).status())), HasSubstr("at most 9"));
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeRaft(bytes, {.max_bytes = bytes.size() - 1}).status()));
  raft::Message chunk = Append(0);
  chunk.body = raft::SnapshotChunk{.voters = raft::VoterSet({{raft::NodeId{1}, {}}, {raft::NodeId{2}, {}}})};
  EXPECT_TRUE(DecodeRaft(EncodeRaft(chunk), {.max_voters = 2}).ok());
  EXPECT_FALSE(DecodeRaft(EncodeRaft(chunk), {.max_voters = 1}).ok());
}

TEST(RaftCodec, CutsALongTextAndRefusesALongerOne) {
  raft::Message message = Append(0);
  message.body = raft::Refusal{raft::RefusalReason::kOverloaded, std::string(10'000, 'x')};
  const auto read = DecodeRaft(EncodeRaft(message));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(std::get<raft::Refusal>(read->body).detail.size(), RaftCodecLimits{}.max_text);
  EXPECT_FALSE(DecodeRaft(EncodeRaft(message, {.max_text = 5000})).ok());
}

TEST(RaftCodec, RefusesNumbersOutOfRange) {
  raft::Message message = Append(0);
  message.body = raft::VoteRequest{raft::VoteKind::kVote, raft::Term{-1}, {}};
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeRaft(EncodeRaft(message)).status()));
  message.body = raft::VoteRequest{static_cast<raft::VoteKind>(9), raft::Term{1}, {}};
  EXPECT_TRUE(absl::IsUnimplemented(DecodeRaft(EncodeRaft(message)).status()));
  message.body = raft::SnapshotReply{.snapshot = {raft::Offset{INT64_MAX}, raft::Term{1}}};
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeRaft(EncodeRaft(message)).status()));
  EXPECT_TRUE(absl::IsDataLoss(DecodeRaft("").status()));
  message = Append(0);
  message.address = std::string(301, 'h');
  EXPECT_TRUE(absl::IsInvalidArgument(DecodeRaft(EncodeRaft(message)).status()));
}

TEST(ClusterUuid, IsTheIdItselfOrADigestOfIt) {
  EXPECT_EQ(ClusterUuid(model::Uuid{5, 6}.ToString()), (model::Uuid{5, 6}));
  EXPECT_EQ(ClusterUuid("my cluster"), ClusterUuid("my cluster"));
  EXPECT_NE(ClusterUuid("my cluster"), ClusterUuid("my cluster2"));
  EXPECT_FALSE(ClusterUuid("").is_zero());
}

}  // namespace
}  // namespace leat::coordinator
