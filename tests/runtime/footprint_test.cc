#include "runtime/footprint.h"

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

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

// What a thread has freed stays in its arena when something behind it is still used.
TEST(Footprint, GivesBackWhatEndedThreadsHaveFreed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's allocator keeps what is freed, and malloc_trim is not its own";
#endif
  constexpr size_t kBlock = 32 << 10;
  constexpr size_t kBlocks = 6000;  // 188 MiB
  std::unique_ptr<std::string> last;
  std::thread([&] {
    std::vector<std::unique_ptr<std::string>> blocks;
    for (size_t i = 0; i < kBlocks; ++i) blocks.push_back(std::make_unique<std::string>(kBlock, 'x'));
    last = std::move(blocks.back());
  }).join();
  const long before = Rollup("Rss");
  ASSERT_GT(before, static_cast<long>(kBlock * kBlocks / 1024));
  GiveBackFreeMemory();
  EXPECT_LT(Rollup("Rss"), before - 150'000);
  EXPECT_EQ(last->size(), kBlock);
}

TEST(Footprint, LeavesWhatIsUsed) {
  const std::string used(200 << 20, 'x');
  const long before = Rollup("Rss");
  GiveBackFreeMemory();
  EXPECT_GT(Rollup("Rss"), before - 10'000);
  EXPECT_EQ(used.back(), 'x');
}

}  // namespace
}  // namespace leat::runtime
