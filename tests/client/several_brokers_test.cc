// Producers and consumers go to the brokers that lead, and go on where they are when that changes.
#include <gmock/gmock.h>

#include <array>

#include "tests/client/client_fixture.h"
#include "tests/grpc/fake_broker_impl.h"

namespace leat::client {
namespace {

using ::testing::ElementsAre;

model::TopicPartition Tp(int32_t partition) { return {"t", model::PartitionId(partition)}; }

// Two brokers and a topic of two partitions; broker 1 leads the first one, broker 2 the second.
class SeveralBrokersTest : public ::testing::Test {
 protected:
  SeveralBrokersTest() {
    std::vector<broker::ClusterDescription::Node> nodes;
    for (int32_t id = 1; id <= 2; ++id) {
      Start(id, "127.0.0.1:0");
      nodes.push_back({.id = model::NodeId(id), .grpc = at(id), .kafka = "", .admin = ""});
    }
    for (int32_t id = 1; id <= 2; ++id) {
      of(id).JoinCluster(id, nodes);
      of(id).AddTopic("t", 2);
    }
    Lead(0, 1);
    Lead(1, 2);
  }
  void Start(int32_t id, const std::string& address) {
    auto& server = servers_.at(static_cast<size_t>(id - 1));
    server = std::make_unique<rpc::GrpcServer>(rpc::ServerOptions{.address = address}, of(id));
    const auto bound = server->Start();
    ASSERT_TRUE(bound.ok()) << bound.status();
    addresses_.at(static_cast<size_t>(id - 1)) = *bound;
  }
  void Kill(int32_t id) { servers_.at(static_cast<size_t>(id - 1))->Stop(absl::ZeroDuration()); }
  rpc::FakeBroker& of(int32_t id) { return brokers_.at(static_cast<size_t>(id - 1)); }
  const std::string& at(int32_t id) { return addresses_.at(static_cast<size_t>(id - 1)); }
  void Lead(int32_t partition, int32_t id) {
    for (rpc::FakeBroker& broker : brokers_) broker.SetLeader(Tp(partition), id);
  }
  // As a replica that was in sync takes over.
  void Move(int32_t partition, int32_t from, int32_t to) {
    of(to).CopyLog(of(from), Tp(partition));
    Lead(partition, to);
  }
  std::shared_ptr<Connection> Connect(const std::string& address) {
    return Connection::Open({.address = address, .request_timeout = absl::Seconds(20)});
  }
  std::unique_ptr<Producer> MakeProducer() {
    auto producer = Producer::Create(Connect(at(1)), {.linger = absl::ZeroDuration()});
    EXPECT_TRUE(producer.ok()) << producer.status();
    return *std::move(producer);
  }
  static void Send(Producer* producer, int32_t partition, const std::string& value) {
    ASSERT_TRUE(producer->Send({.topic = "t", .value = value, .partition = partition}).ok());
    const absl::Status flushed = producer->Flush();
    ASSERT_TRUE(flushed.ok()) << flushed;
  }
  static std::vector<std::string> Poll(Consumer* consumer, size_t count) {
    std::vector<std::string> values;
    while (values.size() < count) {
      const auto records = consumer->Poll(absl::Seconds(20));
      EXPECT_TRUE(records.ok()) << records.status();
      if (!records.ok() || records->empty()) break;
      for (const ConsumerRecord& record : *records) values.push_back(record.value.value_or(""));
    }
    std::sort(values.begin(), values.end());
    return values;
  }

  std::array<rpc::FakeBroker, 2> brokers_;
  std::array<std::unique_ptr<rpc::GrpcServer>, 2> servers_;
  std::array<std::string, 2> addresses_;
};

TEST_F(SeveralBrokersTest, RecordsGoToTheirLeaders) {
  const auto producer = MakeProducer();
  Send(producer.get(), 0, "a");
  Send(producer.get(), 1, "b");
  EXPECT_THAT(of(1).Values("t", 0), ElementsAre("a"));
  EXPECT_THAT(of(2).Values("t", 1), ElementsAre("b"));
  EXPECT_TRUE(of(1).Values("t", 1).empty());
}

TEST_F(SeveralBrokersTest, ProducersFollowALeaderThatMoves) {
  const auto producer = MakeProducer();
  Send(producer.get(), 0, "a");
  Move(0, 1, 2);
  Send(producer.get(), 0, "b");
  Move(0, 2, 1);
  Send(producer.get(), 0, "c");
  EXPECT_THAT(of(1).Values("t", 0), ElementsAre("a", "b", "c"));
}

TEST_F(SeveralBrokersTest, ProducersGoOnWhenABrokerHasGone) {
  const auto producer = MakeProducer();
  Send(producer.get(), 0, "a");
  Send(producer.get(), 1, "x");
  Kill(1);  // the one that the client was told of
  Move(0, 1, 2);
  Send(producer.get(), 0, "b");
  EXPECT_THAT(of(2).Values("t", 0), ElementsAre("a", "b"));
}

TEST_F(SeveralBrokersTest, WhatALeaderThatHangsHasNotAnsweredGoesToTheNextOne) {
  const auto producer = MakeProducer();
  Send(producer.get(), 0, "a");
  of(1).Hold();
  ASSERT_TRUE(producer->Send({.topic = "t", .value = "b", .partition = 0}).ok());
  of(1).WaitForHeld(1);
  Move(0, 1, 2);
  const absl::Status flushed = producer->Flush();
  EXPECT_TRUE(flushed.ok()) << flushed;
  EXPECT_THAT(of(2).Values("t", 0), ElementsAre("a", "b"));
  of(1).Release();
}

TEST_F(SeveralBrokersTest, ConsumersReadFromEveryLeaderAndFollowIt) {
  const auto producer = MakeProducer();
  auto consumer = Consumer::Create(Connect(at(2)), {.reset = ConsumerOptions::Reset::kEarliest});
  ASSERT_TRUE(consumer.ok()) << consumer.status();
  ASSERT_TRUE((*consumer)->AssignTopic("t").ok());
  Send(producer.get(), 0, "a");
  Send(producer.get(), 1, "b");
  EXPECT_THAT(Poll(consumer->get(), 2), ElementsAre("a", "b"));
  Move(0, 1, 2);
  Send(producer.get(), 0, "c");
  Send(producer.get(), 1, "d");
  EXPECT_THAT(Poll(consumer->get(), 2), ElementsAre("c", "d"));
  Kill(1);
  Send(producer.get(), 0, "e");
  EXPECT_THAT(Poll(consumer->get(), 1), ElementsAre("e"));
}

TEST_F(SeveralBrokersTest, AnyBrokerOfTheListIsEnough) {
  Kill(1);
  Admin admin(Connect(StrCat(at(1), ",", at(2))));
  const auto topics = admin.ListTopics();
  ASSERT_TRUE(topics.ok()) << topics.status();
  EXPECT_EQ(topics->size(), 1u);
}

TEST_F(SeveralBrokersTest, OffsetsAreAskedOfTheLeaders) {
  const auto producer = MakeProducer();
  Send(producer.get(), 0, "a");
  Send(producer.get(), 1, "b");
  auto consumer = Consumer::Create(Connect(at(1)), {});
  ASSERT_TRUE(consumer.ok());
  ASSERT_TRUE((*consumer)->AssignTopic("t").ok());
  const auto offsets = (*consumer)->Offsets();
  ASSERT_TRUE(offsets.ok()) << offsets.status();
  EXPECT_EQ(offsets->at({"t", 0}).end, 1);
  EXPECT_EQ(offsets->at({"t", 1}).end, 1);
}

TEST_F(SeveralBrokersTest, GroupsAreAskedOfTheirCoordinator) {
  for (rpc::FakeBroker& broker : brokers_) {
    broker.cluster_admin().coordinator.Set({.outcome = {}, .id = model::NodeId(2), .grpc = at(2)});
  }
  Admin admin(Connect(at(1)));
  ASSERT_TRUE(admin.CommitGroupOffset("g", {"t", 1}, 7).ok());
  EXPECT_EQ(admin.GroupOffsets("g")->front().offset, 7);
  EXPECT_EQ(Admin(Connect(at(1))).ListGroups()->size(), 0u) << "it is at the other one";
}

}  // namespace
}  // namespace leat::client
