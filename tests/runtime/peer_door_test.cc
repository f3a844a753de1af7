// What knocks at the internal listener and is not a node of the cluster, or not a good one.
#include "tests/runtime/peer_testing.h"

#include "runtime/peer_frame.h"

namespace leat::runtime {
namespace {

using env::Service;
using testing::AllOf;
using testing::HasSubstr;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

PeerHello HelloOf(int32_t node) {
  PeerHello hello;
  hello.from = node;
  hello.to = 1;
  hello.incarnation = 77;
  hello.cluster_id = "test-cluster";
  return hello;
}

std::string FrameOf(FrameKind kind, uint64_t call, std::string_view payload) {
  const FrameHeaderBytes header =
      EncodeFrameHeader({.kind = kind, .service = Service::kBroker, .call = call, .payload_bytes = payload.size()});
  return std::string(header.data(), header.size()).append(payload);
}

class PeerDoorTest : public testing::Test {
 protected:
  void Start(PeerOptions options) {
    node = std::make_unique<TestNode>(std::move(options));
    node->Echo();
  }
  void SetUp() override { Start(TestOptions(1)); }
  // Sends the bytes to the listener; what it logs of it.
  std::string RefusalOf(std::string_view bytes) {
    CaptureStderr();
    const double before = node->metrics.Value("connections_refused");
    {
      RawPeer stranger(node->port());
      stranger.socket().Send(bytes);
      shutdown_ = stranger.socket().ReadToEnd();
      EXPECT_TRUE(node->metrics.WaitFor("connections_refused", before + 1));
    }
    return GetCapturedStderr();
  }
  std::string RefusalOf(const PeerHello& hello, std::string_view secret) {
    CaptureStderr();
    const double before = node->metrics.Value("connections_refused");
    RawPeer stranger(node->port());
    const absl::StatusOr<PeerWelcome> welcome = stranger.Enter(hello, secret);
    refusal_ = welcome.ok() ? welcome->refusal : "";
    EXPECT_EQ(stranger.socket().ReadToEnd(), "");
    EXPECT_TRUE(node->metrics.WaitFor("connections_refused", before + 1));
    return GetCapturedStderr();
  }
  std::unique_ptr<TestNode> node;
  std::string shutdown_;
  std::string refusal_;
};

TEST_F(PeerDoorTest, LetsANodeInThatKnowsTheSecret) {
  RawPeer peer(node->port());
  const absl::StatusOr<PeerWelcome> welcome = peer.Enter(HelloOf(2));
  ASSERT_TRUE(welcome.ok()) << welcome.status();
  EXPECT_EQ(welcome->refusal, "");
  EXPECT_EQ(welcome->cluster_id, "test-cluster");
  peer.socket().Send(FrameOf(FrameKind::kRequest, 9, "hi"));
  ASSERT_TRUE(peer.Fill(16 + 8));
  EXPECT_EQ(peer.buffer(), FrameOf(FrameKind::kAnswer, 9, "1.0 2 hi"));
}

TEST_F(PeerDoorTest, RefusesAnotherSecretAndSaysWhoAndWhy) {
  EXPECT_THAT(RefusalOf(HelloOf(2), "not the secret of the tests"),
              AllOf(HasSubstr("127.0.0.1:"), HasSubstr("which says it is node 2"),
                    HasSubstr("does not know this cluster's secret")));
  EXPECT_THAT(refusal_, HasSubstr("secret"));
}

TEST_F(PeerDoorTest, RefusesAnotherClusterAnotherTargetAndItsOwnNumber) {
  PeerHello hello = HelloOf(2);
  hello.cluster_id = "other-cluster";
  EXPECT_THAT(RefusalOf(hello, kTestSecret), HasSubstr("it belongs to cluster other-cluster, and node 1 to cluster"));
  EXPECT_THAT(refusal_, HasSubstr("other-cluster"));
  hello = HelloOf(2);
  hello.to = 3;
  EXPECT_THAT(RefusalOf(hello, kTestSecret), HasSubstr("it looks for node 3 at the address of node 1"));
  EXPECT_THAT(RefusalOf(HelloOf(1), kTestSecret), HasSubstr("it says that it is node 1, as this node is"));
}

TEST_F(PeerDoorTest, ANodeThatDoesNotKnowItsClusterYetIsLetIn) {
  PeerHello hello = HelloOf(2);
  hello.cluster_id = "";
  RawPeer peer(node->port());
  EXPECT_EQ(peer.Enter(hello)->refusal, "");
  node->network().SetClusterId("a-new-one");
  node->On(0, [](env::Transport&) {});
  EXPECT_THAT(RefusalOf(HelloOf(2), kTestSecret), HasSubstr("a-new-one"));
}

TEST_F(PeerDoorTest, RefusesGarbage) {
  EXPECT_THAT(RefusalOf("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), HasSubstr("got the bytes 'GET '"));
  EXPECT_THAT(RefusalOf(std::string("\xff\xff\xff\xff", 4)), HasSubstr("expected a message of the handshake"));
  EXPECT_THAT(RefusalOf(RawPeer::Framed("some other protocol")), HasSubstr("got something else"));
  EXPECT_THAT(RefusalOf(RawPeer::Framed("")), HasSubstr("got something else"));
  EXPECT_EQ(shutdown_, "") << "it hears nothing";
}

TEST_F(PeerDoorTest, RefusesAProofOfAnotherConversation) {
  // Everything that was said by a good node is said again.
  PeerHello hello = HelloOf(2);
  hello.nonce = Nonce();
  PeerTranscript transcript{.hello = Encode(hello), .challenge = {}};
  RawPeer good(node->port());
  good.Say(transcript.hello);
  transcript.challenge = good.Hear();
  const std::string proof = ProofOf(kTestSecret, transcript);
  good.Say(proof);
  EXPECT_EQ(DecodeWelcome(good.Hear())->refusal, "");
  EXPECT_THAT(RefusalOf(RawPeer::Framed(transcript.hello) + RawPeer::Framed(proof)), HasSubstr("secret"));
}

TEST_F(PeerDoorTest, RefusesItsOwnWordsAsAProof) {
  PeerHello hello = HelloOf(2);
  hello.nonce = Nonce();
  PeerTranscript transcript{.hello = Encode(hello), .challenge = {}};
  RawPeer mirror(node->port());
  mirror.Say(transcript.hello);
  transcript.challenge = mirror.Hear();
  mirror.Say(WelcomeMac(kTestSecret, transcript, "test-cluster"));
  EXPECT_THAT(DecodeWelcome(mirror.Hear())->refusal, HasSubstr("secret"));
}

TEST_F(PeerDoorTest, ShowsTheSilentTheDoor) {
  PeerOptions options = TestOptions(1);
  options.handshake_timeout = absl::Milliseconds(30);
  Start(options);
  EXPECT_THAT(RefusalOf(""), HasSubstr("it did not prove itself within 30ms"));
  EXPECT_THAT(RefusalOf(RawPeer::Framed(Encode(PeerHello{.nonce = Nonce()})).substr(0, 20)),
              HasSubstr("it did not prove itself"));
}

TEST_F(PeerDoorTest, TheOldestStrangerMakesRoomForANode) {
  PeerOptions options = TestOptions(1);
  options.max_strangers = 3;
  options.handshake_timeout = absl::Minutes(10);
  Start(options);
  std::vector<std::unique_ptr<RawPeer>> silent;
  for (int i = 0; i < 50; ++i) silent.push_back(std::make_unique<RawPeer>(node->port()));
  RawPeer peer(node->port());
  EXPECT_EQ(peer.Enter(HelloOf(2))->refusal, "");
  EXPECT_TRUE(node->metrics.WaitFor("connections_refused", 48));
  EXPECT_EQ(silent[0]->socket().ReadToEnd(), "");
}

TEST_F(PeerDoorTest, HasALimitOfConnections) {
  PeerOptions options = TestOptions(1);
  options.max_connections = 2;
  Start(options);
  auto first = std::make_unique<RawPeer>(node->port());
  RawPeer second(node->port());
  EXPECT_EQ(first->Enter(HelloOf(2))->refusal, "");
  EXPECT_EQ(second.Enter(HelloOf(3))->refusal, "");
  EXPECT_THAT(RefusalOf(HelloOf(4), kTestSecret), HasSubstr("as many as may"));
  first.reset();
  ASSERT_TRUE(node->metrics.WaitFor("connections_lost", 1));
  // What the loss leads to is three closures away.
  for (int i = 0; i < 4; ++i) node->On(0, [](env::Transport&) {});
  RawPeer third(node->port());
  EXPECT_EQ(third.Enter(HelloOf(4))->refusal, "");
}

TEST_F(PeerDoorTest, ANewConnectionTakesThePlaceOfTheOldOne) {
  RawPeer old(node->port());
  EXPECT_EQ(old.Enter(HelloOf(2))->refusal, "");
  CaptureStderr();
  PeerHello hello = HelloOf(2);
  hello.incarnation = 78;
  RawPeer next(node->port());
  EXPECT_EQ(next.Enter(hello)->refusal, "");
  EXPECT_EQ(old.socket().ReadToEnd(), "");
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("two nodes have this node_id"));
  next.socket().Send(FrameOf(FrameKind::kRequest, 1, "x"));
  EXPECT_TRUE(next.Fill(16));
}

TEST_F(PeerDoorTest, ClosesTheConnectionOfANodeThatSpeaksNonsense) {
  for (const std::string& bytes : {std::string(16, '\xff'), FrameOf(FrameKind::kMessage, 0, "").replace(0, 1, "\x7f"),
                                   FrameOf(static_cast<FrameKind>(9), 0, "")}) {
    RawPeer peer(node->port());
    EXPECT_EQ(peer.Enter(HelloOf(2))->refusal, "");
    peer.socket().Send(bytes);
    EXPECT_EQ(peer.socket().ReadToEnd(), "");
  }
}

TEST_F(PeerDoorTest, IgnoresAnswersThatNobodyAskedFor) {
  RawPeer peer(node->port());
  EXPECT_EQ(peer.Enter(HelloOf(2))->refusal, "");
  peer.socket().Send(FrameOf(FrameKind::kAnswer, 1, "x") + FrameOf(FrameKind::kRequest, 2, "y"));
  ASSERT_TRUE(peer.Fill(16 + 7));
  EXPECT_EQ(peer.buffer(), FrameOf(FrameKind::kAnswer, 2, "1.0 2 y"));
}

TEST_F(PeerDoorTest, GivesUpANodeThatHasFallenSilent) {
  PeerOptions options = TestOptions(1);
  options.alive_interval = absl::Milliseconds(10);
  Start(options);
  RawPeer peer(node->port());
  EXPECT_EQ(peer.Enter(HelloOf(2))->refusal, "");
  const std::string said = peer.socket().ReadToEnd();
  EXPECT_THAT(said, HasSubstr(FrameOf(FrameKind::kAlive, 0, "").substr(0, 4))) << "it said that it was alive itself";
  EXPECT_TRUE(node->metrics.WaitFor("connections_lost", 1));
}

TEST_F(PeerDoorTest, ReadsNoMoreThanItMayWorkOn) {
  PeerOptions options = TestOptions(1);
  options.max_calls = 3;
  Start(options);
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<env::Transport::Reply> kept;  // on the shard, counted under the mutex
  size_t count = 0;
  node->Serve(0, Service::kBroker, [&](int32_t, OwnedBytes, env::Transport::Reply reply) {
    kept.push_back(std::move(reply));
    const std::lock_guard lock(mutex);
    ++count;
    changed.notify_all();
  });
  const auto wait_for = [&](size_t n) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(20), [&] { return count >= n; });
  };
  RawPeer peer(node->port());
  EXPECT_EQ(peer.Enter(HelloOf(2))->refusal, "");
  std::string requests;
  for (uint64_t call = 1; call <= 10; ++call) requests += FrameOf(FrameKind::kRequest, call, "x");
  peer.socket().Send(requests);
  ASSERT_TRUE(wait_for(3));
  node->On(0, [&](env::Transport&) {
    EXPECT_EQ(kept.size(), 3u) << "ten have arrived together";
    kept[0](OwnedBytes("done"));
  });
  ASSERT_TRUE(wait_for(4));
  node->On(0, [&](env::Transport&) {
    EXPECT_EQ(kept.size(), 4u);
    kept.clear();  // each is answered with an error, and the rest comes
  });
  ASSERT_TRUE(wait_for(7));
  node->On(0, [&](env::Transport&) { kept.clear(); });
  ASSERT_TRUE(wait_for(10));
  node->On(0, [&](env::Transport& transport) {
    kept.clear();
    transport.Serve(Service::kBroker, nullptr);
  });
}

TEST_F(PeerDoorTest, AnswersAllWhenItsAnswersAreTakenAtLast) {
  PeerOptions options = TestOptions(1);
  options.max_bytes = 1 << 20;
  Start(options);
  const std::string answer(256 << 10, 'a');
  node->Serve(0, Service::kBroker,
              [&](int32_t, OwnedBytes, env::Transport::Reply reply) { reply(OwnedBytes(answer)); });
  RawPeer peer(node->port());
  EXPECT_EQ(peer.Enter(HelloOf(2))->refusal, "");
  // Far more than the kernel holds: reading pauses for what is not taken.
  constexpr uint64_t kRequests = 100;
  std::string requests;
  for (uint64_t call = 1; call <= kRequests; ++call) requests += FrameOf(FrameKind::kRequest, call, "x");
  peer.socket().Send(requests);
  for (uint64_t call = 1; call <= kRequests; ++call) {
    ASSERT_TRUE(peer.Fill(16 + answer.size())) << call;
    ASSERT_TRUE(peer.buffer().substr(0, 16 + answer.size()) == FrameOf(FrameKind::kAnswer, call, answer)) << call;
    peer.buffer().erase(0, 16 + answer.size());
  }
}

// The other side of the same: a node that is not what it should be.
TEST_F(PeerDoorTest, ANodeFindsOutThatItIsNotWelcome) {
  PeerOptions options = TestOptions(2);
  options.secret = "not the secret of the tests";
  TestNode wrong(options);
  wrong.Know({{1, node->port()}});
  EXPECT_THAT(std::string(Message(wrong.Call(0, 1, "x").status())),
              HasSubstr("it refuses this node: it does not know"));
  options = TestOptions(2);
  options.cluster_id = "other";
  TestNode foreign(options);
  foreign.Know({{1, node->port()}});
  EXPECT_THAT(std::string(Message(foreign.Call(0, 1, "x").status())), HasSubstr("belongs to cluster other"));
  TestNode lost(TestOptions(2));
  lost.Know({{3, node->port()}});
  EXPECT_THAT(std::string(Message(lost.Call(0, 3, "x").status())), HasSubstr("expected node 3 there, found node 1"));
}

}  // namespace
}  // namespace leat::runtime
