// Every script of tests/raft/golden, run again (tests/support/golden.h).
#include <gtest/gtest.h>

#include "tests/raft/script.h"
#include "tests/support/golden.h"

namespace leat::raft::test {
namespace {

constexpr const char* kFolder = "tests/raft/golden";

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, MessagesAndEffectsAreAsRecorded) {
  leat::test::CheckGolden(kFolder, GetParam(), [](const std::string& script) { return Script().Run(script); });
}

INSTANTIATE_TEST_SUITE_P(Raft, Golden, ::testing::ValuesIn(leat::test::GoldenNames(kFolder)),
                         [](const auto& script) { return script.param; });

}  // namespace
}  // namespace leat::raft::test
