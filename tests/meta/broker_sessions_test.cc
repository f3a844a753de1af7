#include "meta/broker_sessions.h"

#include "tests/meta/test_cluster.h"

namespace leat::meta {
namespace {

using ::testing::StartsWith;
using Asks = Heartbeat::Wish;

Instant At(int64_t millis) { return Instant::FromNanos(millis * 1'000'000); }
constexpr Duration kTimeout = absl::Milliseconds(1000);

struct BrokerSessionsTest : ::testing::Test {
  model::Offset End() const { return model::Offset(static_cast<int64_t>(c.all.size())); }
  // A node registers at `now`, and is served as soon as its heartbeats say that it has the metadata.
  void Register(int32_t node, int64_t now, uint64_t life = 1) {
    const Session session = sessions.IsAlive(c.image, NodeId(node), At(now)) ? Session::kAlive : Session::kNone;
    c.Run(Decide(c.image, TestCluster::Registration(node, life), session, c.policy));
    sessions.Registered(NodeId(node), c.image.FindBroker(NodeId(node))->epoch(), End(), At(now));
  }
  HeartbeatAnswer Beat(int32_t node, int64_t now, Asks wish = Asks::kServe, int64_t behind = 0) {
    const Heartbeat heartbeat{NodeId(node), c.image.FindBroker(NodeId(node))->epoch(), End() - behind, wish};
    absl::StatusOr<BrokerSessions::Outcome> outcome = sessions.Handle(c.image, heartbeat, End(), At(now), c.policy);
    LEAT_CHECK(outcome.ok()) << outcome.status().ToString();
    c.Apply(outcome->records);
    return outcome->answer;
  }
  TestCluster c;
  BrokerSessions sessions{{.timeout = kTimeout}, c.image, model::Offset(0), At(0)};
};

TEST_F(BrokerSessionsTest, ServesABrokerThatHasTheMetadata) {
  Register(1, 0);
  EXPECT_TRUE(Beat(1, 10, Asks::kServe, 1).is_fenced);
  EXPECT_TRUE(Beat(1, 20, Asks::kStayFenced).is_fenced);
  EXPECT_FALSE(c.image.IsActive(NodeId(1)));
  const HeartbeatAnswer answer = Beat(1, 30);
  EXPECT_TRUE(answer.is_caught_up);
  EXPECT_FALSE(answer.is_fenced);
  EXPECT_TRUE(c.image.IsActive(NodeId(1)));
  Beat(1, 40, Asks::kStayFenced);
  EXPECT_FALSE(c.image.IsActive(NodeId(1)));
}

TEST_F(BrokerSessionsTest, LosesABrokerThatIsNotHeardOf) {
  Register(1, 0);
  Beat(1, 100);
  EXPECT_EQ(sessions.NextDeadline(c.image), At(1100));
  EXPECT_TRUE(sessions.Expired(c.image, At(1099)).empty());
  EXPECT_EQ(sessions.Expired(c.image, At(1100)), (std::vector<NodeId>{NodeId(1)}));
  EXPECT_FALSE(sessions.IsAlive(c.image, NodeId(1), At(1100)));
  c.Fence(1);
  EXPECT_TRUE(sessions.Expired(c.image, At(1100)).empty());
  EXPECT_EQ(sessions.NextDeadline(c.image), Instant::Max());
}

TEST_F(BrokerSessionsTest, WaitsLessForABrokerWhoseProcessHasEnded) {
  Register(1, 0);
  Register(2, 0);
  Beat(1, 100);
  Beat(2, 100);
  sessions.NoteGone(NodeId(1), At(150));
  EXPECT_EQ(sessions.NextDeadline(c.image), At(550));
  sessions.NoteGone(NodeId(1), At(300));
  EXPECT_EQ(sessions.NextDeadline(c.image), At(550)) << "told again it does not wait anew";
  EXPECT_TRUE(sessions.Expired(c.image, At(549)).empty());
  EXPECT_EQ(sessions.Expired(c.image, At(550)), (std::vector<NodeId>{NodeId(1)}));
  EXPECT_FALSE(sessions.IsAlive(c.image, NodeId(1), At(550))) << "its next process is let in";
  Beat(1, 400);
  EXPECT_TRUE(sessions.Expired(c.image, At(1099)).empty()) << "a heartbeat says otherwise";
  sessions.NoteGone(NodeId(1), At(1390));
  EXPECT_EQ(sessions.NextDeadline(c.image), At(1100)) << "of the other one";
  EXPECT_EQ(sessions.Expired(c.image, At(1400)), (std::vector<NodeId>{NodeId(1), NodeId(2)}));
  sessions.NoteGone(NodeId(7), At(1400));  // nobody
}

TEST_F(BrokerSessionsTest, TakesALostBrokerBackOnceItKnowsThatItWasFenced) {
  Register(1, 0);
  Beat(1, 10);
  c.Fence(1);
  EXPECT_TRUE(Beat(1, 3000, Asks::kServe, 1).is_fenced);
  EXPECT_FALSE(Beat(1, 3010).is_fenced);
}

TEST_F(BrokerSessionsTest, HoldsAnIdForTheOneThatHasIt) {
  Register(1, 0);
  EXPECT_TRUE(sessions.IsAlive(c.image, NodeId(1), At(10))) << "though it is fenced";
  EXPECT_THAT(ErrorOf(Decide(c.image, TestCluster::Registration(1, 2), Session::kAlive, c.policy)),
              StartsWith("DUPLICATE_BROKER_REGISTRATION"));
  Register(1, 1000, 2);
  EXPECT_EQ(c.image.FindBroker(NodeId(1))->registration.incarnation, (model::Uuid{1, 2}));
}

TEST_F(BrokerSessionsTest, RefusesHeartbeatsOfAnEarlierRegistration) {
  Register(1, 0);
  Register(1, 2000, 2);
  const Heartbeat old{NodeId(1), 1, End()};
  EXPECT_THAT(ErrorOf(sessions.Handle(c.image, old, End(), At(2001), c.policy).status()),
              StartsWith("STALE_BROKER_EPOCH"));
  const Heartbeat unknown{NodeId(8), 1, End()};
  EXPECT_THAT(ErrorOf(sessions.Handle(c.image, unknown, End(), At(2001), c.policy).status()),
              StartsWith("BROKER_ID_NOT_REGISTERED"));
}

TEST_F(BrokerSessionsTest, LetsABrokerGoWhenTheOthersKnowItsSuccessors) {
  for (int32_t node : {1, 2}) {
    Register(node, 0);
    Beat(node, 1);
  }
  c.Create("a", {Nodes({1, 2})});
  EXPECT_FALSE(Beat(1, 10, Asks::kStop).may_stop);
  EXPECT_EQ(c.At("a").leader, NodeId(2));
  EXPECT_FALSE(Beat(1, 20, Asks::kStop).may_stop);
  Beat(2, 25, Asks::kServe, 1);
  EXPECT_FALSE(Beat(1, 30, Asks::kStop).may_stop) << "2 does not know yet that it leads";
  Beat(2, 35);
  EXPECT_TRUE(Beat(1, 40, Asks::kStop).may_stop);
  EXPECT_TRUE(c.image.FindBroker(NodeId(1))->fenced);
  EXPECT_FALSE(sessions.IsAlive(c.image, NodeId(1), At(41))) << "its next process need not wait";
}

TEST_F(BrokerSessionsTest, LetsTheLastBrokerGo) {
  Register(1, 0);
  Beat(1, 1);
  c.Create("a", {Nodes({1})});
  EXPECT_FALSE(Beat(1, 10, Asks::kStop).may_stop);
  EXPECT_EQ(c.At("a").leader, kNobody);
  EXPECT_EQ(c.At("a").elr, Nodes({1}));
  EXPECT_TRUE(Beat(1, 20, Asks::kStop).may_stop);
  RegisterBroker again = TestCluster::Registration(1, 2);
  again.clean_shutdown_epoch = 1;
  c.Run(Decide(c.image, again, Session::kNone, c.policy));
  sessions.Registered(NodeId(1), 2, End(), At(30));
  Beat(1, 31);
  EXPECT_EQ(c.At("a").leader, NodeId(1));
}

TEST_F(BrokerSessionsTest, LetsAFencedBrokerGoAtOnce) {
  Register(1, 0);
  EXPECT_TRUE(Beat(1, 1, Asks::kStop).may_stop);
}

TEST_F(BrokerSessionsTest, OfANewControllerGiveEveryLiveBrokerATimeout) {
  Register(1, 0);
  Beat(1, 1);
  BrokerSessions next({.timeout = kTimeout}, c.image, End(), At(50'000));
  EXPECT_TRUE(next.Expired(c.image, At(50'999)).empty());
  EXPECT_EQ(next.Expired(c.image, At(51'000)).size(), 1u);
}

}  // namespace
}  // namespace leat::meta
