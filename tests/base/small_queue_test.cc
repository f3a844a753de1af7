#include "base/small_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <deque>
#include <memory>
#include <vector>

namespace leat {
namespace {

using ::testing::ElementsAre;

std::vector<int> All(const SmallQueue<int>& queue) { return {queue.begin(), queue.end()}; }

TEST(SmallQueue, TakesNothingBeforeItIsUsedAndGivesBackWhatItTook) {
  SmallQueue<std::array<char, 100>> queue;
  EXPECT_EQ(queue.capacity(), 0u);
  for (int i = 0; i < 1000; ++i) queue.push_back({});
  while (!queue.empty()) queue.pop_front();
  EXPECT_EQ(queue.capacity(), 0u);
}

TEST(SmallQueue, KeepsALittleForTheNextUse) {
  SmallQueue<int> queue;
  queue.push_back(1);
  queue.pop_front();
  EXPECT_GT(queue.capacity(), 0u);
}

TEST(SmallQueue, StaysAsLargeAsWhatWaitsInIt) {
  SmallQueue<int> queue;
  for (int i = 0; i < 4; ++i) queue.push_back(i);
  for (int i = 4; i < 10'000; ++i) {
    EXPECT_EQ(queue.front(), i - 4);
    queue.pop_front();
    queue.push_back(i);
  }
  EXPECT_LE(queue.capacity(), 16u);
}

TEST(SmallQueue, DestroysWhatGoesAtOnce) {
  SmallQueue<std::shared_ptr<int>> queue;
  const auto one = std::make_shared<int>(1);
  queue.push_back(one);
  queue.push_back(std::make_shared<int>(2));
  queue.pop_front();
  EXPECT_EQ(one.use_count(), 1);
}

TEST(SmallQueue, LeavesNothingWhereItMovesFrom) {
  SmallQueue<int> queue;
  for (int i = 0; i < 3; ++i) queue.push_back(i);
  queue.pop_front();
  SmallQueue<int> other = std::exchange(queue, {});
  EXPECT_TRUE(queue.empty());
  EXPECT_THAT(All(other), ElementsAre(1, 2));
  queue = std::move(other);
  EXPECT_TRUE(other.empty());
  EXPECT_THAT(All(queue), ElementsAre(1, 2));
}

struct PushesWhenDestroyed {
  explicit PushesWhenDestroyed(SmallQueue<std::unique_ptr<PushesWhenDestroyed>>* queue) : to(queue) {}
  ~PushesWhenDestroyed() {
    if (to != nullptr) to->push_back(std::make_unique<PushesWhenDestroyed>(nullptr));
  }
  SmallQueue<std::unique_ptr<PushesWhenDestroyed>>* to;
};

TEST(SmallQueue, MayBeUsedByWhatItDestroys) {
  SmallQueue<std::unique_ptr<PushesWhenDestroyed>> queue;
  queue.push_back(std::make_unique<PushesWhenDestroyed>(&queue));
  queue.clear();
  EXPECT_EQ(queue.size(), 1u);
  queue.clear();
  queue.push_back(std::make_unique<PushesWhenDestroyed>(&queue));
  queue.pop_front();
  EXPECT_EQ(queue.size(), 1u);
}

RC_GTEST_PROP(SmallQueue, IsAsADeque, ()) {
  SmallQueue<int> queue;
  std::deque<int> model;
  for (const int choice : *rc::gen::container<std::vector<int>>(*rc::gen::inRange(0, 300), rc::gen::inRange(0, 12))) {
    if (choice < 5) {
      queue.push_back(choice);
      model.push_back(choice);
    } else if (choice == 5) {
      queue.push_front(choice);
      model.push_front(choice);
    } else if (choice == 6) {
      queue.insert(model.size() / 2, choice);
      model.insert(model.begin() + static_cast<ptrdiff_t>(model.size() / 2), choice);
    } else if (choice == 7 && model.size() > 20) {
      queue.clear();
      model.clear();
    } else if (!model.empty() && choice == 8) {
      queue.pop_back();
      model.pop_back();
    } else if (!model.empty()) {
      queue.pop_front();
      model.pop_front();
    }
    RC_ASSERT(queue.size() == model.size());
    RC_ASSERT(std::equal(queue.begin(), queue.end(), model.begin(), model.end()));
    if (!model.empty()) RC_ASSERT(queue.front() == model.front() && queue.back() == model.back());
  }
}

}  // namespace
}  // namespace leat
