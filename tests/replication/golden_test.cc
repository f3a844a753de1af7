// Every script of tests/replication/golden, run again. LEAT_UPDATE_GOLDEN=1 writes what comes out: read the difference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/replication/script.h"
#include "tests/support/source_dir.h"

namespace leat::replication {
namespace {

std::string Folder() { return test::SourceDir() + "/tests/replication/golden"; }

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(Folder())) names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

class Golden : public ::testing::TestWithParam<std::string> {};

TEST_P(Golden, MessagesAndEffectsAreAsRecorded) {
  const std::string path = StrCat(Folder(), "/", GetParam(), ".txt");
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  const std::string result = Script().Run(text.str());
  if (std::getenv("LEAT_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << result;
    GTEST_SKIP() << "written: " << path;
  }
  EXPECT_EQ(result, text.str()) << path;
}

INSTANTIATE_TEST_SUITE_P(Replication, Golden, ::testing::ValuesIn(Names()),
                         [](const auto& script) { return script.param; });

}  // namespace
}  // namespace leat::replication
