// A probe of availability: one small write after the other, each sent when the one before it was acknowledged, to
// whoever leads. Prints a JSON line for every change of the leader and for every time without an acknowledgement that
// was long; instants are those of the monotonic clock, so that whoever broke something knows what came of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/compare/load_requests.h"

namespace leat::load {

struct ProbeOptions {
  std::vector<std::string> addresses;  // IPv4:PORT, of all brokers
  std::string topic;
  int32_t partition = 0;
  // kWrites: a batch with acks=all. kChanges: a config of the topic, which is the controller's work.
  enum class What { kWrites, kChanges } what = What::kWrites;
  BatchShape batch;
  int interval_us = 1000;  // between an acknowledgement and the next write
  double gap_ms = 20;      // what is told
  int timeout_ms = 1000;   // without an answer; then another broker is asked
  double seconds = 3600;
};

// Runs until its time is over or it is ended by a signal. Returns the exit code.
int RunProbe(const ProbeOptions& options);

}  // namespace leat::load
