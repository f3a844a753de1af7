#include "runtime/peer_network.h"

#include "tests/runtime/peer_testing.h"

namespace leat::runtime {
namespace {

using env::Service;
using testing::HasSubstr;

// Two nodes that know each other.
class PeerNetworkTest : public testing::Test {
 protected:
  PeerNetworkTest() {
    a.Echo();
    b.Echo();
    a.Know({{1, a.port()}, {2, b.port()}});
    b.Know({{1, a.port()}, {2, b.port()}});
  }
  TestNode a{TestOptions(1), 3};
  TestNode b{TestOptions(2), 2};
};

TEST_F(PeerNetworkTest, AnswersOnTheShardThatAskedFromTheShardOfThatNumber) {
  EXPECT_EQ(*a.Call(0, 2, "x"), "2.0 1 x");
  EXPECT_EQ(*a.Call(1, 2, "x"), "2.1 1 x");
  EXPECT_EQ(*a.Call(2, 2, "x"), "2.0 1 x");
  EXPECT_EQ(*b.Call(1, 1, "y"), "1.1 2 y");
}

TEST_F(PeerNetworkTest, ReachesTheOwnNodeInMemory) {
  EXPECT_EQ(*a.Call(1, 1, "me"), "1.1 1 me");
  std::promise<std::string> promise;
  std::future<std::string> heard = promise.get_future();
  a.Serve(0, Service::kRaft, [&](int32_t from, OwnedBytes bytes, env::Transport::Reply reply) {
    promise.set_value(StrCat(from, bytes.view(), reply ? "!" : ""));
  });
  bool during = false;
  a.On(0, [&](env::Transport& transport) {
    transport.Send(1, Service::kRaft, "note");
    during = heard.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  });
  EXPECT_FALSE(during) << "never inside the call";
  EXPECT_EQ(heard.get(), "1note");
  EXPECT_EQ(a.metrics.Value("connections_made"), 0);
}

TEST_F(PeerNetworkTest, DeliversMessagesInOrder) {
  constexpr int kMessages = 5000;
  std::vector<int> heard;
  std::promise<void> all;
  b.Serve(1, Service::kRaft, [&](int32_t, OwnedBytes bytes, env::Transport::Reply) {
    heard.push_back(std::stoi(std::string(bytes.view())));
    if (heard.size() == kMessages) all.set_value();
  });
  a.On(1, [&](env::Transport& transport) {
    for (int i = 0; i < kMessages; ++i) transport.Send(2, Service::kRaft, StrCat(i));
  });
  ASSERT_EQ(all.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_TRUE(std::is_sorted(heard.begin(), heard.end()));
}

TEST_F(PeerNetworkTest, CarriesManyCallsAtOnceAndLargeOnesWhole) {
  std::string large(10 << 20, '\0');
  for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 31 >> 8);
  std::vector<std::future<absl::StatusOr<std::string>>> answers;
  for (int i = 0; i < 200; ++i) {
    answers.push_back(a.Start(i % 3, 2, i % 50 == 0 ? large : StrCat(i)));
  }
  for (int i = 0; i < 200; ++i) {
    const absl::StatusOr<std::string> answer = answers[i].get();
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_TRUE(*answer == StrCat("2.", i % 3 % 2, " 1 ", i % 50 == 0 ? large : StrCat(i))) << i;
  }
}

TEST_F(PeerNetworkTest, RecordsHaveAConnectionOfTheirOwn) {
  b.Serve(0, Service::kFetch, [](int32_t, OwnedBytes bytes, env::Transport::Reply reply) { reply(std::move(bytes)); });
  EXPECT_TRUE(a.Start(0, 2, "x", absl::Seconds(20), Service::kFetch).get().ok());
  EXPECT_TRUE(a.Call(0, 2, "x").ok());
  EXPECT_TRUE(a.Call(0, 2, "y").ok());
  EXPECT_EQ(a.metrics.Value("connections_made"), 2);
}

TEST_F(PeerNetworkTest, SaysSoWhenNobodyServesOrAnswers) {
  b.Serve(0, Service::kBroker, nullptr);
  EXPECT_THAT(std::string(Message(a.Call(0, 2, "x").status())), HasSubstr("node 2 does not serve"));
  b.Serve(0, Service::kBroker, [](int32_t, OwnedBytes, env::Transport::Reply) {});
  EXPECT_TRUE(absl::IsUnavailable(a.Call(0, 2, "x").status()));
  a.Serve(0, Service::kBroker, [](int32_t, OwnedBytes, env::Transport::Reply) {});
  EXPECT_TRUE(absl::IsUnavailable(a.Call(0, 1, "x").status()));
}

TEST_F(PeerNetworkTest, KeepsTheErrorOfAHandler) {
  b.Serve(0, Service::kBroker,
          [](int32_t, OwnedBytes, env::Transport::Reply reply) { reply(ResourceExhausted("enough")); });
  EXPECT_EQ(a.Call(0, 2, "x").status(), ResourceExhausted("enough"));
}

TEST_F(PeerNetworkTest, TimesOutAndIgnoresTheLateAnswer) {
  std::promise<env::Transport::Reply> kept;
  b.Serve(0, Service::kBroker,
          [&](int32_t, OwnedBytes, env::Transport::Reply reply) { kept.set_value(std::move(reply)); });
  const absl::Status status = a.Call(0, 2, "x", absl::Milliseconds(30)).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  env::Transport::Reply late = kept.get_future().get();
  b.On(0, [&](env::Transport&) { late(OwnedBytes("late")); });
  b.Echo();
  EXPECT_EQ(*a.Call(0, 2, "y"), "2.0 1 y");
}

TEST_F(PeerNetworkTest, FailsCallsToNodesThatAreNotKnownOrNotThere) {
  EXPECT_THAT(std::string(Message(a.Call(0, 7, "x").status())), HasSubstr("no address of node 7"));
  const uint16_t port = b.port();
  b.Stop();
  EXPECT_TRUE(absl::IsUnavailable(a.Call(0, 2, "x").status()));
  PeerOptions again = TestOptions(2);
  again.listen = StrCat("127.0.0.1:", port);
  TestNode back(again);
  back.Echo();
  EXPECT_EQ(*a.CallUntilOk(0, 2, "x"), "2.0 1 x");
}

TEST_F(PeerNetworkTest, SaysThatNothingListensAnyMoreWhereANodeDid) {
  std::promise<int32_t> gone;
  a.On(0, [&](env::Transport& transport) {
    transport.WatchGone([&, told = false](int32_t node) mutable {
      if (!std::exchange(told, true)) gone.set_value(node);
    });
  });
  ASSERT_TRUE(a.Call(0, 2, "x").ok());
  std::future<int32_t> heard = gone.get_future();
  b.Stop();
  // The connection that breaks may be made anew before the listener is closed; the next attempt tells.
  while (heard.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready) {
    EXPECT_FALSE(a.Call(0, 2, "x").ok());
  }
  EXPECT_EQ(heard.get(), 2);
  a.On(0, [](env::Transport& transport) { transport.WatchGone(nullptr); });
}

TEST_F(PeerNetworkTest, LooksNamesUp) {
  const auto know = [this](const std::string& host) {
    a.On(0, [&](env::Transport& transport) { transport.SetPeers({{2, {.host = host, .port = b.port()}}}); });
  };
  know("localhost");
  EXPECT_EQ(*a.Call(0, 2, "x"), "2.0 1 x");
  know("no such host");
  EXPECT_THAT(std::string(Message(a.Call(0, 2, "x").status())), HasSubstr("its name cannot be looked up"));
}

TEST_F(PeerNetworkTest, ABrokenConnectionFailsItsCallsAndIsMadeAnew) {
  std::promise<void> arrived;
  std::vector<env::Transport::Reply> kept;
  b.Serve(0, Service::kBroker, [&](int32_t, OwnedBytes, env::Transport::Reply reply) {
    kept.push_back(std::move(reply));
    arrived.set_value();
  });
  auto parked = a.Start(0, 2, "parked");
  arrived.get_future().wait();
  const uint16_t port = b.port();
  b.Stop();
  EXPECT_TRUE(absl::IsUnavailable(parked.get().status()));
  PeerOptions again = TestOptions(2);
  again.listen = StrCat("127.0.0.1:", port);
  TestNode back(again);
  back.Echo();
  EXPECT_EQ(*a.CallUntilOk(0, 2, "x"), "2.0 1 x");
}

TEST_F(PeerNetworkTest, ANodeThatMovedIsFoundAtItsNewAddress) {
  ASSERT_TRUE(a.Call(0, 2, "x").ok());
  std::promise<void> arrived;
  std::vector<env::Transport::Reply> kept;
  b.Serve(0, Service::kBroker, [&](int32_t, OwnedBytes, env::Transport::Reply reply) {
    kept.push_back(std::move(reply));
    arrived.set_value();
  });
  auto parked = a.Start(0, 2, "parked");
  arrived.get_future().wait();
  TestNode moved(TestOptions(2));
  moved.Echo();
  a.Know({{2, moved.port()}});
  EXPECT_THAT(std::string(Message(parked.get().status())), HasSubstr("not at 127.0.0.1"));
  EXPECT_EQ(*a.Call(0, 2, "x"), "2.0 1 x");
  a.Know({});
  EXPECT_TRUE(absl::IsUnavailable(a.Call(0, 2, "x").status()));
  b.On(0, [&](env::Transport&) { kept.clear(); });
}

TEST_F(PeerNetworkTest, NoticesANodeThatHasFallenSilent) {
  PeerOptions quick = TestOptions(3);
  quick.alive_interval = absl::Milliseconds(20);
  TestNode watcher(quick);
  watcher.Know({{2, b.port()}});
  std::promise<void> release;
  std::promise<void> held;
  b.Serve(0, Service::kBroker, [&](int32_t, OwnedBytes, env::Transport::Reply) {
    held.set_value();
    release.get_future().wait();  // its shard stands still; the kernel still takes what comes
  });
  auto call = watcher.Start(0, 2, "x");
  held.get_future().wait();
  const absl::Status status = call.get().status();
  release.set_value();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(Message(status)), HasSubstr("nothing was heard"));
}

TEST_F(PeerNetworkTest, AnIdleConnectionStays) {
  PeerOptions quick = TestOptions(3);
  quick.alive_interval = absl::Milliseconds(20);
  quick.dead_after = 20;
  TestNode one(quick);
  quick.node_id = 4;
  TestNode other(quick);
  other.Echo();
  one.Know({{4, other.port()}});
  ASSERT_TRUE(one.Call(0, 4, "x").ok());
  // Longer than the silence that it would not survive: what says that it is alive comes every other interval.
  ASSERT_TRUE(one.metrics.WaitFor("received_bytes", one.metrics.Value("received_bytes") + 15 * 16));
  ASSERT_TRUE(one.Call(0, 4, "x").ok());
  EXPECT_EQ(one.metrics.Value("connections_made"), 1);
}

TEST_F(PeerNetworkTest, RefusesWhatIsOverItsLimits) {
  PeerOptions small = TestOptions(3);
  small.max_calls = 2;
  small.max_frame_bytes = 1000;
  TestNode limited(small);
  limited.Know({{2, b.port()}});
  EXPECT_TRUE(absl::IsResourceExhausted(limited.Call(0, 2, std::string(1001, 'x')).status()));
  EXPECT_TRUE(limited.Call(0, 2, std::string(900, 'x')).ok());
  std::vector<env::Transport::Reply> kept;
  b.Serve(0, Service::kBroker,
          [&](int32_t, OwnedBytes, env::Transport::Reply reply) { kept.push_back(std::move(reply)); });
  auto first = limited.Start(0, 2, "1");
  auto second = limited.Start(0, 2, "2");
  EXPECT_TRUE(absl::IsResourceExhausted(limited.Call(0, 2, "3").status()));
  b.On(0, [&](env::Transport&) { b.transport(0).Serve(Service::kBroker, nullptr); });
  b.Stop();
  EXPECT_FALSE(first.get().ok());
  EXPECT_FALSE(second.get().ok());
}

TEST_F(PeerNetworkTest, HoldsNoMoreForANodeThanItMay) {
  PeerOptions small = TestOptions(3);
  small.max_bytes = 100'000;
  TestNode limited(small);
  limited.Know({{2, b.port()}});
  for (const int round : {1, 2}) {  // while it connects, and when it has
    absl::Status call;
    std::promise<void> told;
    limited.On(0, [&](env::Transport& transport) {
      for (int i = 0; i < 5; ++i) transport.Send(2, Service::kRaft, std::string(40'000, 'x'));
      transport.Call(2, Service::kBroker, std::string(40'000, 'x'), absl::Seconds(20),
                     [&](absl::StatusOr<OwnedBytes> answer) {
                       call = answer.status();
                       told.set_value();
                     });
    });
    told.get_future().wait();
    EXPECT_TRUE(absl::IsResourceExhausted(call)) << call;
    EXPECT_EQ(limited.metrics.Value("messages_dropped"), 3 * round);
    EXPECT_TRUE(limited.Call(0, 2, "x").ok());
  }
}

TEST_F(PeerNetworkTest, AnAnswerThatIsTooLargeIsAnError) {
  PeerOptions small = TestOptions(3);
  small.max_frame_bytes = 1000;
  TestNode limited(small);
  limited.Serve(0, Service::kBroker,
                [](int32_t, OwnedBytes, env::Transport::Reply reply) { reply(OwnedBytes(std::string(1001, 'x'))); });
  a.Know({{3, limited.port()}});
  EXPECT_TRUE(absl::IsResourceExhausted(a.Call(0, 3, "x").status()));
}

TEST_F(PeerNetworkTest, StoppingFailsWhatIsUnderWayAndWhatComesLater) {
  std::vector<env::Transport::Reply> kept;
  std::promise<void> arrived;
  b.Serve(0, Service::kBroker, [&](int32_t, OwnedBytes, env::Transport::Reply reply) {
    kept.push_back(std::move(reply));
    arrived.set_value();
  });
  auto parked = a.Start(0, 2, "x");
  arrived.get_future().wait();
  std::promise<void> closed;
  a.network().Stop([&] { closed.set_value(); });
  EXPECT_TRUE(absl::IsUnavailable(parked.get().status()));
  closed.get_future().wait();
  EXPECT_TRUE(absl::IsUnavailable(a.Call(0, 2, "x").status()));
  EXPECT_TRUE(absl::IsUnavailable(a.Call(0, 1, "x").status()));
  b.On(0, [&](env::Transport&) { kept.clear(); });
  a.AlreadyStopped();
}

TEST(PeerNetwork, WithoutAnAddressReachesOnlyItself) {
  PeerOptions options;
  options.node_id = 5;
  TestNode alone(options);
  alone.Echo();
  alone.Know({{6, 1}});
  EXPECT_EQ(alone.address(), "");
  EXPECT_EQ(*alone.Call(1, 5, "x"), "5.1 5 x");
  EXPECT_TRUE(absl::IsUnavailable(alone.Call(1, 6, "x").status()));
}

TEST(PeerNetwork, SaysWhyItCannotListen) {
  const TestNode first(TestOptions(1));
  DiskThreads disk({});
  AsioShard shard("test-shard", disk);
  for (const std::string& listen : {first.address(), std::string("nonsense"), std::string("no such host:1")}) {
    PeerOptions options = TestOptions(2);
    options.listen = listen;
    PeerNetwork network({&shard}, options, env::NullMetrics());
    EXPECT_THAT(std::string(Message(network.Listen())), HasSubstr(listen));
  }
}

}  // namespace
}  // namespace leat::runtime
