// The threads of simulated jobs, and every shape of job on a cluster where nothing goes wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "stream/run/await.h"
#include "stream/run/inbox.h"
#include "tests/sim/fibers.h"
#include "tests/sim/simulation.h"

namespace leat::nodes {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class FibersTest : public testing::Test {
 protected:
  sim::SimWorld world_{7};
  Machine machine_;
  Fibers fibers_{world_, machine_, Random(7)};
  std::vector<std::string> seen_;

  void Run() {
    while (world_.Step()) {
    }
  }
};

TEST_F(FibersTest, TakeTurnsWhereTheyWait) {
  run::Inbox<int> there(fibers_), back(fibers_);
  const auto asks = fibers_.Start([&] {
    there.Push(1);
    for (const int n : back.Take(absl::InfiniteDuration())) seen_.push_back(StrCat("answer ", n));
  });
  const auto answers = fibers_.Start([&] {
    for (const int n : there.Take(absl::InfiniteDuration())) {
      seen_.push_back(StrCat("question ", n));
      back.Push(n + 1);
    }
  });
  Run();
  EXPECT_THAT(seen_, ElementsAre("question 1", "answer 2"));
}

TEST_F(FibersTest, WaitNoLongerThanTheyWantTo) {
  run::Inbox<int> empty(fibers_);
  const Instant begun = world_.Now();
  const auto thread = fibers_.Start([&] {
    EXPECT_THAT(empty.Take(absl::Seconds(3)), IsEmpty());
    seen_.push_back("over");
  });
  Run();
  EXPECT_THAT(seen_, ElementsAre("over"));
  EXPECT_GE(world_.Now() - begun, absl::Seconds(3));
  EXPECT_LT(world_.Now() - begun, absl::Seconds(4));
}

TEST_F(FibersTest, StandStillWithTheirMachine) {
  run::Inbox<int> inbox(fibers_);
  Instant taken;
  const auto thread = fibers_.Start([&] {
    inbox.Take(absl::InfiniteDuration());
    taken = world_.Now();
  });
  world_.RunFor(absl::Seconds(1));
  machine_.still_until = world_.Now() + absl::Seconds(5);
  inbox.Push(1);
  Run();
  EXPECT_GE(taken, machine_.still_until);
}

TEST_F(FibersTest, AnEndIsWaitedForByAnother) {
  run::Inbox<int> inbox(fibers_);
  const auto outer = fibers_.Start([&] {
    auto inner = fibers_.Start([&] {
      inbox.Take(absl::Seconds(1));
      seen_.push_back("inner");
    });
    inner.reset();
    seen_.push_back("outer");
  });
  Run();
  EXPECT_THAT(seen_, ElementsAre("inner", "outer"));
}

// As a process that is killed: what waits goes no further, and what it held is let go.
TEST_F(FibersTest, AreUnwoundWhenTheirProcessDies) {
  struct Held {
    std::vector<std::string>& seen;
    ~Held() { seen.emplace_back("let go"); }
  };
  run::Inbox<int> inbox(fibers_);
  const auto outer = fibers_.Start([&] {
    const Held held{seen_};
    const auto inner = fibers_.Start([&] { inbox.Take(absl::InfiniteDuration()); });
    run::Await<int>(fibers_, [](auto) {});
    seen_.push_back("went on");
  });
  const auto late = fibers_.Start([&] { inbox.Take(absl::InfiniteDuration()); });
  world_.RunFor(absl::Seconds(1));
  const auto never = fibers_.Start([&] { seen_.push_back("began"); });
  fibers_.Kill();
  Run();
  EXPECT_THAT(seen_, ElementsAre("let go"));
}

// Other families off: a job that is not what its recomputation says without any fault is wrong, or its recomputation.
TEST(SimulatedJobs, EachShapeIsItsRecomputationWhereNothingGoesWrong) {
  std::set<Family> without;
  for (int i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    if (family != Family::kJobs && family != Family::kTransactions) without.insert(family);
  }
  std::set<std::string> shapes;
  for (uint64_t seed = 1001; shapes.size() < JobShapes().size() && seed < 1400; ++seed) {
    const Plan plan = MakePlan(seed, without);
    if (!plan.has(Family::kJobs)) continue;
    const std::vector<const JobShape*> chosen = ShapesOf(plan);
    if (std::ranges::all_of(chosen, [&](const JobShape* shape) { return shapes.contains(shape->name); })) continue;
    for (const JobShape* shape : chosen) shapes.insert(shape->name);
    EXPECT_EQ(Simulation(seed, without, Tracing::kQuiet).Run().failure, "") << "seed " << seed;
  }
  EXPECT_EQ(shapes.size(), JobShapes().size());
}

TEST(SimulatedJobs, ADifferenceFromTheRecomputationIsTold) {
  EXPECT_EQ(Difference("t", Bag{{"a", 1}}, Bag{{"a", 1}}), "");
  EXPECT_THAT(Difference("t", Bag{{"a", 1}, {"b", 1}}, Bag{{"a", 2}, {"c", 1}}), testing::HasSubstr("in 3 places"));
  EXPECT_THAT(Difference("t", Upserted{{"a", "1"}}, Upserted{{"a", "2"}}), testing::HasSubstr("expected 1, found 2"));
}

}  // namespace
}  // namespace leat::nodes
