#include "view/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/random.h"
#include "base/strings.h"
#include "tests/support/seeds.h"

namespace leat::view {
namespace {

using ::testing::ElementsAre;

Row RowOf(const std::string& key) { return {key, {model::Offset(1), 1, "v"}}; }

PartitionPage PageOf(int32_t partition, const std::vector<std::string>& keys, std::optional<std::string> next = {}) {
  PartitionPage page{.partition = model::PartitionId(partition)};
  for (const std::string& key : keys) page.page.rows.push_back(RowOf(key));
  page.page.next = std::move(next);
  page.page.applied = model::Offset(10 + partition);
  return page;
}

std::vector<std::string> RowsOf(const MergedPage& page) {
  std::vector<std::string> rows;
  for (const PartitionRow& row : page.rows) rows.push_back(StrCat(row.row.key, "@", row.partition));
  return rows;
}

TEST(Merge, OrdersByKeyAndNamesTheOffsetOfEachPartition) {
  const MergedPage page = Merge({PageOf(1, {"b", "d"}), PageOf(0, {"a", "c"})}, {});
  EXPECT_THAT(RowsOf(page), ElementsAre("a@0", "b@1", "c@0", "d@1"));
  EXPECT_THAT(page.applied, ElementsAre(PartitionOffset{model::PartitionId(0), model::Offset(10)},
                                        PartitionOffset{model::PartitionId(1), model::Offset(11)}));
  EXPECT_EQ(page.next, std::nullopt);
}

TEST(Merge, EndsWhereAPartitionMayHaveMore) {
  const MergedPage page = Merge({PageOf(0, {"a", "b"}, "c"), PageOf(1, {"a", "z"})}, {.rows = 100});
  EXPECT_THAT(RowsOf(page), ElementsAre("a@0", "a@1", "b@0"));
  EXPECT_EQ(page.next, "c");
}

TEST(Merge, NeverPartsTheRowsOfOneKey) {
  const MergedPage page = Merge({PageOf(0, {"a", "b"}), PageOf(1, {"a"}), PageOf(2, {"a"})}, {.rows = 1});
  EXPECT_THAT(RowsOf(page), ElementsAre("a@0", "a@1", "a@2"));
  EXPECT_EQ(page.next, "b");
}

// Page by page everything comes, once and in order.
TEST(Merge, OfEveryPageIsEverything) {
  const sim::Seeds seeds = sim::SeedsToRun(200);
  for (uint64_t seed = seeds.first; seed < seeds.end(); ++seed) {
    SCOPED_TRACE(testing::Message() << "LEAT_SEED=" << seed);
    Random random(seed);
    std::vector<std::set<std::string>> partitions(1 + random.Below(4));
    for (auto& keys : partitions) {
      for (uint64_t n = random.Below(20); n > 0; --n) keys.insert(StrCat("k", random.Below(30)));
    }
    std::set<std::string> wanted;
    for (size_t i = 0; i < partitions.size(); ++i) {
      for (const std::string& key : partitions[i]) wanted.insert(StrCat(key, "@", i));
    }
    const PageLimit limit{.rows = 1 + random.Below(6)};
    std::vector<std::string> got;
    for (std::optional<std::string> begin = ""; begin;) {
      std::vector<PartitionPage> pages;
      for (size_t i = 0; i < partitions.size(); ++i) {
        PartitionPage page = PageOf(static_cast<int32_t>(i), {});
        for (auto it = partitions[i].lower_bound(*begin); it != partitions[i].end(); ++it) {
          if (page.page.rows.size() == limit.rows) {
            page.page.next = *it;
            break;
          }
          page.page.rows.push_back(RowOf(*it));
        }
        pages.push_back(std::move(page));
      }
      const MergedPage merged = Merge(std::move(pages), limit);
      ASSERT_TRUE(!merged.rows.empty() || !merged.next);
      for (const std::string& row : RowsOf(merged)) got.push_back(row);
      begin = merged.next;
    }
    EXPECT_EQ(std::set<std::string>(got.begin(), got.end()), wanted);
    EXPECT_EQ(got.size(), wanted.size());
  }
}

}  // namespace
}  // namespace leat::view
