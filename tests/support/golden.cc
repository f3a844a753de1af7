#include "tests/support/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/source_dir.h"

namespace leat::test {

std::vector<std::string> GoldenNames(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(SourceDir() + "/" + folder)) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

void CheckGolden(const std::string& folder, const std::string& name,
                 const std::function<std::string(const std::string& script)>& run) {
  const std::string path = SourceDir() + "/" + folder + "/" + name + ".txt";
  std::ifstream file(path);
  ASSERT_TRUE(file.is_open()) << path;
  std::ostringstream text;
  text << file.rdbuf();
  const std::string result = run(text.str());
  if (std::getenv("LEAT_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path) << result;
    GTEST_SKIP() << "written: " << path;
  }
  EXPECT_EQ(result, text.str()) << path;
}

}  // namespace leat::test
