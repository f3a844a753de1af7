// The metrics of the Kafka listener. One object a shard, so that its look-ups need no lock; the series behind it are
// the node's.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "base/time.h"
#include "env/metrics.h"

namespace leat::kafka {

class ServerMetrics {
 public:
  explicit ServerMetrics(env::Metrics& metrics);

  // A request of a served API has been answered. `error`: the code that its answer carries.
  void NoteRequest(int16_t api_key, int16_t error, Duration took);

  env::Counter& bytes_in;
  env::Counter& bytes_out;
  env::Counter& accepted;
  env::Counter& refused;
  env::Counter& moved;
  env::Counter& failed;  // closed for what the client did

 private:
  struct OfApi {
    env::Histogram* seconds = nullptr;
    std::vector<std::pair<int16_t, env::Counter*>> by_error;
  };
  env::Metrics& metrics_;
  std::vector<OfApi> apis_;  // by key
};

// How many connections are open, of the node: set by the acceptor.
env::Gauge& OpenConnections(env::Metrics& metrics);

}  // namespace leat::kafka
