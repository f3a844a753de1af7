#include "stream/exec/join_side.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/strings.h"
#include "stream/state/state_backend.h"

namespace leat::exec {
namespace {

constexpr int64_t kStepMs = 1000;

class Side {
 public:
  Side() : side_(*JoinSide::Open(*backend_, 1, 0, 0, kStepMs)) {}
  void Add(int64_t until_ms) { ASSERT_TRUE(side_.Add("key", StrCat(until_ms), 0, 0, until_ms).ok()); }
  std::set<std::string> Rows() {
    std::set<std::string> rows;
    EXPECT_TRUE(side_
                    .ForEach("key", 0, JoinSide::Access::kRead,
                             [&](std::string_view row, int32_t&) {
                               EXPECT_TRUE(rows.emplace(row).second);
                               return absl::OkStatus();
                             })
                    .ok());
    return rows;
  }
  JoinSide* operator->() { return &side_; }

 private:
  std::unique_ptr<state::CommittedStore> store_ = state::MakeMemoryStore();
  std::unique_ptr<state::StateBackend> backend_ = state::StateBackend::Create(*store_, {});
  JoinSide side_;
};

TEST(JoinSide, WhileTheWatermarkStandsStillALookUpStaysShort) {
  for (const bool known : {true, false}) {  // or there never was one
    Side side;
    if (known) {
      ASSERT_TRUE(side->DropPassed(0).ok());
    }
    size_t added = 0;
    for (int64_t until_ms = 1; until_ms < int64_t{86'400'000}; until_ms += 20 * kStepMs + 7) {
      side.Add(until_ms);
      ++added;
    }
    EXPECT_LE(side->namespaces(), 129u);
    EXPECT_EQ(side.Rows().size(), added);
  }
}

TEST(JoinSide, ARowGoesNoEarlierThanItMayAndNotMuchLater) {
  Side side;
  ASSERT_TRUE(side->DropPassed(0).ok());
  const std::vector<int64_t> untils = {1, 15'000, 100'000, 3'600'000, 86'400'000};
  for (const int64_t until_ms : untils) side.Add(until_ms);
  for (const int64_t until_ms : untils) {
    ASSERT_TRUE(side->DropPassed(until_ms).ok());
    EXPECT_TRUE(side.Rows().contains(StrCat(until_ms))) << until_ms;
    ASSERT_TRUE(side->DropPassed(until_ms + until_ms / 8 + kStepMs).ok());
    EXPECT_FALSE(side.Rows().contains(StrCat(until_ms))) << until_ms;
  }
  EXPECT_EQ(side->namespaces(), 0u);
}

}  // namespace
}  // namespace leat::exec
