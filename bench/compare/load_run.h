// A run of the load generator: closed loop (each connection keeps `depth` requests under way) or open loop (requests at
// a fixed rate; the latency counts from when each should have been sent, so that a server that stalls is not
// flattered).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/compare/load_requests.h"

namespace leat::load {

struct LoadOptions {
  std::string at = "127.0.0.1:9092";  // of several, separated by commas, each partition's leader is asked
  std::string topic;
  int partitions = 1;
  int connections = 1;
  int depth = 1;
  BatchShape batch;
  int acks = -1;
  int max_bytes = 1 << 20;  // fetch
  double rate = 0;          // requests per second; 0: closed loop
  double warm_seconds = 0;  // before anything is counted
  double seconds = 10;
  std::vector<int> pids;  // of the server, whose cost is told
};

struct LoadResult {
  double seconds = 0;
  int64_t requests = 0;
  int64_t records = 0;
  int64_t bytes = 0;
  int64_t errors = 0;
  int16_t last_error = 0;
  double server_cpu_seconds = 0;
  double client_cpu_seconds = 0;
  long server_peak_rss_kib = 0;
  std::vector<int64_t> latencies_ns;  // sorted
};

LoadResult RunProduce(const LoadOptions& options);
LoadResult RunFetch(const LoadOptions& options);
std::string ResultJson(const LoadOptions& options, const LoadResult& result);

}  // namespace leat::load
