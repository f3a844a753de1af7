// Every script in golden/ gives the records, replies and markers that stand beside it. With LEAT_UPDATE_GOLDEN=1 in the
// environment the expectations are written anew: read the difference before committing it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/source_dir.h"
#include "tests/txn/script.h"

namespace leat::txn {
namespace {

std::string Folder() { return test::SourceDir() + "/tests/txn/golden"; }

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(Folder())) {
    if (entry.path().extension() == ".script") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, GivesTheExpectedRecordsRepliesAndMarkers) {
  const std::string base = StrCat(Folder(), "/", GetParam());
  const std::string outcome = Script().Run(ReadFile(base + ".script"));
  if (std::getenv("LEAT_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(base + ".expected") << outcome;
    return;
  }
  EXPECT_EQ(outcome, ReadFile(base + ".expected"));
}

INSTANTIATE_TEST_SUITE_P(Scripts, Golden, testing::ValuesIn(Names()),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace leat::txn
