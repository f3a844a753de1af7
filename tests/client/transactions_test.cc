// Idempotence and transactions of the client library, against a real broker on real threads and a real disk.
#include <future>

#include "grpc/server.h"
#include "leat/client/admin.h"
#include "leat/client/consumer.h"
#include "leat/client/producer.h"
#include "runtime/posix_disk.h"
#include "runtime/shard_set.h"
#include "tests/broker/broker_fixture.h"
#include "tests/runtime/temp_directory.h"

namespace leat::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <typename Reply, typename Call>
Reply Wait(Call call) {
  auto promise = std::make_shared<std::promise<Reply>>();
  std::future<Reply> future = promise->get_future();
  call([promise](Reply reply) { promise->set_value(std::move(reply)); });
  return future.get();
}

class ClientTransactions : public ::testing::Test {
 protected:
  ClientTransactions() {
    broker::Options options;
    options.data_dir = directory_.Path("data");
    shards_.Start();
    broker_ = broker::CreateBroker(options, disk_, {&shards_.shard(0), &shards_.shard(1)}, env::NullMetrics(),
                                   std::make_unique<broker::FakeJobFactory>(&jobs_));
    EXPECT_TRUE(Wait<absl::Status>([&](auto done) { broker_->Start(std::move(done)); }).ok());
    StartServer("127.0.0.1:0");
    Wait<std::vector<broker::TopicResult>>([&](auto done) {
      broker_->CreateTopics({{"out", 2}, {"in", 1}}, std::move(done));
    });
  }
  ~ClientTransactions() override {
    server_->Stop(absl::ZeroDuration());
    server_.reset();
    EXPECT_TRUE(Wait<absl::Status>([&](auto done) { broker_->Stop(std::move(done)); }).ok());
    shards_.Stop();
    broker_.reset();
  }
  void StartServer(const std::string& address) {
    server_ = std::make_unique<rpc::GrpcServer>(rpc::ServerOptions{.address = address}, *broker_);
    const auto bound = server_->Start();
    ASSERT_TRUE(bound.ok()) << bound.status();
    address_ = *bound;
  }
  // Cuts every stream; answers on their way are lost.
  void RestartServer() {
    server_->Stop(absl::ZeroDuration());
    StartServer(address_);
  }
  std::unique_ptr<Producer> MakeProducer(const ProducerOptions& options) {
    auto producer = Producer::Create(Connection::Open({.address = address_}), options);
    EXPECT_TRUE(producer.ok()) << producer.status();
    return *std::move(producer);
  }
  // The values of a partition up to its end, as readers of this isolation see them.
  std::vector<std::string> Read(const std::string& topic, int32_t partition, ConsumerOptions::Isolation isolation,
                                size_t expected) {
    auto consumer = *Consumer::Create(Connection::Open({.address = address_}),
                                      {.reset = ConsumerOptions::Reset::kEarliest, .isolation = isolation});
    EXPECT_TRUE(consumer->Assign({{topic, partition}}).ok());
    std::vector<std::string> values;
    while (values.size() < expected) {
      auto records = consumer->Poll(absl::Seconds(20));
      EXPECT_TRUE(records.ok()) << records.status();
      if (!records.ok() || records->empty()) break;
      for (ConsumerRecord& record : *records) values.push_back(record.value.value_or("(null)"));
    }
    return values;
  }
  std::vector<std::string> Committed(int32_t partition, size_t expected) {
    return Read("out", partition, ConsumerOptions::Isolation::kReadCommitted, expected);
  }

  runtime::TempDirectory directory_;
  runtime::PosixDisk disk_;
  runtime::ShardSet shards_{{.shards = 2}};
  broker::FakeJobs jobs_;
  std::unique_ptr<broker::BrokerImpl> broker_;
  std::unique_ptr<rpc::GrpcServer> server_;
  std::string address_;
};

Record To(int32_t partition, std::string value) {
  return {.topic = "out", .value = std::move(value), .partition = partition};
}

TEST_F(ClientTransactions, CommittedRecordsComeAndAbortedOnesDoNot) {
  auto producer = MakeProducer({.transactional_id = "app"});
  EXPECT_EQ(producer->Send(To(0, "early")).code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(producer->BeginTransaction().ok());
  ASSERT_TRUE(producer->Send(To(0, "aborted")).ok());
  ASSERT_TRUE(producer->AbortTransaction().ok());
  ASSERT_TRUE(producer->BeginTransaction().ok());
  EXPECT_EQ(producer->BeginTransaction().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(producer->Send(To(0, "a")).ok());
  ASSERT_TRUE(producer->Send(To(1, "b")).ok());
  ASSERT_TRUE(producer->CommitTransaction().ok());
  // One without records says nothing to the broker.
  ASSERT_TRUE(producer->BeginTransaction().ok());
  ASSERT_TRUE(producer->CommitTransaction().ok());
  ASSERT_TRUE(producer->BeginTransaction().ok());
  ASSERT_TRUE(producer->Send(To(0, "c")).ok());
  ASSERT_TRUE(producer->CommitTransaction().ok());
  EXPECT_THAT(Committed(0, 2), ElementsAre("a", "c"));
  EXPECT_THAT(Committed(1, 1), ElementsAre("b"));
  EXPECT_THAT(Read("out", 0, ConsumerOptions::Isolation::kReadUncommitted, 3), ElementsAre("aborted", "a", "c"));
}

// Whoever reads up to the end would wait for the transaction otherwise.
TEST_F(ClientTransactions, TheEndIsWhereTheIsolationLetsReadersCome) {
  auto producer = MakeProducer({.transactional_id = "app"});
  ASSERT_TRUE(producer->BeginTransaction().ok());
  ASSERT_TRUE(producer->Send(To(0, "a")).ok());
  ASSERT_TRUE(producer->CommitTransaction().ok());
  ASSERT_TRUE(producer->BeginTransaction().ok());
  ASSERT_TRUE(producer->Send(To(0, "open")).ok());
  ASSERT_TRUE(producer->Flush().ok());
  const auto end = [&](ConsumerOptions::Isolation isolation) {
    auto consumer = *Consumer::Create(Connection::Open({.address = address_}), {.isolation = isolation});
    EXPECT_TRUE(consumer->Assign({{"out", 0}}).ok());
    const auto ranges = consumer->Offsets();
    EXPECT_TRUE(ranges.ok()) << ranges.status();
    return ranges.ok() ? ranges->at({"out", 0}).end : -1;
  };
  EXPECT_EQ(end(ConsumerOptions::Isolation::kReadCommitted), 2);  // the record and its marker
  EXPECT_EQ(end(ConsumerOptions::Isolation::kReadUncommitted), 3);
  ASSERT_TRUE(producer->AbortTransaction().ok());
}

TEST_F(ClientTransactions, OffsetsMoveWithTheRecords) {
  auto producer = MakeProducer({.transactional_id = "app"});
  const auto committed = [&] {
    return (*Wait<absl::StatusOr<std::vector<broker::CommittedOffset>>>([&](auto done) {
             broker_->FetchOffsets("g", {{"in", model::PartitionId(0)}}, std::move(done));
           }))[0]
        .offset.value();
  };
  ASSERT_TRUE(producer->BeginTransaction().ok());
  ASSERT_TRUE(producer->SendOffsets("g", {{{"in", 0}, 7}}).ok());
  ASSERT_TRUE(producer->AbortTransaction().ok());
  ASSERT_TRUE(producer->BeginTransaction().ok());
  ASSERT_TRUE(producer->Send(To(0, "x")).ok());
  ASSERT_TRUE(producer->SendOffsets("g", {{{"in", 0}, 3}}).ok());
  EXPECT_EQ(committed(), -1);
  ASSERT_TRUE(producer->CommitTransaction().ok());
  EXPECT_THAT(Committed(0, 1), ElementsAre("x"));
  // The next transaction begins when the last one is complete everywhere.
  ASSERT_TRUE(producer->BeginTransaction().ok());
  ASSERT_TRUE(producer->Send(To(0, "y")).ok());
  ASSERT_TRUE(producer->CommitTransaction().ok());
  EXPECT_EQ(committed(), 3);
}

TEST_F(ClientTransactions, AProducerWithTheSameNameFencesTheOneBefore) {
  auto old = MakeProducer({.transactional_id = "app"});
  ASSERT_TRUE(old->BeginTransaction().ok());
  ASSERT_TRUE(old->Send(To(0, "old")).ok());
  ASSERT_TRUE(old->Flush().ok());
  auto now = MakeProducer({.transactional_id = "app"});
  EXPECT_EQ(old->CommitTransaction().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(old->BeginTransaction().code(), absl::StatusCode::kAborted);
  ASSERT_TRUE(now->BeginTransaction().ok());
  ASSERT_TRUE(now->Send(To(0, "now")).ok());
  ASSERT_TRUE(now->CommitTransaction().ok());
  EXPECT_THAT(Committed(0, 1), ElementsAre("now"));
}

TEST_F(ClientTransactions, TheIdsOfJobsAreRefused) {
  const auto producer =
      Producer::Create(Connection::Open({.address = address_}), {.transactional_id = "__leat_job_fraud"});
  EXPECT_THAT(std::string(producer.status().message()), ::testing::HasSubstr("belong to the jobs"));
}

TEST_F(ClientTransactions, RetriesAreStoredOnceAndInOrder) {
  constexpr int kRecords = 3000;
  auto producer = MakeProducer({.batch_bytes = 400, .linger = absl::ZeroDuration()});
  std::vector<std::string> sent;
  for (int i = 0; i < kRecords; ++i) {
    sent.push_back(std::to_string(i));
    ASSERT_TRUE(producer->Send(To(i % 2, sent.back())).ok());
    if (i % 700 == 699) RestartServer();
  }
  ASSERT_TRUE(producer->Flush().ok());
  for (int32_t partition = 0; partition < 2; ++partition) {
    std::vector<std::string> expected;
    for (int i = partition; i < kRecords; i += 2) expected.push_back(std::to_string(i));
    EXPECT_EQ(Read("out", partition, ConsumerOptions::Isolation::kReadUncommitted, kRecords / 2), expected);
    const auto end = Wait<std::vector<broker::ListOffsetsResult>>([&](auto done) {
      broker_->ListOffsets({{.partition = {"out", model::PartitionId(partition)}}}, std::move(done));
    });
    EXPECT_EQ(end[0].offset.value(), kRecords / 2) << "something came twice";
  }
}

TEST_F(ClientTransactions, ARefusedRecordDoesNotHoldUpTheOthers) {
  Wait<std::vector<broker::TopicResult>>([&](auto done) {
    broker_->AlterTopics({{.name = "out", .set = {{"max.message.bytes", "1000"}}}}, std::move(done));
  });
  auto producer = MakeProducer({.batch_bytes = 500});
  std::vector<absl::StatusCode> outcomes(9);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    ASSERT_TRUE(producer
                    ->Send(To(0, std::string(i % 3 == 2 ? 2000 : 10, 'x')),
                           [&outcomes, i](const absl::StatusOr<Delivery>& d) { outcomes[i] = d.status().code(); })
                    .ok());
  }
  EXPECT_FALSE(producer->Flush().ok());
  for (size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_EQ(outcomes[i] == absl::StatusCode::kOk, i % 3 != 2) << i;
  }
  EXPECT_EQ(Read("out", 0, ConsumerOptions::Isolation::kReadUncommitted, 6).size(), 6u);
}

}  // namespace
}  // namespace leat::client
