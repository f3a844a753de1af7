// What the connections between nodes count. Thread-safe, like all handles.
#pragma once

#include "env/metrics.h"

namespace leat::runtime {

struct PeerMetrics {
  explicit PeerMetrics(env::Metrics& metrics);

  env::Counter& bytes_out;
  env::Counter& bytes_in;
  env::Counter& made;      // connections to others
  env::Counter& accepted;  // connections of others
  env::Counter& lost;      // connections that ended otherwise than by being closed here
  env::Counter& refused;   // strangers
  env::Counter& dropped;   // messages that were not sent
};

}  // namespace leat::runtime
