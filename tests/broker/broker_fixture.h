// A broker in the simulated world: the real log code on a simulated disk, any number of shards, and a power switch.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/broker_impl.h"
#include "model/record_batch.h"
#include "tests/support/sim_disk.h"
#include "tests/support/sim_shard.h"
#include "tests/support/sim_world.h"

namespace leat::broker {

constexpr char kNobodyKnows[] = "?";  // whose state it is

// A runner that does nothing and shows what it was told.
class FakeRunner final : public run::JobRunner {
 public:
  FakeRunner(int* alive, const Spec& spec, std::string state_of)
      : alive_(alive), purpose_(spec.purpose), revision_(spec.revision), state_of_(std::move(state_of)) {
    ++*alive_;
  }
  ~FakeRunner() override { --*alive_; }
  run::JobStatus Status() const override {
    run::JobStatus status;
    status.state = purpose_ == run::Purpose::kRun ? run::State::kRunning : run::State::kStopped;
    status.rows_in = 7;
    status.state_known = true;
    if (!state_of_.empty()) {
      status.has_state = true;
      status.state_revision = revision_;
      if (state_of_ != kNobodyKnows)
        status.operators.push_back({.id = 4, .identity = {.kind = "GroupAggregate", .parts = {{"keys", state_of_}}}});
    }
    status.inputs.push_back({.partition = {"events", model::PartitionId{0}}, .offset = model::Offset{5}});
    status.log.emplace_back(1, purpose_ == run::Purpose::kRun ? "started" : "looked");
    return status;
  }
  void Stop(absl::AnyInvocable<void(absl::Status)> done) override { done(absl::OkStatus()); }

 private:
  int* alive_;
  const run::Purpose purpose_;
  const int64_t revision_;
  const std::string state_of_;
};

// Compiles everything but "bad"; what it does is told through counters that outlive it.
struct FakeJobs {
  int alive = 0;
  std::vector<std::string> deleted;
  std::string refuses = "bad";
  std::string state_of;                                  // the keys of an aggregate that all jobs keep
  std::vector<int64_t> revisions = {};                   // of what was started
  std::optional<std::vector<std::string>> dropped = {};  // by what was started last
};
class FakeJobFactory final : public JobFactory {
 public:
  explicit FakeJobFactory(FakeJobs* jobs) : jobs_(jobs) {}
  absl::StatusOr<CompiledJob> Compile(const std::string& sql) const override {
    if (sql == jobs_->refuses) return InvalidArgument("line 1, column 1: expected a statement, got ", sql);
    CompiledJob job;
    job.explain = StrCat("Sink <- ", sql);
    job.has_inserts = sql != "CREATE TABLE";
    return job;
  }
  std::unique_ptr<run::JobRunner> Start(run::JobRunner::Spec spec, run::LogPort&, env::Metrics&) const override {
    if (spec.purpose == run::Purpose::kRun) jobs_->revisions.push_back(spec.revision);
    jobs_->dropped = spec.dropped;
    return std::make_unique<FakeRunner>(&jobs_->alive, spec, jobs_->state_of);
  }
  absl::Status DropState(const std::string& name, const run::Options&) const override {
    jobs_->deleted.push_back(name);
    return absl::OkStatus();
  }

 private:
  FakeJobs* jobs_;
};

inline std::string Batch(const std::vector<std::string>& values, int64_t timestamp_ms = 1'700'000'000'000) {
  model::BatchBuilder builder({});
  for (const std::string& value : values) builder.Add(timestamp_ms, std::nullopt, value);
  return *builder.Finish();
}

// The values of the records of whole batches, from an offset on.
inline std::vector<std::string> Values(std::string_view batches, model::Offset from = model::Offset(0)) {
  std::vector<std::string> values;
  while (!batches.empty()) {
    const absl::StatusOr<std::string_view> batch = model::TakeBatch(&batches);
    if (!batch.ok()) {
      ADD_FAILURE() << batch.status();
      return values;
    }
    absl::StatusOr<model::RecordIterator> records = model::RecordIterator::Open(*batch, size_t{1} << 20);
    model::RecordView record;
    while (*records->Next(&record)) {
      if (record.offset >= from) values.emplace_back(record.value.value_or("<null>"));
    }
  }
  return values;
}

inline model::TopicPartition Tp(std::string topic, int32_t partition = 0) {
  return {std::move(topic), model::PartitionId(partition)};
}

// A snapshot without what every start of a broker changes: its registration, and who leads since when.
inline meta::Records WithoutLives(meta::Records records) {
  std::erase_if(records, [](const meta::Record& record) {
    return std::holds_alternative<meta::BrokerRegistered>(record) ||
           std::holds_alternative<meta::BrokerUnfenced>(record) ||
           std::holds_alternative<meta::BrokerEpochsGiven>(record) ||
           std::holds_alternative<meta::PartitionChanged>(record);
  });
  for (meta::Record& record : records) {
    if (auto* topic = std::get_if<meta::TopicCreated>(&record)) topic->assigned.clear();
  }
  return records;
}

class BrokerWorld {
 public:
  explicit BrokerWorld(uint64_t seed, size_t shard_count = 2) : world(seed), disk(seed), shard_count_(shard_count) {
    options.data_dir = "/data";
    options.random_seed = seed + 1;
    options.log_defaults.segment_bytes = 1 << 20;
  }
  ~BrokerWorld() { Crash(); }

  absl::Status Start() {
    for (size_t i = 0; i < shard_count_; ++i) shards.push_back(std::make_unique<sim::SimShard>(world));
    std::vector<env::Shard*> ports;
    for (const auto& shard : shards) ports.push_back(shard.get());
    broker = CreateBroker(options, disk, ports, *metrics, std::make_unique<FakeJobFactory>(&jobs));
    return Await<absl::Status>([&](auto done) { broker->Start(std::move(done)); });
  }
  absl::Status Stop() {
    const absl::Status status = Await<absl::Status>([&](auto done) { broker->Stop(std::move(done)); });
    Crash();
    return status;
  }
  // The process dies; the disk keeps what it has.
  void Crash() {
    // What dies may queue more: a gate whose last holder is dropped runs what waited for it.
    while (world.queued() > 0) {
      for (const auto& shard : shards) shard->Kill();
    }
    broker.reset();
    for (const auto& shard : shards) shard->Kill();
    shards.clear();
  }
  void PowerCut() {
    Crash();
    disk.PowerCut();
  }

  // Runs the call and the world until it is answered.
  template <typename Reply, typename Call>
  Reply Await(Call call) {
    auto reply = std::make_shared<std::optional<Reply>>();
    call([reply](Reply value) { reply->emplace(std::move(value)); });
    const bool answered = world.RunUntil([&] { return reply->has_value(); });
    LEAT_CHECK(answered) << "a call was not answered";
    return std::move(**reply);
  }

  TopicResult Create(const std::string& name, int32_t partitions = 1, const Configs& configs = {}) {
    return Await<std::vector<TopicResult>>([&](auto done) {
      broker->CreateTopics({{name, partitions, configs}}, std::move(done));
    })[0];
  }
  TopicResult Delete(const std::string& name) {
    return Await<std::vector<TopicResult>>([&](auto done) { broker->DeleteTopics({name}, std::move(done)); })[0];
  }
  TopicDescription Describe(const std::string& name) {
    return Await<std::vector<TopicDescription>>([&](auto done) { broker->DescribeTopics({name}, std::move(done)); })[0];
  }
  ProducePartitionResult Produce(const model::TopicPartition& partition, std::string batches, Acks acks = Acks::kAll) {
    ProduceRequest request;
    request.acks = acks;
    request.partitions.push_back({partition, std::move(batches)});
    return Await<ProduceReply>([&](auto done) { broker->Produce(std::move(request), std::move(done)); }).partitions[0];
  }
  FetchReply Fetch(FetchRequest request) {
    return Await<FetchReply>([&](auto done) { broker->Fetch(std::move(request), std::move(done)); });
  }
  FetchPartitionResult FetchOne(const model::TopicPartition& partition, int64_t offset = 0,
                                Duration max_wait = absl::ZeroDuration()) {
    FetchRequest request;
    request.max_wait = max_wait;
    request.partitions.push_back({partition, model::Offset(offset)});
    return Fetch(std::move(request)).partitions[0];
  }
  Outcome Commit(const std::string& group, const model::TopicPartition& partition, int64_t offset,
                 const std::string& metadata = "") {
    CommitOffsetsRequest request{group, {{partition, model::Offset(offset), metadata}}};
    return Await<std::vector<CommitOffsetResult>>(
               [&](auto done) { broker->CommitOffsets(std::move(request), std::move(done)); })[0]
        .outcome;
  }
  int64_t Committed(const std::string& group, const model::TopicPartition& partition) {
    const auto offsets = Await<absl::StatusOr<std::vector<CommittedOffset>>>(
        [&](auto done) { broker->FetchOffsets(group, {partition}, std::move(done)); });
    return offsets.ok() ? (*offsets)[0].offset.value() : -2;
  }
  absl::Status Health() {
    return Await<absl::Status>([&](auto done) { broker->Health(std::move(done)); });
  }

  sim::SimWorld world;
  sim::SimDisk disk;
  Options options;
  env::Metrics* metrics = &env::NullMetrics();
  FakeJobs jobs;
  std::vector<std::unique_ptr<sim::SimShard>> shards;
  std::unique_ptr<BrokerImpl> broker;

 private:
  size_t shard_count_;
};

}  // namespace leat::broker
