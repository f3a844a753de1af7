// Consumers that share partitions as members of a group: they join, are given partitions by the one that leads, read
// on from what the group has committed, commit, leave, and die without a word.
//
// Promises: no partition has two owners in one generation; what a member of a generation finds committed is something
// that was asked for, and not below what an earlier generation was told is committed; nobody begins behind what was
// delivered, so that in the end every record was.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/stage.h"

namespace leat::nodes {

// What all members of one group were told.
class GroupHistory {
 public:
  GroupHistory(History& history, std::string group) : history_(history), group_(std::move(group)) {}
  void Owns(int32_t generation, const std::string& member, const model::TopicPartition& partition);
  void Asks(const model::TopicPartition& partition, int64_t offset) { partitions_[partition].asked.insert(offset); }
  void Committed(int32_t generation, const model::TopicPartition& partition, int64_t offset);
  // `offset` -1: nothing was committed.
  void Finds(int32_t generation, const model::TopicPartition& partition, int64_t offset);
  void Delivered(const model::TopicPartition& partition, int64_t from, int64_t to);
  // Everything below was delivered.
  int64_t delivered(const model::TopicPartition& partition) const;
  uint64_t commits() const { return commits_; }

 private:
  struct OfPartition {
    std::map<int32_t, std::string> owners;  // by generation
    std::map<int32_t, int64_t> committed;   // by generation: the highest that was acknowledged
    std::set<int64_t> asked;
    int64_t delivered = 0;
  };
  History& history_;
  const std::string group_;
  std::map<model::TopicPartition, OfPartition> partitions_;
  uint64_t commits_ = 0;
};

class ConsumerGroup final : public Actor {
 public:
  ConsumerGroup(Stage& stage, std::string name, int members);
  ~ConsumerGroup() override;
  ConsumerGroup(const ConsumerGroup&) = delete;
  ConsumerGroup& operator=(const ConsumerGroup&) = delete;

  void Start() override;
  // Every record of every partition was delivered.
  bool settled() const override;
  void Mark() override { marked_ = history_.commits(); }
  std::string WhyNotWorking() const override;

 private:
  class Member;
  Stage& stage_;
  const std::string name_;
  GroupHistory history_;
  std::vector<std::unique_ptr<Member>> members_;
  uint64_t marked_ = 0;
};

}  // namespace leat::nodes
