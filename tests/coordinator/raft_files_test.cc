// The files beside the quorum's log: the vote, the snapshots; and entries as batches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/raft_entries.h"
#include "coordinator/raft_snapshots.h"
#include "coordinator/raft_vote_file.h"
#include "model/record_batch.h"
#include "tests/support/sim_disk.h"

namespace leat::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const raft::Peer kSelf{raft::NodeId{3}, {7, 8}};
const model::Uuid kCluster{1, 2};
const raft::VoterSet kVoters({kSelf, {raft::NodeId{4}, {}}});

raft::LogPoint Point(int64_t end, int32_t term = 1) { return {raft::Offset{end}, raft::Term{term}}; }

TEST(QuorumStateFile, ReadsWhatItWrote) {
  for (const raft::Vote& vote : {raft::Vote{}, raft::Vote{raft::Term{9}, {raft::NodeId{4}, {5, 6}}, true},
                                 raft::Vote{raft::Term{9}, {raft::kNobody, {}}, false}}) {
    const QuorumState state{kCluster, kSelf, vote};
    const auto read = DecodeQuorumState(EncodeQuorumState(state));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, state);
  }
}

TEST(QuorumStateFile, IsRefusedWhateverIsChangedOrCutOff) {
  const std::string sound = EncodeQuorumState({kCluster, kSelf, {raft::Term{9}, kSelf, true}});
  for (size_t i = 0; i < sound.size(); ++i) {
    EXPECT_FALSE(DecodeQuorumState(sound.substr(0, i)).ok()) << i;
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = sound;
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      EXPECT_FALSE(DecodeQuorumState(bytes).ok()) << i;
    }
  }
}

TEST(QuorumStateFile, BelongsToOneClusterNodeAndDirectory) {
  sim::SimDisk disk(1);
  Random random(1);
  LEAT_CHECK_OK(disk.CreateDirectories("/q"));
  const auto fresh = OpenQuorumState(disk, "/q", kCluster, {kSelf.id, {}}, random);
  ASSERT_TRUE(fresh.ok());
  EXPECT_TRUE(fresh->fresh);
  EXPECT_FALSE(fresh->state.self.directory.is_zero());
  LEAT_CHECK_OK(WriteQuorumState(disk, "/q", fresh->state));
  disk.PowerCut();
  const auto again = OpenQuorumState(disk, "/q", kCluster, {kSelf.id, {}}, random);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->fresh);
  EXPECT_EQ(again->state, fresh->state);
  EXPECT_TRUE(absl::IsFailedPrecondition(OpenQuorumState(disk, "/q", {9, 9}, {kSelf.id, {}}, random).status()));
  EXPECT_TRUE(
      absl::IsFailedPrecondition(OpenQuorumState(disk, "/q", kCluster, {raft::NodeId{5}, {}}, random).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(OpenQuorumState(disk, "/q", kCluster, kSelf, random).status()));
}

TEST(Snapshot, ReadsWhatItWroteInAnySize) {
  for (const size_t count : {0u, 1u, 3000u}) {
    StateRecords records;
    for (size_t i = 0; i < count; ++i) records.push_back(StrCat("record ", i, std::string(1000, 'x')));
    const auto read = DecodeSnapshot(EncodeSnapshot(Point(77, 5), kVoters, records));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->records, records);
    EXPECT_EQ(read->snapshot.point, Point(77, 5));
    EXPECT_EQ(read->snapshot.voters, kVoters);
  }
}

TEST(Snapshot, IsRefusedWhateverIsChangedOrCutOff) {
  const std::string sound = EncodeSnapshot(Point(77, 5), kVoters, {"a", "b"});
  for (size_t i = 0; i < sound.size(); ++i) {
    EXPECT_FALSE(DecodeSnapshot(sound.substr(0, i)).ok()) << i;
    // The base offset and the leader epoch of a batch are outside of its checksum and not looked at.
    std::string bytes = sound;
    bytes[i] = static_cast<char>(bytes[i] ^ 16);
    if (const auto read = DecodeSnapshot(bytes); read.ok()) {
      EXPECT_THAT(read->records, ElementsAre("a", "b"));
    }
  }
}

TEST(SnapshotFolder, NamesFilesAsKafkaDoesAndKeepsTheNewest) {
  sim::SimDisk disk(1);
  LEAT_CHECK_OK(disk.CreateDirectories("/q"));
  const SnapshotFolder folder(disk, "/q");
  EXPECT_EQ(SnapshotName(Point(12, 3)), "00000000000000000012-0000000003.checkpoint");
  EXPECT_EQ(ParseSnapshotName("00000000000000000012-0000000003.checkpoint"), Point(12, 3));
  EXPECT_EQ(ParseSnapshotName("00000000000000000012.log"), std::nullopt);
  for (const int64_t end : {5, 9, 12}) LEAT_CHECK_OK(folder.Write(Point(end), kVoters, {StrCat(end)}).status());
  disk.PowerCut();
  EXPECT_THAT(*folder.List(), ElementsAre(Point(5), Point(9), Point(12)));
  LEAT_CHECK_OK(folder.Prune(Point(9), 1));
  EXPECT_THAT(*folder.List(), ElementsAre(Point(9), Point(12))) << "a newer one may be coming in";
  EXPECT_EQ((*folder.LoadNewest())->snapshot.point, Point(12));
  disk.FlipBit("/q/" + SnapshotName(Point(12)), 100, 3);
  EXPECT_EQ((*folder.LoadNewest())->snapshot.point, Point(9)) << "the one before is taken";
}

TEST(SnapshotFolder, PutsPiecesTogether) {
  sim::SimDisk disk(1);
  LEAT_CHECK_OK(disk.CreateDirectories("/q"));
  const SnapshotFolder folder(disk, "/q");
  const std::string bytes = EncodeSnapshot(Point(8), kVoters, {"a", "b", "c"});
  const auto size = static_cast<int64_t>(bytes.size());
  LEAT_CHECK_OK(folder.WritePiece(Point(8), 0, std::string(1000, 'z')));
  LEAT_CHECK_OK(folder.WritePiece(Point(8), 0, bytes.substr(0, 50)));
  EXPECT_THAT(*folder.List(), ElementsAre());
  LEAT_CHECK_OK(folder.WritePiece(Point(8), 50, bytes.substr(50)));
  const auto loaded = folder.FinishPieces(Point(8), size);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  disk.PowerCut();
  EXPECT_THAT(folder.Load(Point(8))->records, ElementsAre("a", "b", "c"));
  EXPECT_TRUE(folder.FinishPieces(Point(8), size).ok()) << "again, after a crash";
  EXPECT_TRUE(absl::IsDataLoss(folder.FinishPieces(Point(9), size).status()));
  const auto first = folder.Read(Point(8), 0, 60);
  const auto rest = folder.Read(Point(8), 60, 1 << 20);
  EXPECT_FALSE(first->last);
  EXPECT_TRUE(rest->last);
  EXPECT_EQ(first->bytes + rest->bytes, bytes);
}

TEST(RaftEntry, IsOneBatchAndComesBack) {
  for (const raft::EntryKind kind :
       {raft::EntryKind::kData, raft::EntryKind::kLeaderChange, raft::EntryKind::kVoters}) {
    const raft::Entry entry{raft::Offset{9}, raft::Term{4}, kind,
                            kind == raft::EntryKind::kLeaderChange ? "" : "payload"};
    const auto read = DecodeEntry(EncodeEntry(entry, 1234));
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, entry);
  }
}

TEST(RaftEntry, IsNotWhatOlderProgramsOrOthersWrote) {
  model::BatchBuilder old({.leader_epoch = model::LeaderEpoch(0)});
  old.Add(1, std::nullopt, "x");
  EXPECT_THAT(std::string(Message(DecodeEntry(*old.Finish()).status())), HasSubstr("key of one byte"));
  model::BatchBuilder two({.leader_epoch = model::LeaderEpoch(1)});
  two.Add(1, std::string_view("\0", 1), "x");
  two.Add(1, std::string_view("\0", 1), "y");
  EXPECT_TRUE(absl::IsDataLoss(DecodeEntry(*two.Finish()).status()));
  model::BatchBuilder newer({.leader_epoch = model::LeaderEpoch(1)});
  newer.Add(1, "\x09", "x");
  EXPECT_TRUE(absl::IsUnimplemented(DecodeEntry(*newer.Finish()).status()));
}

}  // namespace
}  // namespace leat::coordinator
