// A broker on real shards and a real disk behind a Kafka listener on a port that the system picks.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "kafka/server.h"
#include "model/record_batch.h"
#include "runtime/posix_disk.h"
#include "runtime/prometheus_metrics.h"
#include "runtime/shard_set.h"
#include "tests/kafka/kafka_client.h"
#include "tests/runtime/temp_directory.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/fetch.h"
#include "wire/messages/metadata.h"
#include "wire/messages/produce.h"

namespace leat::kafka {

inline std::string Batch(const std::vector<std::string>& values, int64_t timestamp_ms = 1'700'000'000'000) {
  model::BatchBuilder builder({});
  for (const std::string& value : values) builder.Add(timestamp_ms, std::nullopt, value);
  return *builder.Finish();
}

class KafkaTest : public testing::Test {
 protected:
  ~KafkaTest() override { Stop(); }

  void Start(ServerOptions options = {}) {
    shards_.Start();
    std::vector<env::Shard*> ports;
    std::vector<runtime::AsioShard*> asio;
    for (size_t i = 0; i < shards_.size(); ++i) {
      ports.push_back(&shards_.shard(i));
      asio.push_back(&shards_.shard(i));
    }
    broker::Options of;
    of.data_dir = directory_.path();
    of.log_defaults.durability = log::Durability::kPageCache;
    of.groups.initial_rebalance_delay = absl::ZeroDuration();
    broker_ = broker::Broker::Create(of, disk_, ports, metrics_);
    const absl::Status started = Await<absl::Status>([&](auto done) { broker_->Start(std::move(done)); });
    ASSERT_TRUE(started.ok()) << started;
    if (options.listeners.empty()) options.listeners.push_back({.port = 0});
    server_ = std::make_unique<KafkaServer>(asio, *broker_, options, metrics_);
    const absl::Status listening = server_->Listen();
    ASSERT_TRUE(listening.ok()) << listening;
  }
  void StopServer() {
    if (std::exchange(stopped_, true)) return;
    Await<int>([&](auto done) { server_->Stop([done = std::move(done)]() mutable { done(0); }); });
  }
  void Stop() {
    if (server_ == nullptr) return;
    StopServer();
    const absl::Status stopped = Await<absl::Status>([&](auto done) { broker_->Stop(std::move(done)); });
    EXPECT_TRUE(stopped.ok()) << stopped;
    shards_.Stop();
    broker_.reset();
    server_.reset();
  }

  uint16_t port(size_t listener = 0) const {
    const std::string address = server_->addresses().at(listener);
    return static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
  }

  void CreateTopic(const std::string& name, int32_t partitions = 1) {
    const auto results = Await<std::vector<broker::TopicResult>>(
        [&](auto done) { broker_->CreateTopics({{.name = name, .partitions = partitions}}, std::move(done)); });
    ASSERT_TRUE(results[0].outcome.ok()) << results[0].outcome.message;
    ids_[name] = results[0].id;
  }

  static wire::ProduceRequest ProduceOf(std::string_view topic, int32_t partition, std::string_view records,
                                        int16_t acks = -1) {
    wire::ProduceRequest request;
    request.acks = acks;
    request.timeout_ms = 1000;
    auto& to = request.topic_data.emplace_back();
    to.name = topic;
    auto& data = to.partition_data.emplace_back();
    data.index = partition;
    data.records = records;
    return request;
  }
  static wire::FetchRequest FetchOf(std::string_view topic, int32_t partition, int64_t offset,
                                    int32_t max_wait_ms = 0) {
    wire::FetchRequest request;
    request.max_wait_ms = max_wait_ms;
    request.min_bytes = 1;
    request.max_bytes = 1 << 20;
    auto& from = request.topics.emplace_back();
    from.topic = topic;
    auto& want = from.partitions.emplace_back();
    want.partition = partition;
    want.fetch_offset = offset;
    want.partition_max_bytes = 1 << 20;
    return request;
  }
  static wire::MetadataRequest MetadataOf(const std::vector<std::string_view>& topics) {
    wire::MetadataRequest request;
    request.topics.emplace();
    for (const std::string_view topic : topics) request.topics->emplace_back().name = topic;
    return request;
  }

  // Calls back on a shard; the test waits.
  template <typename Reply, typename Call>
  static Reply Await(Call call) {
    std::promise<Reply> promise;
    call([&promise](Reply reply) { promise.set_value(std::move(reply)); });
    return promise.get_future().get();
  }

  runtime::TempDirectory directory_;
  runtime::PosixDisk disk_;
  runtime::PrometheusMetrics metrics_{{}};
  runtime::ShardSet shards_{{.shards = 2, .disk_threads = {}}};
  std::unique_ptr<broker::Broker> broker_;
  std::unique_ptr<KafkaServer> server_;
  std::map<std::string, model::TopicId> ids_;
  bool stopped_ = false;
};

}  // namespace leat::kafka
