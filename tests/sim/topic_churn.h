// Somebody who makes, grows and deletes topics under a few names, through any node, one after the other. What the nodes
// answer is checked for having been possible: linearizable.h.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/sim/linearizable.h"
#include "tests/sim/stage.h"

namespace leat::nodes {

// Several hands share one.
using TopicHistories = std::map<std::string, std::vector<TopicOperation>>;

class TopicChurn final : public Actor {
 public:
  TopicChurn(Stage& stage, int number, TopicHistories& histories);
  ~TopicChurn() override;

  void Start() override { Next(); }
  bool settled() const override { return !waiting_; }
  void Mark() override { marked_ = answered_; }
  std::string WhyNotWorking() const override;

 private:
  void Next();
  void Ask();
  void Take(const std::string& name, size_t operation, const std::optional<std::vector<broker::TopicResult>>& reply);

  Stage& stage_;
  const int number_;
  TopicHistories& histories_;
  Random random_;
  bool waiting_ = false;
  uint64_t answered_ = 0, marked_ = 0;  // with an answer that says what happened
};

// Empty: every history was possible.
std::string CheckTopics(const TopicHistories& histories);

}  // namespace leat::nodes
