#include "stream/run/job_log.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace leat::run {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(JobLog, ShowsBothKindsInTheOrderInWhichTheyCame) {
  JobLog log;
  log.Say(1, "starts");
  log.Print(2, {"a", "b"});
  log.Say(1, "the clock was set back");
  log.Print(3, {"c"});
  EXPECT_THAT(log.Show(), ElementsAre(Pair(1, "starts"), Pair(2, "a"), Pair(2, "b"), Pair(1, "the clock was set back"),
                                      Pair(3, "c")));
}

TEST(JobLog, KeepsWhatTheJobSaidWhenItPrintsALot) {
  JobLog log;
  log.Say(1, "starts");
  for (int i = 0; i < 1000; ++i) log.Print(i, {StrCat("row ", i)});
  const JobLog::Lines lines = log.Show();
  ASSERT_EQ(lines.size(), 201u);
  EXPECT_EQ(lines.front().second, "starts");
  EXPECT_EQ(lines[1].second, "row 800");
  EXPECT_EQ(lines.back().second, "row 999");
}

TEST(JobLog, CutsALongRowBetweenCharacters) {
  JobLog log;
  std::string row;
  for (int i = 0; i < 1500; ++i) row += "é";  // two bytes each
  log.Print(1, {"x" + row});
  const std::string line = log.Show().front().second;
  EXPECT_EQ(line.substr(1997), "é... (1002 bytes more)");
}

}  // namespace
}  // namespace leat::run
