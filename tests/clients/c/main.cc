// Runs the tests one after the other. The last line is the count.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <regex>

#include "tests.h"

namespace {

// Only to say how long a test took.
int64_t NowMs() {
  const auto now = std::chrono::steady_clock::now();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
}

}  // namespace

int main() {
  const char* only = std::getenv("ONLY");
  const std::regex pattern(only == nullptr ? "" : only);
  int passed = 0;
  int failed = 0;
  for (const auto& group : {clients::RecordTests(), clients::OffsetTests(), clients::AdminTests(),
                            clients::AdminGroupTests(), clients::GroupTests(), clients::TransactionTests()}) {
    for (const clients::Test& test : group) {
      if (!std::regex_search(test.name, pattern)) continue;
      const int64_t start = NowMs();
      try {
        test.run();
        std::printf("ok %s (%lld ms)\n", test.name.c_str(), static_cast<long long>(NowMs() - start));
        ++passed;
      } catch (const std::exception& error) {
        std::printf("FAILED %s: %s\n", test.name.c_str(), error.what());
        ++failed;
      }
      std::fflush(stdout);
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
