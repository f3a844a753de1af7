// Every script of tests/replication/golden, run again (tests/support/golden.h).
#include <gtest/gtest.h>

#include "tests/replication/script.h"
#include "tests/support/golden.h"

namespace leat::replication {
namespace {

constexpr const char* kFolder = "tests/replication/golden";

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, MessagesAndEffectsAreAsRecorded) {
  leat::test::CheckGolden(kFolder, GetParam(), [](const std::string& script) { return Script().Run(script); });
}

INSTANTIATE_TEST_SUITE_P(Replication, Golden, ::testing::ValuesIn(leat::test::GoldenNames(kFolder)),
                         [](const auto& script) { return script.param; });

}  // namespace
}  // namespace leat::replication
