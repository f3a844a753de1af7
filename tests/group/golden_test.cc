// Every script of tests/group/golden, run again (tests/support/golden.h).
#include <gtest/gtest.h>

#include "tests/group/script.h"
#include "tests/support/golden.h"

namespace leat::group {
namespace {

constexpr const char* kFolder = "tests/group/golden";

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, WritesAndAnswersAreAsRecorded) {
  leat::test::CheckGolden(kFolder, GetParam(), [](const std::string& script) { return Script({}).Run(script); });
}

INSTANTIATE_TEST_SUITE_P(Groups, Golden, ::testing::ValuesIn(leat::test::GoldenNames(kFolder)),
                         [](const auto& script) { return script.param; });

}  // namespace
}  // namespace leat::group
