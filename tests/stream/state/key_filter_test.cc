#include "stream/state/key_filter.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"

namespace leat::state {
namespace {

TEST(KeyFilter, HasAllThatWasAddedAndLittleElse) {
  Random random(7);
  KeyFilter filter;
  EXPECT_FALSE(filter.MayHave(1));
  std::vector<size_t> added;
  for (int i = 0; i < 100'000; ++i) {
    added.push_back(random.Next());
    filter.Add(added.back());
  }
  for (const size_t hash : added) ASSERT_TRUE(filter.MayHave(hash));
  int others = 0;
  for (int i = 0; i < 100'000; ++i) others += filter.MayHave(random.Next()) ? 1 : 0;
  EXPECT_LT(others, 4000);
  EXPECT_LT(filter.MemoryBytes(), 4u * added.size());  // the last layer may be nearly empty
}

TEST(KeyFilter, AKeyAddedAgainTakesNoRoom) {
  KeyFilter filter;
  for (int i = 0; i < 1'000'000; ++i) filter.Add(static_cast<size_t>(i % 100) * 0x9e3779b97f4a7c15u);
  EXPECT_LE(filter.MemoryBytes(), 512u);
}

}  // namespace
}  // namespace leat::state
