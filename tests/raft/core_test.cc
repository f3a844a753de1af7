// One core and what it refuses: limits, damaged messages, states of the disk that cannot be.
#include "raft/core.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "base/status.h"

namespace leat::raft {
namespace {

constexpr model::Uuid kCluster{1, 1};
Peer P(int id) { return {NodeId{id}, {0, static_cast<uint64_t>(id)}}; }

Options MakeOptions(int voters) {
  Options options;
  options.cluster = kCluster;
  options.self = P(1);
  std::vector<Peer> peers;
  for (int id = 1; id <= voters; ++id) peers.push_back(P(id));
  options.initial_voters = VoterSet(peers);
  return options;
}

// A core whose disk is as fast as asked.
struct Fixture {
  explicit Fixture(const Options& options, const Restored& restored = {}) {
    auto opened = Core::Open(options, restored, random, now);
    LEAT_CHECK_OK(opened.status());
    core = *std::move(opened);
  }
  // Takes the effects; every write is durable.
  Effects Take() {
    Effects all;
    for (Effects effects = core->TakeEffects(); !effects.empty(); effects = core->TakeEffects()) {
      for (Effect& effect : effects) {
        std::visit(
            [&](const auto& what) {
              if constexpr (requires { what.write; }) core->OnDurable(what.write, now);
            },
            effect);
        all.push_back(std::move(effect));
      }
    }
    return all;
  }
  void Receive(int from, int term, Body body) {
    core->Receive({kCluster, P(from), P(1), Term{term}, std::move(body)}, now);
  }
  void TickAtDeadline() {
    now = std::max(now, core->NextDeadline());
    core->Tick(now);
  }
  // Of three voters, led by this one.
  void Lead() {
    TickAtDeadline();
    Take();
    Receive(2, 0, VoteReply{VoteKind::kPreVote, Term{1}, true});
    Take();
    Receive(2, 1, VoteReply{VoteKind::kVote, Term{1}, true});
    Take();
    LEAT_CHECK(core->role() == Role::kLeader);
  }
  template <typename T>
  static const T* Find(const Effects& effects) {
    for (const Effect& effect : effects) {
      if (const T* found = std::get_if<T>(&effect)) return found;
    }
    return nullptr;
  }

  Random random{1};
  Instant now = Instant::FromNanos(1);
  std::unique_ptr<Core> core;
};

TEST(Core, LeadsAloneWithoutWaiting) {
  Fixture node(MakeOptions(1));
  node.core->Tick(node.now);
  const Effects effects = node.Take();
  EXPECT_EQ(node.core->role(), Role::kLeader);
  ASSERT_NE(Fixture::Find<Commit>(effects), nullptr);
  EXPECT_EQ(node.core->commit_end(), Offset{1});
  ASSERT_TRUE(node.core->Propose({"a", "b"}, node.now).ok());
  node.Take();
  EXPECT_EQ(node.core->commit_end(), Offset{3});
  ASSERT_TRUE(node.core->Read(7, node.now).ok());
  const Effects read = node.Take();
  ASSERT_NE(Fixture::Find<ReadReady>(read), nullptr);
  EXPECT_EQ(Fixture::Find<ReadReady>(read)->end, Offset{3});
}

TEST(Core, RefusesOptionsThatCannotWork) {
  Options slow = MakeOptions(1);
  slow.heartbeat_interval = absl::Milliseconds(400);
  EXPECT_EQ(Validate(slow).code(), absl::StatusCode::kInvalidArgument);
  Options drift = MakeOptions(1);
  drift.max_clock_drift = 0.5;
  EXPECT_EQ(Validate(drift).code(), absl::StatusCode::kInvalidArgument);
  Options nobody = MakeOptions(1);
  nobody.self.directory = {};
  EXPECT_EQ(Validate(nobody).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Validate(MakeOptions(3)).ok());
}

TEST(Core, RefusesAVoteOlderThanItsLog) {
  Restored restored;
  restored.vote.term = Term{3};
  restored.ranges = {{Term{4}, Offset{0}}};
  restored.log_end = Offset{2};
  Random random(1);
  const auto core = Core::Open(MakeOptions(3), restored, random, Instant());
  ASSERT_EQ(core.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(leat::Message(core.status()).find("restored to an older state"), std::string_view::npos);
}

// Whether a node that voted for node 2 in term 4 votes for node 3 after a restart and the end of its promise.
bool VotesAgain(Bug bug) {
  Options options = MakeOptions(3);
  options.bug = bug;
  Restored restored;
  restored.vote = {Term{4}, P(2), true};
  Fixture node(options, restored);
  node.now = node.now + options.election_timeout;
  node.Receive(3, 4, VoteRequest{VoteKind::kVote, Term{4}, {Offset{9}, Term{3}}});
  const Effects effects = node.Take();
  const auto* send = Fixture::Find<Send>(effects);
  return send != nullptr && std::get<VoteReply>(send->message.body).granted;
}

TEST(Core, VotesOnceATermAcrossARestart) {
  EXPECT_FALSE(VotesAgain(Bug::kNone));
  EXPECT_TRUE(VotesAgain(Bug::kForgetVoteOnRestart));
}

TEST(Core, KeepsAPromiseItMayHaveGivenBeforeARestart) {
  Restored restored;
  restored.vote = {Term{4}, P(2), true};
  Fixture node(MakeOptions(3), restored);
  const auto granted = [&] {
    node.Receive(3, 4, VoteRequest{VoteKind::kPreVote, Term{5}, {Offset{9}, Term{3}}});
    const Effects effects = node.Take();
    return std::get<VoteReply>(Fixture::Find<Send>(effects)->message.body).granted;
  };
  node.now = node.now + absl::Milliseconds(499);
  EXPECT_FALSE(granted());
  node.now = node.now + absl::Milliseconds(1);
  EXPECT_TRUE(granted());
}

TEST(Core, RefusesALogWhoseBeginningIsInNoSnapshot) {
  Restored restored;
  restored.vote.term = Term{1};
  restored.log_start = restored.log_end = Offset{5};
  Random random(1);
  EXPECT_EQ(Core::Open(MakeOptions(3), restored, random, Instant()).status().code(), absl::StatusCode::kDataLoss);
}

TEST(Core, StartsTheLogBehindASnapshotThatACrashLeftAlone) {
  Restored restored;
  restored.vote.term = Term{2};
  restored.ranges = {{Term{1}, Offset{0}}};
  restored.log_end = Offset{3};
  restored.snapshot = Snapshot{{Offset{9}, Term{2}}, MakeOptions(3).initial_voters, 10};
  Fixture node(MakeOptions(3), restored);
  const Effects effects = node.Take();
  ASSERT_NE(Fixture::Find<InstallSnapshot>(effects), nullptr);
  EXPECT_EQ(node.core->log_end(), Offset{9});
  EXPECT_EQ(node.core->commit_end(), Offset{9});
  EXPECT_EQ(node.core->durable_end(), Offset{9});
}

TEST(Core, AnswersNoRequestUnlessItLeads) {
  Fixture node(MakeOptions(3));
  EXPECT_EQ(node.core->Propose({"a"}, node.now).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(node.core->Read(1, node.now).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(node.core->AddVoter(P(4), node.now).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(node.core->TransferLeadership(kNobody, node.now).code(), absl::StatusCode::kUnavailable);
  node.Receive(2, 4, AppendRequest{});
  EXPECT_NE(leat::Message(node.core->Propose({"a"}, node.now).status()).find("the leader is node 2"),
            std::string_view::npos);
}

TEST(Core, LimitsWhatIsUncommittedAndHowLargeAnEntryIs) {
  Options options = MakeOptions(3);
  options.max_uncommitted_entries = 3;
  options.max_entry_bytes = 4;
  Fixture node(options);
  node.Lead();
  EXPECT_EQ(node.core->Propose({"12345"}, node.now).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(node.core->Propose({"1", "2"}, node.now).ok());  // behind the term's first entry
  EXPECT_EQ(node.core->Propose({"3"}, node.now).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(Core, LimitsReadsThatWait) {
  Options options = MakeOptions(3);
  options.max_pending_reads = 2;
  Fixture node(options);
  node.Lead();
  EXPECT_TRUE(node.core->Read(1, node.now).ok());
  EXPECT_TRUE(node.core->Read(2, node.now).ok());
  EXPECT_EQ(node.core->Read(3, node.now).code(), absl::StatusCode::kResourceExhausted);
}

TEST(Core, StepsDownWithoutAMajorityAndFailsItsReads) {
  Fixture node(MakeOptions(3));
  node.Lead();
  ASSERT_TRUE(node.core->Read(1, node.now).ok());
  node.now = node.now + absl::Milliseconds(499);
  node.core->Tick(node.now);
  node.Take();
  EXPECT_EQ(node.core->role(), Role::kLeader);
  node.now = node.now + absl::Milliseconds(10);
  node.core->Tick(node.now);
  const Effects effects = node.Take();
  EXPECT_EQ(node.core->role(), Role::kFollower);
  EXPECT_NE(Fixture::Find<ReadFailed>(effects), nullptr);
  EXPECT_NE(Fixture::Find<BecomeFollower>(effects), nullptr);
}

TEST(Core, RefusesMalformedEntries) {
  const auto refuses = [](AppendRequest request) {
    Fixture node(MakeOptions(3));
    node.Receive(2, 4, std::move(request));
    const Effects effects = node.Take();
    const auto* refuse = Fixture::Find<Refuse>(effects);
    return refuse != nullptr && refuse->reason == RefusalReason::kMalformed && node.core->log_end() == Offset{0};
  };
  const auto entry = [](int64_t offset, int term, EntryKind kind = EntryKind::kData) {
    return Entry{Offset{offset}, Term{term}, kind, ""};
  };
  EXPECT_TRUE(refuses({.entries = {entry(1, 4)}}));                      // a gap
  EXPECT_TRUE(refuses({.entries = {entry(0, 5)}}));                      // of a later term
  EXPECT_TRUE(refuses({.entries = {entry(0, 3), entry(1, 2)}}));         // terms go back
  EXPECT_TRUE(refuses({.entries = {entry(0, 0)}}));                      // of no term
  EXPECT_TRUE(refuses({.entries = {entry(0, 4, EntryKind::kVoters)}}));  // no voters in it
  EXPECT_TRUE(refuses({.previous = {Offset{-1}, Term{0}}}));
  EXPECT_FALSE(refuses({.entries = {entry(0, 3), entry(1, 4)}}));
}

TEST(Core, HaltsWhenALeaderContradictsWhatIsCommitted) {
  Fixture node(MakeOptions(3));
  node.Receive(2, 1, AppendRequest{.entries = {{Offset{0}, Term{1}, EntryKind::kData, "a"}}, .commit_end = Offset{1}});
  node.Take();
  ASSERT_EQ(node.core->commit_end(), Offset{1});
  node.Receive(3, 2, AppendRequest{.entries = {{Offset{0}, Term{2}, EntryKind::kData, "b"}}});
  const Effects effects = node.Take();
  const auto* refuse = Fixture::Find<Refuse>(effects);
  ASSERT_NE(refuse, nullptr);
  EXPECT_EQ(refuse->reason, RefusalReason::kCommittedConflict);
  EXPECT_TRUE(refuse->fatal);
  EXPECT_TRUE(node.core->halted());
  EXPECT_EQ(node.core->NextDeadline(), Instant::Max());
}

TEST(Core, StandsAsSoonAsItMayWhenTheProcessOfItsLeaderHasEnded) {
  const Options options = MakeOptions(3);
  Fixture node(options);
  node.Receive(2, 1, AppendRequest{});
  node.Take();
  const Instant promised = node.now + options.election_timeout;
  node.core->OnGone(NodeId{3}, node.now);  // somebody else
  const Instant before = node.core->NextDeadline();
  EXPECT_GE(before, promised);
  node.now = node.now + absl::Milliseconds(10);
  node.core->OnGone(NodeId{2}, node.now);
  EXPECT_GE(node.core->NextDeadline(), promised) << "the leader may have a lease";
  EXPECT_LE(node.core->NextDeadline(), std::min(before, promised + options.election_jitter / 8));
  node.Receive(2, 1, AppendRequest{});  // it is there after all
  node.Take();
  EXPECT_GE(node.core->NextDeadline(), node.now + options.election_timeout);
  EXPECT_EQ(node.core->leader(), NodeId{2});
  node.core->OnGone(NodeId{2}, node.now);
  node.TickAtDeadline();
  EXPECT_EQ(node.core->role(), Role::kPreCandidate);
}

TEST(Core, HaltsWhenTwoNodesLeadOneTerm) {
  Fixture node(MakeOptions(3));
  node.Receive(2, 1, AppendRequest{});
  node.Receive(3, 1, AppendRequest{});
  const Effects effects = node.Take();
  ASSERT_NE(Fixture::Find<Refuse>(effects), nullptr);
  EXPECT_EQ(Fixture::Find<Refuse>(effects)->reason, RefusalReason::kTwoLeaders);
  EXPECT_TRUE(node.core->halted());
}

TEST(Core, RefusesADamagedSnapshotChunkAndTakesItAgain) {
  Fixture node(MakeOptions(3));
  SnapshotChunk chunk{.snapshot = {Offset{5}, Term{1}},
                      .voters = MakeOptions(3).initial_voters,
                      .position = 0,
                      .bytes = "bytes",
                      .checksum = 1,
                      .last = true,
                      .round = 1,
                      .sent_at = {}};
  node.Receive(2, 1, chunk);
  Effects effects = node.Take();
  ASSERT_NE(Fixture::Find<Refuse>(effects), nullptr);
  EXPECT_EQ(Fixture::Find<Refuse>(effects)->reason, RefusalReason::kSnapshotDamaged);
  EXPECT_EQ(Fixture::Find<InstallSnapshot>(effects), nullptr);
  chunk.checksum = Crc32c("bytes");
  node.Receive(2, 1, chunk);
  effects = node.Take();
  ASSERT_NE(Fixture::Find<InstallSnapshot>(effects), nullptr);
  EXPECT_EQ(node.core->commit_end(), Offset{5});
}

TEST(Core, TakesSnapshotsOfCommittedEntriesOnly) {
  Fixture node(MakeOptions(1));
  node.core->Tick(node.now);
  node.Take();
  ASSERT_TRUE(node.core->Propose({"a", "b"}, node.now).ok());
  EXPECT_EQ(node.core->OnSnapshot(Offset{3}, 10, Offset{0}).code(), absl::StatusCode::kInvalidArgument);
  node.Take();
  EXPECT_EQ(node.core->OnSnapshot(Offset{2}, 10, Offset{3}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(node.core->OnSnapshot(Offset{2}, 10, Offset{1}).ok());
  EXPECT_EQ(node.core->OnSnapshot(Offset{1}, 10, Offset{1}).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(node.core->log().start(), Offset{1});
}

TEST(Core, RefusesRequestsWhileTooManyAnswersWaitForTheDisk) {
  Options options = MakeOptions(3);
  options.max_held_messages = 2;
  Fixture node(options);
  for (int64_t i = 0; i < 3; ++i) {
    node.Receive(2, 1,
                 AppendRequest{.previous = {Offset{i}, Term{i == 0 ? 0 : 1}},
                               .entries = {{Offset{i}, Term{1}, EntryKind::kData, "a"}}});
  }
  const Effects effects = node.core->TakeEffects();
  const auto* refuse = Fixture::Find<Refuse>(effects);
  ASSERT_NE(refuse, nullptr);
  EXPECT_EQ(refuse->reason, RefusalReason::kOverloaded);
  EXPECT_EQ(node.core->log_end(), Offset{2});
}

// The voters of its log may all have left since.
TEST(Core, LooksForALeaderAmongTheFirstVotersToo) {
  Options options = MakeOptions(3);
  options.self = P(5);
  Restored restored;
  restored.vote.term = Term{1};
  restored.ranges = {{Term{1}, Offset{0}}};
  restored.log_end = Offset{1};
  restored.voters = {{Offset{0}, VoterSet({P(3), P(4)})}};
  Fixture node(options, restored);
  node.TickAtDeadline();
  std::vector<int> asked;
  for (const Effect& effect : node.Take()) {
    const auto* send = std::get_if<Send>(&effect);
    if (send != nullptr && std::holds_alternative<Observe>(send->message.body)) {
      asked.push_back(send->message.to.id.value());
    }
  }
  EXPECT_EQ(asked, (std::vector<int>{3, 4, 1, 2}));
}

TEST(Core, KeepsToTheTermsOfItsLimits) {
  Fixture node(MakeOptions(3));
  node.Receive(2, INT32_MAX, AppendRequest{});
  const Effects effects = node.Take();
  ASSERT_NE(Fixture::Find<Refuse>(effects), nullptr);
  EXPECT_EQ(node.core->term(), Term{0});
}

}  // namespace
}  // namespace leat::raft
