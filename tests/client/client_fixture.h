// A gRPC server over a fake broker, and a connection to it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "grpc/server.h"
#include "leat/client/admin.h"
#include "leat/client/consumer.h"
#include "leat/client/producer.h"
#include "tests/grpc/fake_broker.h"

namespace leat::client {

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() { StartServer("127.0.0.1:0"); }

  void StartServer(const std::string& address) {
    server_ = std::make_unique<rpc::GrpcServer>(rpc::ServerOptions{.address = address}, broker_);
    const auto bound = server_->Start();
    ASSERT_TRUE(bound.ok()) << bound.status();
    address_ = *bound;
  }
  void RestartServer() {
    server_->Stop(absl::ZeroDuration());
    StartServer(address_);
  }
  std::shared_ptr<Connection> Connect() { return Connection::Open({.address = address_}); }
  std::unique_ptr<Producer> MakeProducer(const ProducerOptions& options) {
    auto producer = Producer::Create(Connect(), options);
    EXPECT_TRUE(producer.ok()) << producer.status();
    return *std::move(producer);
  }
  std::unique_ptr<Consumer> MakeConsumer(const ConsumerOptions& options) {
    auto consumer = Consumer::Create(Connect(), options);
    EXPECT_TRUE(consumer.ok()) << consumer.status();
    return *std::move(consumer);
  }
  // Polls until there are `count` records; fewer if one poll brings none for long.
  static std::vector<ConsumerRecord> PollUntil(Consumer* consumer, size_t count) {
    std::vector<ConsumerRecord> all;
    while (all.size() < count) {
      auto records = consumer->Poll(absl::Seconds(20), count - all.size());
      EXPECT_TRUE(records.ok()) << records.status();
      if (!records.ok() || records->empty()) break;
      for (auto& record : *records) all.push_back(std::move(record));
    }
    return all;
  }

  rpc::FakeBroker broker_;
  std::unique_ptr<rpc::GrpcServer> server_;
  std::string address_;
};

}  // namespace leat::client
