// A broker in memory for the tests of the front door and of the client: real batches, real offsets, and hooks to make
// things go wrong. Thread-safe; answers on the calling thread, or on the one that produces what a fetch waits for.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "broker/broker.h"
#include "broker/transactions.h"
#include "model/record_batch.h"
#include "tests/grpc/fake_cluster_admin.h"
#include "tests/grpc/fake_groups.h"
#include "tests/grpc/fake_transactions.h"

namespace leat::rpc {

class FakeBroker final : public broker::Broker {
 public:
  // Decides the outcome of a produce for one partition before it is appended; nullopt lets it through.
  using ProduceHook = std::function<std::optional<broker::Outcome>(const broker::ProducePartition&)>;

  // --- what tests do to it ---
  void AddTopic(const std::string& name, int partitions) {
    const std::lock_guard lock(mutex_);
    topics_[name].resize(static_cast<size_t>(partitions));
  }
  void set_auto_create(int partitions) {
    const std::lock_guard lock(mutex_);
    auto_create_ = partitions;
  }
  void set_produce_hook(ProduceHook hook) {
    const std::lock_guard lock(mutex_);
    hook_ = std::move(hook);
  }
  // Decides the answer for a partition whose batches were appended; nullopt tells where they are.
  void set_appended_hook(ProduceHook hook) {
    const std::lock_guard lock(mutex_);
    appended_hook_ = std::move(hook);
  }
  // One of several: who it is, who there is, and who leads a partition (the others refuse it). Without it, it is alone.
  void JoinCluster(int32_t id, const std::vector<broker::ClusterDescription::Node>& nodes) {
    const std::lock_guard lock(mutex_);
    id_ = model::NodeId(id);
    nodes_ = nodes;
  }
  void SetLeader(const model::TopicPartition& partition, int32_t id) {
    const std::lock_guard lock(mutex_);
    leaders_[partition] = model::NodeId(id);
  }
  // Takes over what another one has of a partition, as a copy of it would.
  void CopyLog(FakeBroker& from, const model::TopicPartition& partition) {
    const std::scoped_lock lock(mutex_, from.mutex_);
    *Find(partition) = *from.Find(partition);
  }
  // Produce requests are taken and not answered until Release.
  void Hold() {
    const std::lock_guard lock(mutex_);
    holding_ = true;
  }
  void Release() {
    std::vector<std::function<void()>> held;
    {
      const std::lock_guard lock(mutex_);
      holding_ = false;
      held = std::move(held_);
      held_.clear();
    }
    for (auto& run : held) run();
  }
  void WaitForHeld(size_t count) {
    Wait([&] { return held_.size() >= count; });
  }
  void WaitForParked(size_t count) {
    Wait([&] { return parked_.size() >= count; });
  }
  void WaitForNoParked() {
    Wait([&] { return parked_.empty(); });
  }
  size_t held() {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  size_t produce_requests() {
    const std::lock_guard lock(mutex_);
    return produce_requests_;
  }
  void TruncateFront(const std::string& topic, int partition, int64_t log_start) {
    const std::lock_guard lock(mutex_);
    topics_[topic][static_cast<size_t>(partition)].log_start = log_start;
  }
  // Every record of a partition, as text.
  std::vector<std::string> Values(const std::string& topic, int partition) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> values;
    for (const std::string& batch : topics_[topic][static_cast<size_t>(partition)].batches) {
      auto iterator = model::RecordIterator::Open(batch, size_t{64} << 20);
      LEAT_CHECK_OK(iterator.status());
      model::RecordView view;
      while (*iterator->Next(&view)) values.emplace_back(view.value.value_or("(null)"));
    }
    return values;
  }

  // --- broker::Broker ---
  void Start(broker::Callback<absl::Status> ready) override { ready(absl::OkStatus()); }
  void Stop(broker::Callback<absl::Status> done) override { done(absl::OkStatus()); }
  void Health(broker::Callback<absl::Status> done) override { done(absl::OkStatus()); }
  void Produce(broker::ProduceRequest request, broker::Callback<broker::ProduceReply> done) override;
  uint64_t Fetch(broker::FetchRequest request, broker::Callback<broker::FetchReply> done) override;
  void CancelFetch(uint64_t ticket) override;
  void ListOffsets(std::vector<broker::ListOffsetsPartition> partitions,
                   broker::Callback<std::vector<broker::ListOffsetsResult>> done) override;
  void DescribeProducers(std::vector<broker::DescribeProducersPartition>,
                         broker::Callback<std::vector<broker::DescribeProducersResult>>) override {
    LEAT_CHECK(false) << "the broker in memory remembers no producers";
  }
  void DeleteRecords(std::vector<broker::DeleteRecordsPartition> partitions,
                     broker::Callback<std::vector<broker::DeleteRecordsResult>> done) override;
  using broker::Broker::AlterTopics;
  using broker::Broker::CreateTopics;
  broker::Transactions& transactions() override { return transactions_; }
  model::NodeId node_id() const override { return model::NodeId(1); }
  meta::ImagePtr ImageOn(const env::Shard&) const override { return nullptr; }
  void DescribeBroker(broker::Callback<std::vector<broker::BrokerConfig>> done) override { done({}); }
  void DescribeLogDirectory(broker::Callback<broker::LogDirectoryDescription> done) override { done({}); }
  void CreateTopics(std::vector<broker::NewTopic> topics, broker::ChangeMode mode,
                    broker::Callback<std::vector<broker::TopicResult>> done) override;
  void DeleteTopics(std::vector<std::string> names, broker::Callback<std::vector<broker::TopicResult>> done) override;
  void DescribeTopics(std::vector<std::string> names,
                      broker::Callback<std::vector<broker::TopicDescription>> done) override;
  void AlterTopics(std::vector<broker::AlterTopic> changes, broker::ChangeMode mode,
                   broker::Callback<std::vector<broker::TopicResult>> done) override;
  void CommitOffsets(broker::CommitOffsetsRequest request,
                     broker::Callback<std::vector<broker::CommitOffsetResult>> done) override;
  void FetchOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                    broker::Callback<absl::StatusOr<std::vector<broker::CommittedOffset>>> done) override;
  FakeGroups& groups() override { return fake_groups_; }
  void ListGroups(broker::Callback<std::vector<std::string>> done) override;
  void DescribeLag(std::string group, broker::Callback<std::vector<broker::GroupLag>> done) override;
  model::NodeId ControllerOn(const env::Shard&) const override { return model::NodeId(1); }
  FakeClusterAdmin& cluster_admin() override { return cluster_admin_; }
  void DescribeCluster(broker::Callback<broker::ClusterDescription> done) override;
  void SubmitJob(broker::NewJob job, broker::Callback<absl::StatusOr<broker::JobDescription>> done) override;
  void StartJob(std::string name, broker::Callback<absl::Status> done) override;
  void StopJob(std::string name, broker::Callback<absl::Status> done) override;
  void DeleteJob(std::string name, broker::Callback<absl::Status> done) override;
  void ListJobs(broker::Callback<std::vector<broker::JobDescription>> done) override;
  void UpgradeJob(broker::JobUpgrade upgrade, broker::Callback<absl::StatusOr<broker::JobUpgraded>> done) override;
  void DescribeJob(std::string name, broker::Callback<absl::StatusOr<broker::JobDescription>> done) override;
  void JobLogs(std::string name, broker::Callback<absl::StatusOr<std::vector<broker::JobLogLine>>> done) override;
  void ExplainJob(std::string sql, broker::Callback<absl::StatusOr<std::string>> done) override;
  void SetAdvertised(std::string, std::string, std::string, std::string) override {}

 private:
  std::vector<broker::GroupOffset> StoredOffsets(const std::string& group);
  struct Log {
    std::vector<std::string> batches;
    int64_t log_start = 0;
    int64_t end = 0;
    std::map<int64_t, int32_t> next_sequences;  // by producer id
  };
  struct Parked {
    broker::FetchRequest request;
    broker::Callback<broker::FetchReply> done;
  };

  template <typename Condition>
  void Wait(Condition condition) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, condition);
  }
  Log* Find(const model::TopicPartition& partition);
  model::NodeId LeaderOf(const model::TopicPartition& partition) const;
  // OK, or that another one leads it.
  broker::Outcome CheckLeads(const model::TopicPartition& partition) const;
  broker::ProducePartitionResult AppendLocked(broker::ProducePartition partition);
  broker::FetchReply ReadLocked(const broker::FetchRequest& request, bool* news);
  absl::Status JobStatus(const std::string& name);

  FakeTransactions transactions_;
  FakeClusterAdmin cluster_admin_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::vector<Log>> topics_;
  model::NodeId id_{1};
  std::vector<broker::ClusterDescription::Node> nodes_;
  std::map<model::TopicPartition, model::NodeId> leaders_;
  FakeGroups fake_groups_;
  std::map<std::string, broker::JobDescription> jobs_;
  std::map<uint64_t, Parked> parked_;
  std::vector<std::function<void()>> held_;
  ProduceHook hook_;
  ProduceHook appended_hook_;
  bool holding_ = false;
  int auto_create_ = 0;
  size_t produce_requests_ = 0;
  uint64_t next_ticket_ = 1;
};

}  // namespace leat::rpc
