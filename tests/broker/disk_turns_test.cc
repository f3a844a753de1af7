#include "broker/disk_turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace leat::broker {
namespace {

using ::testing::ElementsAre;

TEST(DiskTurns, LetSoManyBeginAndTheOthersInTheirOrder) {
  DiskTurns turns(2);
  std::vector<int> begun;
  for (int i = 0; i < 5; ++i) turns.Take([&begun, i] { begun.push_back(i); });
  EXPECT_THAT(begun, ElementsAre(0, 1));
  turns.GiveBack();
  EXPECT_THAT(begun, ElementsAre(0, 1, 2));
  for (int i = 0; i < 4; ++i) turns.GiveBack();
  EXPECT_THAT(begun, ElementsAre(0, 1, 2, 3, 4));
  for (int i = 5; i < 8; ++i) turns.Take([&begun, i] { begun.push_back(i); });
  EXPECT_THAT(begun, ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

}  // namespace
}  // namespace leat::broker
