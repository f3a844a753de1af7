// How jobs write to the log in transactions: run::LogPort over a broker.
#include "broker/broker_log_port.h"
#include "tests/broker/broker_fixture.h"
#include "tests/broker/read_committed.h"

namespace leat::broker {
namespace {

using model::TransactionEnd;
using run::TransactionalProducer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class JobLogPort : public ::testing::Test {
 protected:
  using ProducerOr = absl::StatusOr<TransactionalProducer>;
  JobLogPort() {
    LEAT_CHECK_OK(w_.Start());
    w_.Create("out", 2);
    port_.emplace(*w_.broker);
  }
  ProducerOr Open() {
    return w_.Await<ProducerOr>(
        [&](auto done) { port_->OpenProducer("__leat_job_a", absl::Minutes(1), std::move(done)); });
  }
  absl::Status Add(const TransactionalProducer& producer, std::vector<model::TopicPartition> partitions) {
    return w_.Await<absl::Status>(
        [&](auto done) { port_->AddToTransaction("__leat_job_a", producer, std::move(partitions), std::move(done)); });
  }
  ProducerOr End(const TransactionalProducer& producer, TransactionEnd end = TransactionEnd::kCommit) {
    return w_.Await<ProducerOr>(
        [&](auto done) { port_->EndTransaction("__leat_job_a", producer, end, std::move(done)); });
  }
  absl::Status Append(const TransactionalProducer& producer, const std::string& value, int32_t sequence = 0) {
    model::BatchBuilder builder({.producer_id = producer.id,
                                 .producer_epoch = producer.epoch,
                                 .base_sequence = sequence,
                                 .transactional = true});
    builder.Add(1, std::nullopt, value);
    return w_
        .Await<absl::StatusOr<model::Offset>>([&](auto done) {
          port_->Append({Tp("out"), *builder.Finish(), "__leat_job_a"}, std::move(done));
        })
        .status();
  }
  // As a job reads: the answer of one fetch, and what is left of it.
  run::LogData Fetch(model::Isolation isolation) {
    const auto data = w_.Await<absl::StatusOr<run::LogData>>([&](auto done) {
      port_->Fetch({.partition = Tp("out"), .max_wait = absl::ZeroDuration(), .isolation = isolation}, std::move(done));
    });
    EXPECT_TRUE(data.ok()) << data.status();
    return *data;
  }
  std::vector<std::string> Committed() {
    FetchPartitionResult result;
    run::LogData data = Fetch(model::Isolation::kReadCommitted);
    result.batches = std::move(data.batches);
    result.aborted = std::move(data.aborted);
    return TakeCommitted(result, model::Offset(0)).values;
  }

  BrokerWorld w_{11, 3};
  std::optional<BrokerLogPort> port_;
};

TEST_F(JobLogPort, ShowsWhatWasCommittedOnceItIsSettled) {
  const ProducerOr first = Open();
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(Add(*first, {Tp("out", 0), Tp("out", 1)}).ok());
  ASSERT_TRUE(Append(*first, "a").ok());
  EXPECT_THAT(Committed(), IsEmpty());
  EXPECT_EQ(Fetch(model::Isolation::kReadCommitted).end, model::Offset(0));
  EXPECT_EQ(Fetch(model::Isolation::kReadUncommitted).end, model::Offset(1));
  const ProducerOr second = End(*first);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->id, first->id);
  EXPECT_EQ(second->epoch, first->epoch + 1);
  ASSERT_TRUE(Add(*second, {}).ok());
  EXPECT_THAT(Committed(), ElementsAre("a"));
  EXPECT_EQ(Fetch(model::Isolation::kReadCommitted).end, model::Offset(2)) << "behind the marker";
  EXPECT_EQ(Append(*second, "nothing was begun").code(), absl::StatusCode::kOk) << "the partition joins by itself";
  ASSERT_TRUE(Add(*second, {Tp("out", 0)}).ok());
  const ProducerOr third = End(*second, TransactionEnd::kAbort);
  ASSERT_TRUE(Add(*third, {}).ok());
  EXPECT_THAT(Committed(), ElementsAre("a"));
}

TEST_F(JobLogPort, AddingNothingBeginsNothing) {
  const ProducerOr producer = Open();
  ASSERT_TRUE(Add(*producer, {}).ok());
  EXPECT_EQ(End(*producer).status().code(), absl::StatusCode::kAborted) << "no transaction is open";
}

TEST_F(JobLogPort, ANewProducerEndsWhatTheOldOneLeftAndFencesIt) {
  const ProducerOr old = Open();
  ASSERT_TRUE(Add(*old, {Tp("out")}).ok());
  ASSERT_TRUE(Append(*old, "left open").ok());
  const ProducerOr now = Open();
  ASSERT_TRUE(now.ok()) << now.status();
  EXPECT_EQ(Fetch(model::Isolation::kReadCommitted).end, model::Offset(2)) << "its marker is there already";
  EXPECT_THAT(Committed(), IsEmpty());
  EXPECT_EQ(Append(*old, "late", 1).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Add(*old, {Tp("out")}).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(End(*old).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(Add(*old, {}).code(), absl::StatusCode::kAborted);
}

TEST_F(JobLogPort, SaysWhichPartitionDoesNotExist) {
  const ProducerOr producer = Open();
  const absl::Status status = Add(*producer, {Tp("out"), Tp("missing")});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Message(status)), HasSubstr("'missing'"));
}

}  // namespace
}  // namespace leat::broker
