// A consumer without a group that reads a partition from its beginning for as long as the simulation lasts, and tells
// the history what it is shown.
#pragma once

#include <vector>

#include "tests/sim/stage.h"

namespace leat::nodes {

class Reader {
 public:
  Reader(Stage& stage, int number, model::Isolation isolation, model::TopicPartition partition);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void Start() { Fetch(); }
  int64_t position() const { return position_; }

 private:
  void Fetch();
  void Take(const broker::FetchPartitionResult& result);
  void TakeRecords(const broker::FetchPartitionResult& result);
  void Rest();
  // Where the log ends, as a consumer asks that begins there.
  void AskForEnd();

  Stage& stage_;
  const int number_;
  const model::Isolation isolation_;
  const model::TopicPartition partition_;
  Random random_;
  int64_t position_ = 0;
  int64_t end_ = 0;         // the highest that it was told of
  Cluster::Leader leader_;  // of the newest epoch that it was told of
};

}  // namespace leat::nodes
