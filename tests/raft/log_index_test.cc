#include "raft/log_index.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace leat::raft {
namespace {

// 0 1 2 | 3 4 | 5 6 7 in terms 1, 2, 4.
LogIndex Example() {
  LogIndex log;
  log.Append(Term{1}, 3);
  log.Append(Term{2}, 2);
  log.Append(Term{4}, 3);
  return log;
}

TEST(LogIndex, KnowsTheTermBeforeEveryOffset) {
  const LogIndex log = Example();
  EXPECT_EQ(log.TermBefore(Offset{0}), Term{0});
  EXPECT_EQ(log.TermBefore(Offset{3}), Term{1});
  EXPECT_EQ(log.TermBefore(Offset{4}), Term{2});
  EXPECT_EQ(log.TermBefore(Offset{8}), Term{4});
  EXPECT_EQ(log.TermBefore(Offset{9}), std::nullopt);
}

TEST(LogIndex, FindsWhereATermIsLeft) {
  const LogIndex log = Example();
  EXPECT_EQ(log.EndOfTerm(Term{0}), (LogPoint{Offset{0}, Term{0}}));
  EXPECT_EQ(log.EndOfTerm(Term{1}), (LogPoint{Offset{3}, Term{1}}));
  EXPECT_EQ(log.EndOfTerm(Term{3}), (LogPoint{Offset{5}, Term{2}}));
  EXPECT_EQ(log.EndOfTerm(Term{9}), (LogPoint{Offset{8}, Term{4}}));
}

TEST(LogIndex, RemembersTheTermBeforeItsStart) {
  LogIndex log = Example();
  log.TrimTo(Offset{4});
  EXPECT_EQ(log.TermBefore(Offset{4}), Term{2});
  EXPECT_EQ(log.TermBefore(Offset{3}), std::nullopt);
  log.TruncateTo(Offset{4});
  EXPECT_EQ(log.tip(), (LogPoint{Offset{4}, Term{2}}));
  log.Append(Term{7}, 1);
  EXPECT_EQ(log.EndOfTerm(Term{7}), (LogPoint{Offset{5}, Term{7}}));
}

TEST(LogIndex, GoesOnBehindASnapshot) {
  LogIndex log = Example();
  log.ResetTo({Offset{50}, Term{6}});
  EXPECT_EQ(log.tip(), (LogPoint{Offset{50}, Term{6}}));
  EXPECT_TRUE(log.Has({Offset{50}, Term{6}}));
  EXPECT_FALSE(log.Has({Offset{49}, Term{4}}));
}

TEST(LogIndex, MayNotKnowWhatWasBeforeItsStart) {
  const LogIndex log(Offset{10}, std::nullopt, {{Term{3}, Offset{10}}}, Offset{12});
  EXPECT_EQ(log.TermBefore(Offset{10}), std::nullopt);
  EXPECT_EQ(log.TermBefore(Offset{11}), Term{3});
}

// Against a plain list of terms.
RC_GTEST_PROP(LogIndex, IsWhatAListOfTermsIs, (const std::vector<uint8_t>& steps)) {
  LogIndex log;
  std::vector<int32_t> terms;  // of every offset, the trimmed ones too
  int64_t start = 0;
  int32_t term = 1;
  for (const uint8_t step : steps) {
    const auto end = static_cast<int64_t>(terms.size());
    const int64_t within = start + (step / 4) % (end - start + 1);
    switch (step % 4) {
      case 0:
        ++term;
        [[fallthrough]];
      case 1:
        log.Append(Term{term}, 1 + step / 64);
        terms.insert(terms.end(), static_cast<size_t>(1 + step / 64), term);
        break;
      case 2:
        log.TruncateTo(Offset{within});
        terms.resize(static_cast<size_t>(within));
        break;
      case 3:
        if (step % 3 != 0) break;
        log.TrimTo(Offset{within});
        start = within;
        break;
    }
    RC_ASSERT(log.start() == Offset{start});
    RC_ASSERT(log.end() == Offset{static_cast<int64_t>(terms.size())});
    for (int64_t at = start; at <= static_cast<int64_t>(terms.size()); ++at) {
      RC_ASSERT(log.TermBefore(Offset{at}) == Term{at == 0 ? 0 : terms[static_cast<size_t>(at - 1)]});
    }
    for (int32_t asked = 0; asked <= term; ++asked) {
      int64_t left = start;
      while (left < static_cast<int64_t>(terms.size()) && terms[static_cast<size_t>(left)] <= asked) ++left;
      RC_ASSERT(log.EndOfTerm(Term{asked}).end == Offset{left});
    }
  }
}

}  // namespace
}  // namespace leat::raft
