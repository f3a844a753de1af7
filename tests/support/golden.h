// Golden scripts: a file of steps with what came of each written below it. Running a script prints it anew; the result
// must be the file. LEAT_UPDATE_GOLDEN=1 writes the files: read the difference before committing it.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace leat::test {

// The names of the .txt files of `folder` (from the top of the checkout), without the ending, sorted.
std::vector<std::string> GoldenNames(const std::string& folder);
// Runs one of them. In a test only.
void CheckGolden(const std::string& folder, const std::string& name,
                 const std::function<std::string(const std::string& script)>& run);

}  // namespace leat::test
