// Every script in golden/ compiles to the plan, or fails with the error, that stands beside it. With
// LEAT_UPDATE_GOLDEN=1 in the environment the expectations are written anew: read the difference before committing it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sql/compile.h"
#include "tests/sql/golden_scripts.h"

namespace leat::sql {
namespace {

std::string Outcome(const std::string& script) {
  const auto compiled = Compile(script, CompileOptions{});
  if (!compiled.ok()) {
    const bool unimplemented = compiled.status().code() == absl::StatusCode::kUnimplemented;
    return StrCat(unimplemented ? "not supported\n" : "error\n", Message(compiled.status()), "\n");
  }
  std::string text = plan::Explain(compiled->plan);
  if (!compiled->explain.empty()) StrAppend(&text, "explain:\n", compiled->explain);
  for (const auto& [key, value] : compiled->plan.settings) StrAppend(&text, "set: ", key, " = ", value, "\n");
  for (const std::string& warning : compiled->plan.warnings) StrAppend(&text, "warning: ", warning, "\n");
  return text;
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, GivesTheExpectedPlanOrError) {
  const std::string base = StrCat(GoldenFolder(), "/", GetParam());
  const std::string outcome = Outcome(ReadFile(base + ".sql"));
  if (std::getenv("LEAT_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(base + ".expected") << outcome;
    return;
  }
  EXPECT_EQ(outcome, ReadFile(base + ".expected"));
}

INSTANTIATE_TEST_SUITE_P(Scripts, Golden, testing::ValuesIn(GoldenNames()),
                         [](const auto& parameter) { return parameter.param; });

TEST(GoldenFolder, HasAtLeastSixtyScripts) { EXPECT_GE(GoldenNames().size(), 60u); }

}  // namespace
}  // namespace leat::sql
