// The inputs that a fuzz target starts from: tests/fuzz/corpus/<target>.hex, one a line.
#pragma once

#include <string>
#include <vector>

namespace leat::test {

std::vector<std::string> FuzzCorpus(const std::string& target);

}  // namespace leat::test
