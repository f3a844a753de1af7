// Interval, window, temporal and lookup joins: what they emit and when, and random input with kills against the joins
// as they are defined.
#include <gmock/gmock.h>

#include <algorithm>
#include <functional>

#include "base/random.h"
#include "tests/stream/exec/join_testing.h"

namespace leat::exec {
namespace {

using namespace testing;  // NOLINT
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::shared_ptr<plan::Node> MakeInterval(JoinType type, int64_t lower_ms, int64_t upper_ms) {
  auto node = MakeJoinNode(plan::NodeKind::kIntervalJoin, type);
  node->join.lower_ms = lower_ms;
  node->join.upper_ms = upper_ms;
  return node;
}

TEST(IntervalJoin, BoundsAreInclusive) {
  JoinTask task(MakeInterval(JoinType::kInner, -10, 5));
  task.Insert(1, {1, 0, 100});
  task.Insert(0, {1, 1, 89});
  task.Insert(0, {1, 2, 90});
  task.Insert(0, {1, 3, 105});
  task.Insert(0, {1, 4, 106});
  EXPECT_THAT(task.output.there, SizeIs(2));
}

TEST(IntervalJoin, APaddedRowComesWhenNothingCanMeetItAnyMore) {
  JoinTask task(MakeInterval(JoinType::kLeft, -10, 0));
  task.Insert(0, {1, 1, 100});
  task.Watermark(110);
  EXPECT_THAT(task.output.there, IsEmpty()) << "a right row of 110 may still come";
  task.Watermark(112);
  EXPECT_THAT(task.output.there, SizeIs(1));
  EXPECT_EQ(task.StateEntries(), 0u);
  EXPECT_LT(task.OutputWatermark(110), 100) << "the row has the time of when it came";
}

TEST(IntervalJoin, ALateRowMeetsWhatIsKeptAndIsNotKept) {
  JoinTask task(MakeInterval(JoinType::kLeft, -10, 10));
  task.Insert(1, {1, 0, 100});
  task.Watermark(105);
  task.Insert(0, {1, 1, 94});
  EXPECT_THAT(task.output.there, SizeIs(1));
  task.Insert(0, {1, 2, 80});
  EXPECT_THAT(task.output.there, SizeIs(2)) << "too late for anything: padded at once";
  EXPECT_EQ(task.StateEntries(), 1u) << "the right row alone";
}

TEST(IntervalJoin, AnImpossibleIntervalPadsEverything) {
  JoinTask task(MakeInterval(JoinType::kFull, 5, -5));
  task.Insert(0, {1, 1, 100});
  task.Insert(1, {1, 1, 100});
  task.Watermark(kMaxWatermark);
  EXPECT_THAT(task.output.there, SizeIs(2));
}

TEST(IntervalJoin, TheEndOfTheInputIsNotHeldBack) {
  JoinTask task(MakeInterval(JoinType::kInner, 0, 0));
  EXPECT_EQ(task.OutputWatermark(kMaxWatermark), kMaxWatermark);
}

TEST(WindowJoin, FiresAtTheEndOfTheWindowAndTakesNoLaterRow) {
  JoinTask task(MakeJoinNode(plan::NodeKind::kWindowJoin, JoinType::kInner));
  task.Insert(0, {1, 1, 60'000});
  task.Insert(1, {1, 2, 60'000});
  task.Insert(1, {1, 3, 120'000});
  task.Watermark(59'998);
  EXPECT_THAT(task.output.there, IsEmpty());
  task.Watermark(59'999);
  EXPECT_THAT(task.output.there, SizeIs(1));
  task.Barrier();
  task.KillAndRestore();
  task.Insert(0, {1, 1, 60'000});
  EXPECT_EQ(task.output.late, 1u) << "after a restart as well";
}

std::shared_ptr<plan::Node> MakeTemporal(JoinType type) { return MakeJoinNode(plan::NodeKind::kTemporalJoin, type); }

TEST(TemporalJoin, AVersionHoldsFromItsTimeUntilTheNextOne) {
  JoinTask task(MakeTemporal(JoinType::kInner));
  for (const int64_t ms : {9, 10, 19, 20}) task.Insert(0, {1, static_cast<int32_t>(ms), ms});
  task.Process(1, {{RowKind::kInsert, {1, 100, 10}}, {RowKind::kUpdateAfter, {1, 200, 20}}});
  task.Watermark(19);
  EXPECT_THAT(task.output.there, SizeIs(2));
  task.Watermark(20);
  ASSERT_THAT(task.output.there, SizeIs(3));
  const JoinRow at_20{1, 20, 20};
  const JoinRow version{1, 200, 20};
  EXPECT_TRUE(task.output.there.contains(Text(&at_20, &version, JoinType::kInner)));
}

TEST(TemporalJoin, ADeleteMakesAHoleAndLateRowsAreLate) {
  JoinTask task(MakeTemporal(JoinType::kLeft));
  task.Process(1, {{RowKind::kInsert, {1, 100, 10}}, {RowKind::kDelete, {1, 100, 30}}});
  task.Insert(0, {1, 1, 29});
  task.Insert(0, {1, 2, 30});
  task.Watermark(40);
  const JoinRow met{1, 1, 29};
  const JoinRow alone{1, 2, 30};
  const JoinRow version{1, 100, 10};
  EXPECT_TRUE(task.output.there.contains(Text(&met, &version, JoinType::kLeft)));
  EXPECT_TRUE(task.output.there.contains(Text(&alone, nullptr, JoinType::kLeft)));
  task.Insert(0, {1, 3, 40});
  EXPECT_EQ(task.output.late, 1u);
}

TEST(TemporalJoin, KeepsTheNewestVersionAndNoOlderOne) {
  JoinTask task(MakeTemporal(JoinType::kInner));
  for (int i = 1; i <= 100; ++i) {
    task.Insert(1, {1, i, 10 * i});
    task.Watermark(10 * i);
  }
  task.Insert(0, {1, 1, 5000});
  task.Watermark(5000);
  const JoinRow left{1, 1, 5000};
  const JoinRow newest{1, 100, 1000};
  EXPECT_TRUE(task.output.there.contains(Text(&left, &newest, JoinType::kInner)));
  EXPECT_EQ(task.StateEntries(), 2u) << "the versions of the key, and the watermark";
}

TEST(LookupJoin, TakesTheRowThatIsThereWhenTheLeftRowComes) {
  JoinTask task(MakeJoinNode(plan::NodeKind::kLookupJoin, JoinType::kLeft));
  task.Insert(0, {1, 1});
  task.Insert(1, {1, 100});
  task.Insert(0, {1, 2});
  task.Process(1, {{RowKind::kUpdateBefore, {1, 100}}, {RowKind::kUpdateAfter, {1, 200}}});
  task.Barrier();
  task.KillAndRestore();
  task.Insert(0, {1, 3});
  task.Delete(1, {1, 200});
  task.Insert(0, {1, 4});
  task.Insert(0, {std::nullopt, 5});
  const JoinRow lefts[] = {{1, 1}, {1, 2}, {1, 3}, {1, 4}, {std::nullopt, 5}};
  const JoinRow first{1, 100};
  const JoinRow second{1, 200};
  const std::map<std::string, int> expected = {{Text(&lefts[0], nullptr, JoinType::kLeft), 1},
                                               {Text(&lefts[1], &first, JoinType::kLeft), 1},
                                               {Text(&lefts[2], &second, JoinType::kLeft), 1},
                                               {Text(&lefts[3], nullptr, JoinType::kLeft), 1},
                                               {Text(&lefts[4], nullptr, JoinType::kLeft), 1}};
  EXPECT_EQ(task.output.there, expected);
}

// --- random input ---

struct Event {
  int side = 0;  // 2: a watermark
  JoinRow row;
};

// Rows of both sides in disorder, and watermarks that make none of them late.
std::vector<Event> RandomEvents(Random& random, const std::function<int64_t(int64_t)>& time_of) {
  std::vector<Event> events;
  int64_t now = 0;
  int64_t watermark = -100;
  for (int i = 0; i < 80; ++i) {
    if (random.OneIn(5)) {
      watermark = std::max(watermark, now - 20 - 1);
      events.push_back({2, {std::nullopt, 0, watermark}});
      continue;
    }
    now += static_cast<int64_t>(random.Below(8));
    JoinRow row{std::nullopt, static_cast<int32_t>(random.Below(4)),
                time_of(now - static_cast<int64_t>(random.Below(20)))};
    if (!random.OneIn(8)) row.k = static_cast<int32_t>(random.Below(3));
    events.push_back({static_cast<int>(random.Below(2)), row});
  }
  events.push_back({2, {std::nullopt, 0, kMaxWatermark}});
  return events;
}

// Feeds the events, with barriers and kills on the way.
void Feed(JoinTask& task, const std::vector<Event>& events, Random& random) {
  size_t barrier = 0;
  int kills = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    if (event.side == 2) {
      task.Watermark(event.row.ms);
    } else {
      task.Insert(event.side, event.row);
    }
    if (random.OneIn(8)) {
      task.Barrier();
      barrier = i + 1;
    } else if (kills < 5 && random.OneIn(12)) {
      ++kills;
      task.KillAndRestore();
      i = barrier - 1;  // wraps to the first event
    }
  }
}

std::vector<JoinRow> Side(const std::vector<Event>& events, int side) {
  std::vector<JoinRow> rows;
  for (const Event& event : events) {
    if (event.side == side) rows.push_back(event.row);
  }
  return rows;
}

TEST(IntervalJoin, EqualsTheNaiveJoinOfRandomRows) {
  for (const JoinType type : {JoinType::kInner, JoinType::kLeft, JoinType::kRight, JoinType::kFull}) {
    for (const bool with_condition : {false, true}) {
      for (uint64_t seed = 1; seed <= 25; ++seed) {
        SCOPED_TRACE(StrCat("type ", static_cast<int>(type), " seed ", seed));
        Random random(seed);
        const int64_t lower = random.Between(-30, 10);
        const int64_t upper = lower + random.Between(-3, 40);
        auto node = MakeInterval(type, lower, upper);
        if (with_condition) node->join.condition = LessByV();
        JoinTask task(node);
        const std::vector<Event> events = RandomEvents(random, [](int64_t ms) { return ms; });
        Feed(task, events, random);
        const auto meets = [&](const JoinRow& a, const JoinRow& b) {
          return a.k && b.k && *a.k == *b.k && a.ms - b.ms >= lower && a.ms - b.ms <= upper &&
                 (!with_condition || a.v < b.v);
        };
        ASSERT_EQ(task.output.there, NaiveJoin(Side(events, 0), Side(events, 1), type, meets));
        ASSERT_EQ(task.StateEntries(), 0u);
      }
    }
  }
}

TEST(WindowJoin, EqualsTheNaiveJoinOfRandomRows) {
  for (const JoinType type : kEveryType) {
    for (const bool with_condition : {false, true}) {
      for (uint64_t seed = 1; seed <= 25; ++seed) {
        SCOPED_TRACE(StrCat("type ", static_cast<int>(type), " seed ", seed));
        Random random(seed);
        auto node = MakeJoinNode(plan::NodeKind::kWindowJoin, type);
        if (with_condition) node->join.condition = LessByV();
        JoinTask task(node);
        const auto window_end = [](int64_t ms) { return (ms < 0 ? 0 : ms) / 10 * 10 + 10; };
        const std::vector<Event> events = RandomEvents(random, window_end);
        Feed(task, events, random);
        const auto meets = [&](const JoinRow& a, const JoinRow& b) {
          return a.k && b.k && *a.k == *b.k && a.ms == b.ms && (!with_condition || a.v < b.v);
        };
        ASSERT_EQ(task.output.late, 0u);
        ASSERT_EQ(task.output.there, NaiveJoin(Side(events, 0), Side(events, 1), type, meets));
      }
    }
  }
}

TEST(TemporalJoin, EqualsTheVersionsOfRandomRows) {
  for (const JoinType type : {JoinType::kInner, JoinType::kLeft}) {
    for (const bool with_condition : {false, true}) {
      for (uint64_t seed = 1; seed <= 25; ++seed) {
        SCOPED_TRACE(StrCat("type ", static_cast<int>(type), " seed ", seed));
        Random random(seed);
        auto node = MakeTemporal(type);
        if (with_condition) node->join.condition = LessByV();
        JoinTask task(node);
        const std::vector<Event> events = RandomEvents(random, [](int64_t ms) { return ms; });
        Feed(task, events, random);
        const std::vector<JoinRow> versions = Side(events, 1);
        const auto meets = [&](const JoinRow& a, const JoinRow& b) {
          if (!a.k || !b.k || *a.k != *b.k || b.ms > a.ms || (with_condition && a.v >= b.v)) return false;
          // No later version of the key holds; of those with one time the last that came counts.
          bool behind = false;
          for (const JoinRow& other : versions) {
            if (&other == &b) {
              behind = true;
              continue;
            }
            if (!other.k || *other.k != *b.k || other.ms > a.ms) continue;
            if (other.ms > b.ms || (behind && other.ms == b.ms)) return false;
          }
          return true;
        };
        const std::vector<JoinRow> lefts = Side(events, 0);
        std::map<std::string, int> expected;
        for (const JoinRow& left : lefts) {
          const JoinRow* met = nullptr;
          for (const JoinRow& version : versions) {
            if (meets(left, version)) met = &version;
          }
          if (met != nullptr || type == JoinType::kLeft) ++expected[Text(&left, met, type)];
        }
        ASSERT_EQ(task.output.late, 0u);
        ASSERT_EQ(task.output.there, expected);
      }
    }
  }
}

}  // namespace
}  // namespace leat::exec
