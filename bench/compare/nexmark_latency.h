// How long a row takes from the producer's clock through a job to a reader of committed records.
#pragma once

#include <cstdint>
#include <string>

namespace leat::load {

struct LatencyOptions {
  std::string address = "127.0.0.1:9095";
  std::string input;   // gets bids, whose bid.extra is "#<number>#"
  std::string output;  // gives them back, with that text somewhere in the value
  int partitions = 4;  // of the input
  double rate = 20'000;
  double seconds = 20;
  double warm_seconds = 5;
};

// Open loop: a bid's time runs from the moment at which it was due, however late it was sent. Prints one line of JSON;
// 1 if a bid did not come back within 20 s of the one before, came back twice, or a call failed.
int MeasureLatency(const LatencyOptions& options);

}  // namespace leat::load
