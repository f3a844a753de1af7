// Runs a script of commands against the coordinator's core and prints everything that comes out of it. One command a
// line:
//   init ID [timeout=MS] [as=PRODUCER/EPOCH]
//   add ID PRODUCER/EPOCH VERSION PARTITION..      verify ID PRODUCER/EPOCH PARTITION..
//   end ID PRODUCER/EPOCH VERSION commit|abort     complete ID
//   advance MS      expire      forget      restart (replays all records)      epoch ID N (as if it had been bumped)
#pragma once

#include <string>
#include <vector>

#include "txn/core.h"

namespace leat::txn {

class Script {
 public:
  Script();
  std::string Run(const std::string& text);

 private:
  void RunLine(const std::vector<std::string>& words);
  void Print(const std::string& id, const Decision& decision);
  void Apply(const Record& record);
  Now now() const { return {monotonic_, wall_ms_}; }
  model::ProducerId fresh() const { return model::ProducerId(next_id_); }
  void Restart();

  Limits limits_;
  Core core_;
  std::vector<Record> log_;
  Instant monotonic_ = Instant::FromNanos(1'000'000'000);
  int64_t wall_ms_ = 1'000'000;
  int64_t next_id_ = 1000;
  std::string out_;
};

}  // namespace leat::txn
