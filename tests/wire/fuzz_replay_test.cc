// The fuzzer's inputs without the fuzzer: what it has found worth keeping, and those changed at random from fixed
// seeds.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/random.h"
#include "tests/support/corpus.h"
#include "tests/wire/any_message.h"
#include "tests/wire/check_input.h"

namespace leat::wire {
namespace {

std::string Changed(std::string input, Random& random) {
  for (uint64_t left = 1 + random.Below(4); left > 0 && !input.empty(); --left) {
    const size_t at = random.Below(input.size());
    switch (random.Below(5)) {
      case 0:
        input[at] = static_cast<char>(random.Next());
        break;
      case 1:
        input[at] = static_cast<char>(input[at] ^ (1 << random.Below(8)));
        break;
      case 2:
        input.erase(at, 1 + random.Below(4));
        break;
      case 3:
        input.insert(at, 1 + random.Below(4), static_cast<char>(random.Next()));
        break;
      default:
        input.insert(at, input.substr(random.Below(input.size()), random.Below(16)));
    }
  }
  return input;
}

TEST(FuzzReplay, KeepsItsPromisesForTheCorpus) {
  const std::vector<std::string> corpus = test::FuzzCorpus("wire");
  EXPECT_GT(corpus.size(), 100);
  for (const std::string& input : corpus) ASSERT_EQ(CheckInput(input), absl::OkStatus());
}

TEST(FuzzReplay, KeepsItsPromisesForChangesOfTheCorpus) {
  Random random(11);
  for (const std::string& input : test::FuzzCorpus("wire")) {
    for (int i = 0; i < 30; ++i) ASSERT_EQ(CheckInput(Changed(input, random)), absl::OkStatus());
  }
}

TEST(FuzzReplay, KeepsItsPromisesForChangesOfRandomMessages) {
  Random random(12);
  for (const AnyMessage& message : AllMessages()) {
    for (int i = 0; i < 150; ++i) {
      const auto version = static_cast<int16_t>(random.Between(message.min_version, message.max_version));
      std::string input{static_cast<char>(message.key + (message.is_response ? 128 : 0)), static_cast<char>(version)};
      input += message.random(random, version);
      ASSERT_EQ(CheckInput(input), absl::OkStatus());
      ASSERT_EQ(CheckInput(Changed(input, random)), absl::OkStatus());
    }
  }
}

}  // namespace
}  // namespace leat::wire
