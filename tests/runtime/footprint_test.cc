#include "runtime/footprint.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

namespace leat::runtime {
namespace {

// Kilobytes of /proc/self/smaps_rollup's line "<name>: <kB> kB".
long Rollup(const std::string& name) {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::stol(line.substr(name.size() + 1));
  }
  return -1;
}

TEST(Footprint, GivesBackPagesAndTheCodeGoesOn) {
  const long before = Rollup("Rss");
  GiveBackStartMemory();
  const long after = Rollup("Rss");
  ASSERT_GT(after, 0);
  EXPECT_LT(after, before);
  GiveBackStartMemory();  // code that was given back runs again
}

}  // namespace
}  // namespace leat::runtime
