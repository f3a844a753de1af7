// A cluster's metadata in a test: applies what commands decide, and knows how brokers introduce themselves.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/check.h"
#include "meta/brokers.h"
#include "meta/commands.h"
#include "meta/partition_commands.h"
#include "model/error_status.h"

namespace leat::meta {

inline NodeList Nodes(std::initializer_list<int32_t> ids) {
  NodeList nodes;
  for (const int32_t id : ids) nodes.push_back(NodeId(id));
  return nodes;
}

class TestCluster {
 public:
  explicit TestCluster(uint64_t seed = 1) : random(seed) { Apply(FormatCluster(image, "c")); }

  // What decides refuses is a failure of the test.
  Delta Run(const absl::StatusOr<Records>& decided) {
    LEAT_CHECK(decided.ok()) << decided.status().ToString();
    return Apply(*decided);
  }
  Delta Apply(const Records& records) {
    Delta delta;
    for (const Record& record : records) {
      absl::StatusOr<Delta> change = image.Apply(record);
      LEAT_CHECK(change.ok()) << change.status().ToString();
      delta.Append(*std::move(change));
      all.push_back(record);
    }
    return delta;
  }

  // The registration of a node's `life`: its disk remembers the lives before it.
  static RegisterBroker Registration(int32_t node, uint64_t life = 1, std::string rack = "") {
    RegisterBroker command{.cluster_id = "c",
                           .broker = {.id = NodeId(node),
                                      .incarnation = {static_cast<uint64_t>(node), life},
                                      .listeners = {{"kafka", "host", 9000 + node}},
                                      .rack = std::move(rack),
                                      .directories = {{static_cast<uint64_t>(100 + node), 1}}}};
    for (uint64_t i = 1; i < life; ++i) command.known_incarnations.push_back({static_cast<uint64_t>(node), i});
    return command;
  }
  void Start(int32_t node, std::string rack = "") {
    Run(Decide(image, Registration(node, 1, std::move(rack)), Session::kNone, policy));
    Run(UnfenceBroker(image, NodeId(node), policy));
  }
  void StartAll(std::initializer_list<int32_t> nodes) {
    for (const int32_t node : nodes) Start(node);
  }
  void Fence(int32_t node) { Run(FenceBroker(image, NodeId(node), policy)); }
  void Unfence(int32_t node) { Run(UnfenceBroker(image, NodeId(node), policy)); }

  // A topic whose partitions have these replicas.
  TopicId Create(const std::string& name, std::vector<NodeList> replicas, Configs configs = {}) {
    const auto count = static_cast<int32_t>(replicas.size());
    Run(Decide(
        image,
        CreateTopic{
            .name = name, .partitions = count, .configs = std::move(configs), .assignments = std::move(replicas)},
        policy, random));
    return image.FindTopic(name)->id;
  }
  PartitionKey Key(const std::string& topic, int32_t partition = 0) const {
    return {image.FindTopic(topic)->id, PartitionId(partition)};
  }
  const Partition& At(const std::string& topic, int32_t partition = 0) const {
    const Partition* found = image.FindPartition(Key(topic, partition));
    LEAT_CHECK(found != nullptr) << topic;
    return *found;
  }
  // The leader asks for this in-sync set, as it would now.
  AlterPartition IsrChange(const std::string& topic, const NodeList& isr) const {
    const Partition& p = At(topic);
    const BrokerPtr leader = image.FindBroker(p.leader);
    AlterPartition command{
        p.leader, leader == nullptr ? -1 : leader->epoch(), Key(topic), p.leader_epoch, p.partition_epoch, {}};
    for (const NodeId node : isr) {
      const BrokerPtr member = image.FindBroker(node);
      command.isr.push_back({node, member == nullptr ? -1 : member->epoch()});
    }
    return command;
  }
  void SetIsr(const std::string& topic, const NodeList& isr) { Run(Decide(image, IsrChange(topic, isr), policy)); }

  Image image;
  Policy policy;
  Random random;
  Records all;
};

inline std::string ErrorOf(const absl::StatusOr<Records>& result) {
  if (result.ok()) return "no error";
  const std::optional<model::ErrorCode> code = model::CodeOf(result.status());
  return StrCat(code ? model::ErrorName(*code) : "no code", ": ", Message(result.status()));
}

}  // namespace leat::meta
