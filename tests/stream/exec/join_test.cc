// The regular join: what it emits and in which order, against a naive join of random changelogs with kills, and state
// that is forgotten.
#include <gmock/gmock.h>

#include "base/random.h"
#include "tests/stream/exec/join_testing.h"

namespace leat::exec {
namespace {

using namespace testing;  // NOLINT
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kEpoch[] = "1970-01-01 00:00:00";

std::string Joined(std::string_view kind, int k, int a, int b) {
  return StrCat(kind, "[", k, ", ", a, ", ", kEpoch, ".000, ", k, ", ", b, ", ", kEpoch, ".000]");
}
std::string LeftAlone(std::string_view kind, int k, int a) {
  return StrCat(kind, "[", k, ", ", a, ", ", kEpoch, ".000, NULL, NULL, NULL]");
}

TEST(Join, ALeftRowIsPaddedUntilItIsMet) {
  JoinTask task(MakeJoinNode(plan::NodeKind::kJoin, JoinType::kLeft));
  task.Insert(0, {1, 10});
  EXPECT_THAT(task.TakeChanges(), ElementsAre(LeftAlone("+I", 1, 10)));
  task.Insert(1, {1, 20});
  EXPECT_THAT(task.TakeChanges(), ElementsAre(LeftAlone("-D", 1, 10), Joined("+I", 1, 10, 20)));
  task.Insert(1, {1, 21});
  EXPECT_THAT(task.TakeChanges(), ElementsAre(Joined("+I", 1, 10, 21)));
  task.Delete(1, {1, 20});
  EXPECT_THAT(task.TakeChanges(), ElementsAre(Joined("-D", 1, 10, 20)));
  task.Delete(1, {1, 21});
  EXPECT_THAT(task.TakeChanges(), ElementsAre(Joined("-D", 1, 10, 21), LeftAlone("+I", 1, 10)));
}

TEST(Join, AnInnerJoinPassesKindsOn) {
  JoinTask task(MakeJoinNode(plan::NodeKind::kJoin, JoinType::kInner));
  task.Insert(0, {1, 10});
  task.Insert(1, {1, 20});
  task.TakeChanges();
  task.Process(0, {{RowKind::kUpdateBefore, {1, 10}}, {RowKind::kUpdateAfter, {1, 11}}});
  EXPECT_THAT(task.TakeChanges(), ElementsAre(Joined("-U", 1, 10, 20), Joined("+U", 1, 11, 20)));
}

TEST(Join, NullsMeetNothingUnlessTheyAreSaidToBeEqual) {
  for (const bool equal : {false, true}) {
    auto node = MakeJoinNode(plan::NodeKind::kJoin, JoinType::kInner);
    node->join.null_matches = {static_cast<uint8_t>(equal ? 1 : 0)};
    JoinTask task(node);
    task.Insert(0, {std::nullopt, 1});
    task.Insert(1, {std::nullopt, 2});
    EXPECT_EQ(task.output.there.size(), equal ? 1u : 0u);
    EXPECT_EQ(task.StateEntries(), equal ? 2u : 0u) << "what meets nothing is not kept";
  }
}

TEST(Join, ARetractionOfARowThatIsNotThereGivesNothing) {
  JoinTask task(MakeJoinNode(plan::NodeKind::kJoin, JoinType::kFull));
  task.Insert(1, {1, 20});
  task.TakeChanges();
  task.Delete(0, {1, 10});
  EXPECT_THAT(task.TakeChanges(), IsEmpty());
}

TEST(Join, KeepsManyRowsOfOneKey) {
  JoinTask task(MakeJoinNode(plan::NodeKind::kJoin, JoinType::kInner));
  for (int i = 0; i < 1000; ++i) task.Insert(0, {1, i});
  for (int i = 0; i < 1000; i += 2) task.Delete(0, {1, i});
  task.Barrier();
  task.KillAndRestore();
  for (int i = 1; i < 500; i += 2) task.Delete(0, {1, i});
  task.Insert(1, {1, 7});
  EXPECT_EQ(task.output.there.size(), 250u);
  task.Delete(1, {1, 7});
  for (int i = 501; i < 1000; i += 2) task.Delete(0, {1, i});
  EXPECT_THAT(task.output.there, IsEmpty());
  EXPECT_EQ(task.StateEntries(), 0u);
}

// Right rows are always later than the watermark, and meet left rows that are not earlier than they are: a left row can
// go as soon as the watermark is at its time, and nothing is missed.
TEST(Join, LetsRowsGoThatNothingMeetsAnyMore) {
  for (const JoinType type :
       {JoinType::kInner, JoinType::kLeft, JoinType::kRight, JoinType::kFull, JoinType::kSemi, JoinType::kAnti}) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      SCOPED_TRACE(StrCat("type ", static_cast<int>(type), ", seed ", seed));
      auto node = MakeJoinNode(plan::NodeKind::kJoin, type);
      node->join.left_time = 2;
      node->join.lower_ms = 1;
      node->join.condition =
          Call(FunctionId::kLessOrEqual, {plan::Input(5, data::Timestamp(3)), plan::Input(2, data::Timestamp(3))});
      JoinTask task(node);
      Random random(seed);
      std::vector<JoinRow> lefts;
      std::vector<JoinRow> rights;
      int64_t watermark = 0;
      for (int i = 0; i < 300; ++i) {
        const int32_t key = static_cast<int32_t>(random.Below(3));
        if (random.OneIn(4)) {
          rights.push_back({key, i, watermark + 1 + static_cast<int64_t>(random.Below(3000))});
          task.Insert(1, rights.back());
        } else {
          lefts.push_back({key, i, std::max<int64_t>(0, watermark + static_cast<int64_t>(random.Below(6000)) - 2000)});
          task.Insert(0, lefts.back());
        }
        if (random.OneIn(5)) task.Watermark(watermark += static_cast<int64_t>(random.Below(1500)));
        if (random.OneIn(20)) {
          task.Barrier();
          task.KillAndRestore();
          task.context.watermark_ms = watermark;
        }
      }
      const auto meets = [](const JoinRow& left, const JoinRow& right) {
        return left.k == right.k && right.ms <= left.ms;
      };
      EXPECT_EQ(task.output.there, NaiveJoin(lefts, rights, type, meets));
      const size_t before = task.StateEntries();
      task.Watermark(watermark + 20'000);
      EXPECT_LT(task.StateEntries(), before);
      EXPECT_LE(task.StateEntries(), 3u) << "the right rows of each key";
    }
  }
}

TEST(Join, ForgetsEachSideAfterItsOwnTime) {
  auto node = MakeJoinNode(plan::NodeKind::kJoin, JoinType::kInner);
  node->join.left_ttl_ms = 1000;
  node->join.right_ttl_ms = 100'000;
  JoinTask task(node);
  task.Insert(0, {1, 10});
  task.Insert(1, {1, 20});
  task.context.wall_ms = 999;
  task.Insert(1, {1, 21});
  EXPECT_EQ(task.output.there.size(), 2u);
  task.context.wall_ms = 1000;
  task.Insert(1, {1, 22});
  EXPECT_EQ(task.output.there.size(), 2u) << "the left row is over";
  task.Insert(0, {1, 11});
  EXPECT_EQ(task.output.there.size(), 5u) << "the right ones are not";
  task.context.wall_ms = 1'000'000;
  task.Insert(0, {2, 1});
  EXPECT_EQ(task.StateEntries(), 2u) << "the new row and its place in the index of time";
}

// One run: random changes of both sides in batches, a barrier now and then, a kill now and then, after which what came
// behind the barrier comes again.
void RunRandom(JoinType type, bool with_condition, uint64_t seed) {
  SCOPED_TRACE(StrCat("type ", static_cast<int>(type), " condition ", with_condition ? 1 : 0, " seed ", seed));
  Random random(seed);
  auto node = MakeJoinNode(plan::NodeKind::kJoin, type);
  if (with_condition) node->join.condition = LessByV();
  JoinTask task(node);
  std::vector<JoinRow> sides[2];
  struct Input {
    int side;
    std::vector<std::pair<RowKind, JoinRow>> rows;
  };
  std::vector<Input> since_barrier;
  const auto meets = [&](const JoinRow& a, const JoinRow& b) {
    return a.k && b.k && *a.k == *b.k && (!with_condition || a.v < b.v);
  };
  for (int step = 0; step < 60; ++step) {
    Input input{static_cast<int>(random.Below(2)), {}};
    std::vector<JoinRow>& side = sides[input.side];
    const uint64_t count = 1 + random.Below(4);
    for (uint64_t i = 0; i < count; ++i) {
      if (!side.empty() && random.Below(5) < 2) {
        const size_t gone = random.Below(side.size());
        input.rows.emplace_back(random.OneIn(2) ? RowKind::kDelete : RowKind::kUpdateBefore, side[gone]);
        side.erase(side.begin() + static_cast<std::ptrdiff_t>(gone));
      } else {
        JoinRow row{std::nullopt, static_cast<int32_t>(random.Below(4)), 0};
        if (!random.OneIn(8)) row.k = static_cast<int32_t>(random.Below(3));
        input.rows.emplace_back(random.OneIn(2) ? RowKind::kInsert : RowKind::kUpdateAfter, row);
        side.push_back(row);
      }
    }
    task.Process(input.side, input.rows);
    since_barrier.push_back(std::move(input));
    ASSERT_EQ(task.output.there, NaiveJoin(sides[0], sides[1], type, meets)) << "step " << step;
    if (random.OneIn(6)) {
      task.Barrier();
      since_barrier.clear();
    } else if (random.OneIn(10)) {
      task.KillAndRestore();
      for (const Input& again : since_barrier) task.Process(again.side, again.rows);
    }
  }
}

TEST(Join, EqualsTheNaiveJoinOfRandomChangelogs) {
  for (const JoinType type : kEveryType) {
    for (const bool with_condition : {false, true}) {
      for (uint64_t seed = 1; seed <= 25; ++seed) RunRandom(type, with_condition, seed);
    }
  }
}

}  // namespace
}  // namespace leat::exec
