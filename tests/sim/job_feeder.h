// Feeds the inputs of simulated jobs: one idempotent producer with a batch under way for each partition. When work ends
// each partition of events gets a last row that is far ahead, so that every window before it is closed.
#pragma once

#include <string>
#include <vector>

#include "tests/sim/job_shapes.h"
#include "tests/sim/stage.h"

namespace leat::nodes {

class JobFeeder {
 public:
  // `topics`: of those that are fed, with their numbers of partitions.
  JobFeeder(Stage& stage, const std::vector<std::pair<std::string, int>>& topics);
  ~JobFeeder();
  JobFeeder(const JobFeeder&) = delete;
  JobFeeder& operator=(const JobFeeder&) = delete;

  void Start() { AskForId(); }
  bool done() const;  // it was told to begin nothing new, and everything is acknowledged

 private:
  struct Lane {
    model::TopicPartition partition;
    int number = 0;
    int of = 1;  // partitions of the topic
    int64_t rows = 0;
    int64_t clock_ms = 1'700'000'000'000;
    int32_t sequence = 0;
    std::string batch;  // under way
    bool last = false;  // nothing comes behind what is under way
    bool done = false;
  };
  void AskForId();
  void Next(Lane& lane);
  void Fill(Lane& lane);
  void Send(Lane& lane);
  JobRecord RecordOf(Lane& lane);
  JobRecord ChangeOf(Lane& lane);

  Stage& stage_;
  Random random_;
  model::ProducerId id_{-1};
  int16_t epoch_ = -1;
  std::vector<Lane> lanes_;
};

}  // namespace leat::nodes
