#include "bench/compare/server_cost.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

namespace leat::load {
namespace {

// Fields 14 and 15 of /proc/PID/stat, behind the name in parentheses, which may hold anything.
double CpuSecondsOf(const std::string& folder) {
  std::ifstream file(folder + "/stat");
  std::string line;
  std::getline(file, line);
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(line.substr(name_end + 2));
  std::string field;
  double ticks = 0;
  for (int i = 3; i <= 15 && fields >> field; ++i) {
    if (i >= 14) ticks += std::stod(field);
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

ServerCost CostOf(const std::vector<int>& pids) {
  ServerCost cost;
  for (const int pid : pids) {
    const std::string folder = "/proc/" + std::to_string(pid);
    cost.cpu_seconds += CpuSecondsOf(folder);
    std::ifstream status(folder + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmHWM:")) cost.peak_rss_kib += std::stol(line.substr(6));
      if (line.starts_with("VmRSS:")) cost.rss_kib += std::stol(line.substr(6));
    }
  }
  return cost;
}

double OwnCpuSeconds() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace leat::load
