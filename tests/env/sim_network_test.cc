#include "tests/support/sim_network.h"

#include <algorithm>
#include <optional>

#include "tests/support/sim_shard.h"

namespace leat::sim {
namespace {

using env::Service;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// One node: two shards that note what they hear and answer with the same bytes.
class Node {
 public:
  Node(SimWorld& world, SimNetwork& network, int32_t id) : network_(network), id_(id) {
    for (int i = 0; i < 2; ++i) shards_.push_back(std::make_unique<SimShard>(world));
  }
  void Start(const std::vector<int32_t>& peers) {
    std::map<int32_t, env::PeerAddress> addresses;
    for (const int32_t peer : peers) addresses[peer] = SimNetwork::AddressOf(peer);
    transports_ = network_.Attach(id_, {shards_[0].get(), shards_[1].get()});
    for (size_t i = 0; i < transports_.size(); ++i) {
      transports_[i]->SetPeers(addresses);
      transports_[i]->Serve(Service::kRaft, [this](int32_t from, OwnedBytes bytes, env::Transport::Reply reply) {
        EXPECT_FALSE(reply);
        heard.push_back(StrCat(from, ":", bytes.view()));
      });
      transports_[i]->Serve(Service::kBroker, [this, i](int32_t from, OwnedBytes bytes, env::Transport::Reply reply) {
        heard.push_back(StrCat(from, "?", bytes.view(), "@", i));
        if (keep) return kept.push_back(std::move(reply));
        if (!drop) reply(std::move(bytes));
      });
    }
  }
  void Kill() {
    for (const auto& shard : shards_) shard->Kill();
    network_.Kill(id_);
    kept.clear();
  }
  env::Transport& operator[](size_t shard) { return *transports_[shard]; }

  std::vector<std::string> heard;
  std::vector<env::Transport::Reply> kept;
  bool keep = false;
  bool drop = false;

 private:
  SimNetwork& network_;
  const int32_t id_;
  std::vector<std::unique_ptr<SimShard>> shards_;
  std::vector<env::Transport*> transports_;
};

class SimNetworkTest : public testing::Test {
 protected:
  SimNetworkTest() {
    a.Start({1, 2});
    b.Start({1, 2});
  }
  void Set(const std::function<void(NetworkFaults&)>& change) {
    NetworkFaults faults;
    change(faults);
    network.SetFaults(faults);
  }
  // Runs until it is answered.
  absl::StatusOr<std::string> Call(Node& from, int32_t to, const std::string& text, size_t shard = 0,
                                   Duration timeout = absl::Seconds(10)) {
    std::optional<absl::StatusOr<std::string>> got;
    from[shard].Call(to, Service::kBroker, text, timeout, [&](absl::StatusOr<OwnedBytes> answer) {
      EXPECT_FALSE(got.has_value()) << "one answer a call";
      got = answer.ok() ? absl::StatusOr<std::string>(std::string(answer->view())) : answer.status();
    });
    EXPECT_FALSE(got.has_value()) << "never inside the call";
    EXPECT_TRUE(world.RunUntil([&] { return got.has_value(); }));
    return got.value_or(Internal("no answer at all"));
  }
  void SendMany(int count) {
    for (int i = 0; i < count; ++i) a[0].Send(2, Service::kRaft, StrCat(i));
    world.RunFor(absl::Seconds(200));
  }

  SimWorld world{7};
  SimNetwork network{world};
  Node a{world, network, 1};
  Node b{world, network, 2};
};

TEST_F(SimNetworkTest, DeliversMessagesInOrderWithoutFaults) {
  std::vector<std::string> expected;
  for (int i = 0; i < 100; ++i) expected.push_back(StrCat("1:", i));
  SendMany(100);
  EXPECT_EQ(b.heard, expected);
  EXPECT_EQ(network.counters().delivered, 100u);
}

TEST_F(SimNetworkTest, AnswersCallsOnTheShardOfTheSameNumber) {
  const Instant begun = world.Now();
  EXPECT_EQ(*Call(a, 2, "x", 1), "x");
  EXPECT_THAT(b.heard, ElementsAre("1?x@1"));
  EXPECT_GE(world.Now() - begun, 2 * NetworkFaults{}.min_delay);
}

TEST_F(SimNetworkTest, ReachesTheNodeItself) {
  EXPECT_EQ(*Call(a, 1, "me"), "me");
  a[0].Send(1, Service::kRaft, "note");
  EXPECT_THAT(a.heard, ElementsAre("1?me@0"));
  world.RunFor(absl::ZeroDuration());
  EXPECT_THAT(a.heard, ElementsAre("1?me@0", "1:note"));
}

TEST_F(SimNetworkTest, RefusesServicesNodesAndAddressesThatAreNotThere) {
  a[0].Serve(Service::kBroker, nullptr);
  EXPECT_TRUE(absl::IsUnavailable(Call(b, 1, "x").status()));
  EXPECT_TRUE(absl::IsUnavailable(Call(b, 3, "x").status()));
  b[0].SetPeers({{1, {.host = "elsewhere", .port = 1}}});
  EXPECT_THAT(std::string(Message(Call(b, 1, "x").status())), HasSubstr("no address of node 1"));
}

TEST_F(SimNetworkTest, ADroppedReplyIsUnavailable) {
  b.drop = true;
  EXPECT_TRUE(absl::IsUnavailable(Call(a, 2, "x").status()));
  a.drop = true;
  EXPECT_TRUE(absl::IsUnavailable(Call(a, 1, "x").status()));
}

TEST_F(SimNetworkTest, ALateAnswerIsDropped) {
  b.keep = true;
  const Instant begun = world.Now();
  EXPECT_TRUE(absl::IsDeadlineExceeded(Call(a, 2, "x", 0, absl::Seconds(1)).status()));
  EXPECT_EQ(world.Now() - begun, absl::Seconds(1));
  b.kept[0](OwnedBytes("too late"));
  world.RunFor(absl::Seconds(1));
  EXPECT_EQ(network.counters().late, 1u);
}

TEST_F(SimNetworkTest, LosesRequestsAndAnswers) {
  Set([](NetworkFaults& faults) { faults.loss = 0.5; });
  int answered = 0;
  for (int i = 0; i < 100; ++i) answered += Call(a, 2, "x").ok() ? 1 : 0;
  // Half of the requests arrive, half of their answers do.
  EXPECT_GT(b.heard.size(), 30u);
  EXPECT_LT(b.heard.size(), 70u);
  EXPECT_GT(answered, 10);
  EXPECT_LT(answered, 40);
  EXPECT_EQ(network.counters().timed_out, static_cast<uint64_t>(100 - answered));
}

TEST_F(SimNetworkTest, RepeatsWhatWasSentButAnswersOnce) {
  Set([](NetworkFaults& faults) { faults.duplicate = 1; });
  EXPECT_EQ(*Call(a, 2, "x"), "x");
  world.RunFor(absl::Seconds(1));
  EXPECT_THAT(b.heard, ElementsAre("1?x@0", "1?x@0"));
  EXPECT_EQ(network.counters().late, 3u);
}

TEST_F(SimNetworkTest, OvertakesWhenToldTo) {
  Set([](NetworkFaults& faults) { faults.reorder = 0.3; });
  SendMany(100);
  EXPECT_EQ(b.heard.size(), 100u);
  std::vector<std::string> in_order;
  for (int i = 0; i < 100; ++i) in_order.push_back(StrCat("1:", i));
  EXPECT_NE(b.heard, in_order);
  EXPECT_THAT(b.heard, testing::UnorderedElementsAreArray(in_order));
}

TEST_F(SimNetworkTest, HoldsBackAndDeliversLater) {
  Set([](NetworkFaults& faults) { faults.stuck = 1; });
  a[0].Send(2, Service::kRaft, "slow");
  world.RunFor(absl::Milliseconds(999));
  EXPECT_THAT(b.heard, IsEmpty());
  Set([](NetworkFaults&) {});
  a[0].Send(2, Service::kRaft, "fast");
  world.RunFor(absl::Seconds(91));
  EXPECT_THAT(b.heard, ElementsAre("1:fast", "1:slow"));
}

TEST_F(SimNetworkTest, AResetLosesATailAndFailsTheCallsOfItsConnection) {
  b.keep = true;
  absl::Status parked;
  a[0].Call(2, Service::kBroker, OwnedBytes("parked"), absl::Minutes(1),
            [&](absl::StatusOr<OwnedBytes> answer) { parked = answer.status(); });
  world.RunFor(absl::Seconds(1));
  for (int i = 0; i < 20; ++i) a[0].Send(2, Service::kRaft, StrCat(i));
  Set([](NetworkFaults& faults) { faults.reset = 1; });
  a[0].Send(2, Service::kRaft, "breaks");
  Set([](NetworkFaults&) {});
  a[0].Send(2, Service::kRaft, "anew");
  world.RunFor(absl::Seconds(1));
  EXPECT_TRUE(absl::IsUnavailable(parked));
  EXPECT_EQ(network.counters().resets, 1u);
  EXPECT_EQ(std::count(b.heard.begin(), b.heard.end(), "1:breaks"), 0);
  EXPECT_EQ(std::count(b.heard.begin(), b.heard.end(), "1:anew"), 1);
  // What arrived of the old connection is its beginning.
  int next = 0;
  for (const std::string& text : b.heard) next += text == StrCat("1:", next) ? 1 : 0;
  EXPECT_EQ(static_cast<size_t>(next), b.heard.size() - 2);
}

TEST_F(SimNetworkTest, CutsOneWayOnly) {
  network.Cut(1, 2);
  a[0].Send(2, Service::kRaft, "lost");
  b[0].Send(1, Service::kRaft, "there");
  world.RunFor(absl::Seconds(1));
  EXPECT_THAT(b.heard, IsEmpty());
  EXPECT_THAT(a.heard, ElementsAre("2:there"));
  // The request arrives, the answer does not.
  EXPECT_TRUE(absl::IsUnavailable(Call(b, 1, "x").status()));
  EXPECT_THAT(a.heard, ElementsAre("2:there", "2?x@0"));
  network.Heal();
  EXPECT_TRUE(Call(b, 1, "y").ok());
}

TEST_F(SimNetworkTest, ACutLosesWhatIsOnItsWay) {
  a[0].Send(2, Service::kRaft, "on its way");
  network.Isolate(2);
  world.RunFor(absl::Seconds(1));
  EXPECT_THAT(b.heard, IsEmpty());
  EXPECT_EQ(network.counters().cut, 1u);
}

TEST_F(SimNetworkTest, ASlowLinkIsSlowInOneDirection) {
  network.SetSlow(1, 2, 1000);
  const Instant begun = world.Now();
  EXPECT_TRUE(Call(a, 2, "x").ok());
  EXPECT_GE(world.Now() - begun, 1000 * NetworkFaults{}.min_delay);
}

TEST_F(SimNetworkTest, AKilledNodeHearsNothingAndANewLifeHearsOnlyWhatIsNew) {
  for (int i = 0; i < 10; ++i) {
    a[0].Send(2, Service::kRaft, "for the old life");
    b.Kill();
    EXPECT_TRUE(absl::IsUnavailable(Call(a, 2, "x").status()));
    b.Start({1, 2});
    EXPECT_TRUE(Call(a, 2, "y").ok());
  }
  EXPECT_EQ(std::count(b.heard.begin(), b.heard.end(), "1:for the old life"), 0);
  EXPECT_EQ(std::count(b.heard.begin(), b.heard.end(), "1?y@0"), 10);
}

TEST_F(SimNetworkTest, CallsUnderWayFailWhenTheNodeIsKilled) {
  b.keep = true;
  absl::Status got;
  a[0].Call(2, Service::kBroker, OwnedBytes("x"), absl::Minutes(1),
            [&](absl::StatusOr<OwnedBytes> answer) { got = answer.status(); });
  world.RunFor(absl::Seconds(1));
  b.Kill();
  world.RunFor(absl::Seconds(5));
  EXPECT_TRUE(absl::IsUnavailable(got));
}

TEST_F(SimNetworkTest, TheTransportsOfAKilledNodeDoNothing) {
  env::Transport& old = b[0];
  b.Kill();
  bool called = false;
  old.Send(1, Service::kRaft, "ghost");
  old.Call(1, Service::kBroker, OwnedBytes("ghost"), absl::Seconds(1), [&](auto) { called = true; });
  old.Serve(Service::kRaft, nullptr);
  world.RunFor(absl::Minutes(1));
  EXPECT_THAT(a.heard, IsEmpty());
  EXPECT_FALSE(called);
}

TEST_F(SimNetworkTest, AHandlerMayTakeItselfAwayAndKillItsNode) {
  b[0].Serve(Service::kRaft, [this](int32_t, OwnedBytes, env::Transport::Reply) {
    b[0].Serve(Service::kRaft, nullptr);
    b.Kill();
  });
  SendMany(3);
  EXPECT_FALSE(network.alive(2));
}

TEST_F(SimNetworkTest, RefusesMoreCallsThanItsLimits) {
  b.keep = true;
  SimNetwork small(world, {.faults = {}, .max_calls = 2, .max_bytes = 100});
  SimShard shard(world);
  env::Transport& transport = *small.Attach(1, {&shard})[0];
  transport.SetPeers({{2, SimNetwork::AddressOf(2)}});
  std::vector<absl::StatusCode> codes;
  for (const size_t bytes : {size_t{10}, size_t{101}, size_t{10}, size_t{10}}) {
    transport.Call(2, Service::kBroker, std::string(bytes, 'x'), absl::Seconds(10),
                   [&](absl::StatusOr<OwnedBytes> answer) { codes.push_back(answer.status().code()); });
    if (bytes > 100) world.RunFor(absl::ZeroDuration());
  }
  world.RunFor(absl::ZeroDuration());
  EXPECT_THAT(codes, ElementsAre(absl::StatusCode::kResourceExhausted, absl::StatusCode::kResourceExhausted));
}

// All that happened in a run with every fault, as text.
std::string RunOf(uint64_t seed) {
  SimWorld world(seed);
  SimNetwork network(world,
                     {.faults = {.loss = 0.05, .duplicate = 0.05, .reorder = 0.05, .stuck = 0.01, .reset = 0.02}});
  std::string trace;
  network.Trace([&](const NetworkEvent& event) { StrAppend(&trace, Describe(event), "\n"); });
  Node a(world, network, 1);
  Node b(world, network, 2);
  a.Start({2});
  b.Start({1});
  size_t told = 0;
  for (int i = 0; i < 200; ++i) {
    if (i == 100) b.Kill();
    if (i == 120) b.Start({1});
    a[i % 2].Send(2, Service::kRaft, "m");
    a[i % 2].Call(2, Service::kBroker, OwnedBytes("c"), absl::Seconds(5), [&](auto) { ++told; });
    world.RunFor(absl::Microseconds(world.random().Below(500)));
  }
  world.RunFor(absl::Minutes(2));
  EXPECT_EQ(told, 200u) << "every call hears something";
  return trace;
}

TEST(SimNetwork, TheSameSeedGivesTheSameRun) {
  EXPECT_EQ(RunOf(3), RunOf(3));
  EXPECT_NE(RunOf(3), RunOf(4));
}

}  // namespace
}  // namespace leat::sim
