#include "tests/support/corpus.h"

#include <fstream>

#include "tests/support/source_dir.h"

namespace leat::test {

std::vector<std::string> FuzzCorpus(const std::string& target) {
  std::vector<std::string> inputs;
  std::ifstream file(SourceDir() + "/tests/fuzz/corpus/" + target + ".hex");
  for (std::string line; std::getline(file, line);) {
    std::string& input = inputs.emplace_back();
    for (size_t i = 0; i + 1 < line.size(); i += 2) {
      input.push_back(static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16)));
    }
  }
  return inputs;
}

}  // namespace leat::test
