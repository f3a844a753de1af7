// What a server process has used so far, as /proc tells it.
#pragma once

#include <string>
#include <vector>

namespace leat::load {

struct ServerCost {
  double cpu_seconds = 0;  // user and system, of all its threads
  long rss_kib = 0;
  long peak_rss_kib = 0;
};

// The sum over the processes; one that is gone counts nothing.
ServerCost CostOf(const std::vector<int>& pids);
double OwnCpuSeconds();

}  // namespace leat::load
