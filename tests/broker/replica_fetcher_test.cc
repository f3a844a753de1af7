// Which partitions a follower asks about together.
#include "broker/replica_fetcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/replica_wire.h"
#include "tests/broker/broker_fixture.h"

namespace leat::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr model::NodeId kLeader{1};

class FakeTransport : public env::Transport {
 public:
  struct Asked {
    ReplicaFetchRequest request;
    Reply reply;
  };
  void SetPeers(const std::map<int32_t, env::PeerAddress>&) override {}
  void Send(int32_t, env::Service, OwnedBytes) override {}
  void Call(int32_t, env::Service, OwnedBytes request, Duration, Reply done) override {
    calls.push_back({*DecodeReplicaFetch(request), std::move(done)});
  }
  void Serve(env::Service, Handler) override {}
  void WatchGone(GoneWatcher) override {}

  std::vector<Asked> calls;
};

class Fetcher : public ::testing::Test {
 protected:
  static meta::PartitionKey Key(int partition) { return {{5, 6}, model::PartitionId(partition)}; }
  void Ask(int partition) {
    fetcher_.Send(Key(partition), {.id = replication::FetchId(1), .leader = kLeader}, model::Offset(0));
  }
  // Of the requests that are made now, the partitions of each.
  std::vector<std::vector<int>> Requests() {
    transport_.calls.clear();
    world_.RunFor(absl::Milliseconds(10));
    std::vector<std::vector<int>> requests;
    for (const FakeTransport::Asked& call : transport_.calls) {
      std::vector<int>& partitions = requests.emplace_back();
      for (const auto& item : call.request.items) partitions.push_back(item.partition.partition.value());
    }
    return requests;
  }
  // The answer to request `i` of these, with records of one partition, and every replica asks again.
  void AnswerWithRecordsOf(size_t i, int partition) {
    FakeTransport::Asked asked = std::move(transport_.calls.at(i));
    std::vector<ReplicaFetchPart> parts;
    for (const ReplicaFetchRequest::Item& item : asked.request.items) {
      const bool has_records = item.partition.partition.value() == partition;
      parts.push_back({item.partition, {}, has_records ? Batch({"a"}) : ""});
    }
    asked.reply(OwnedBytes(EncodeReplicaAnswer(std::move(parts))));
    for (const ReplicaFetchRequest::Item& item : asked.request.items) Ask(item.partition.partition.value());
  }

  sim::SimWorld world_{1};
  sim::SimShard shard_{world_};
  FakeTransport transport_;
  ReplicaFetcher fetcher_{shard_, transport_, model::NodeId(2), {.partitions = 3}, nullptr, [](auto&&...) {}};
};

TEST_F(Fetcher, AsksForPartitionsOfOneTurnTogetherUpToItsLimit) {
  for (int i = 0; i < 4; ++i) Ask(i);
  EXPECT_THAT(Requests(), ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3)));
}

TEST_F(Fetcher, AsksForThoseWithNewsWithoutTheRest) {
  for (int i = 0; i < 3; ++i) Ask(i);
  ASSERT_THAT(Requests(), ElementsAre(ElementsAre(0, 1, 2)));
  AnswerWithRecordsOf(0, 1);
  EXPECT_THAT(Requests(), ElementsAre(ElementsAre(1), ElementsAre(0, 2)));
  AnswerWithRecordsOf(0, 1);
  EXPECT_THAT(Requests(), ElementsAre(ElementsAre(1))) << "the others wait on";
}

TEST_F(Fetcher, AsksForAllTogetherOnceTheNewsAreOld) {
  for (int i = 0; i < 3; ++i) Ask(i);
  ASSERT_THAT(Requests(), ElementsAre(ElementsAre(0, 1, 2)));
  AnswerWithRecordsOf(0, 1);
  world_.RunFor(absl::Seconds(3));
  for (int i = 0; i < 3; ++i) Ask(i);
  EXPECT_THAT(Requests(), ElementsAre(ElementsAre(0, 1, 2)));
}

TEST_F(Fetcher, GathersThoseThatComeOneByOne) {
  for (int i = 0; i < 60; ++i) {
    Ask(i);
    world_.RunFor(absl::Milliseconds(1));
  }
  world_.RunFor(absl::Milliseconds(50));
  size_t asked = 0;
  for (const FakeTransport::Asked& call : transport_.calls) asked += call.request.items.size();
  EXPECT_EQ(asked, 60u);
  EXPECT_LT(transport_.calls.size(), 25u) << "though a request takes three at most";
}

TEST_F(Fetcher, AsksForTheFirstAtOnce) {
  Ask(0);
  world_.RunFor(absl::ZeroDuration());
  EXPECT_THAT(transport_.calls, ::testing::SizeIs(1));
}

TEST_F(Fetcher, AsksNobodyOnceItIsStopped) {
  Ask(0);
  fetcher_.Stop();
  Ask(1);
  EXPECT_THAT(Requests(), IsEmpty());
}

}  // namespace
}  // namespace leat::broker
