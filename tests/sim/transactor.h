// A transactional producer: transactions over several partitions, some with offsets of a group, most committed, some
// aborted, some left alone by a producer that dies and comes back under its transactional id.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "broker/transactions.h"
#include "tests/sim/stage.h"

namespace leat::nodes {

class Transactor final : public Actor {
 public:
  Transactor(Stage& stage, int number, std::vector<model::TopicPartition> partitions);
  ~Transactor() override;

  void Start() override { Init(); }
  bool settled() const override { return rests_; }
  void Mark() override { marked_ = committed_; }
  std::string WhyNotWorking() const override;

 private:
  using Step = void (Transactor::*)();
  // Sends a request of the current step; `take` gets the answer. Without one, or with an error that says so, the step
  // is tried again.
  template <typename Reply, typename Send>
  void Ask(int node, Step again, Send send, std::function<model::ErrorCode(const Reply&)> take, Step next);
  int Coordinator();
  void Init();
  void Begin();
  void Produce();
  void Produced();
  void Offsets();
  void End();
  void Ended();
  void GiveUp();
  void Later(Step step, Duration mean);

  Stage& stage_;
  const int number_;
  const std::string id_;
  const std::vector<model::TopicPartition> partitions_;
  Random random_;
  broker::ProducerIdentity self_;
  broker::ProducerIdReply reply_;
  int64_t transaction_ = -1;  // open; -1: none
  bool commit_asked_ = false;
  bool rests_ = false;
  model::TransactionEnd end_ = model::TransactionEnd::kCommit;
  int left_ = 0;  // batches
  model::TopicPartition target_;
  std::string batch_;
  std::map<model::TopicPartition, int32_t> sequences_;  // of this epoch
  int64_t serial_ = 0;
  uint64_t committed_ = 0, marked_ = 0;
  model::ErrorCode last_ = model::ErrorCode::kNone;
};

}  // namespace leat::nodes
