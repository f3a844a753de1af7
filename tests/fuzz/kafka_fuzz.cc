// libFuzzer's way into the dispatch of requests and what serves them: a broker on the simulated disk and clock, so that
// an input always does the same. tests/kafka/fuzz_replay_test.cc does it with fixed inputs where there is no libFuzzer.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/check.h"
#include "base/logging.h"
#include "tests/fuzz/allocations.h"
#include "tests/kafka/serve_input.h"

namespace {

using leat::kafka::InputServer;

// What one input may take at once, answers and everything that it makes the broker keep included. The broker's own
// limits allow a frame DecodeBudget() and an answer 1 MiB of records.
constexpr size_t kMostBytes = size_t{64} << 20;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  leat::InitLogging(leat::LogLevel::kError);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // What went before must not matter: only a broker that nothing has reached serves the next input.
  static auto server = std::make_unique<InputServer>();
  const leat::fuzz::Allocations before = leat::fuzz::StartPeak();
  LEAT_CHECK_OK(server->Serve(leat::kafka::FramesOf(std::string_view(reinterpret_cast<const char*>(data), size))));
  const size_t taken = leat::fuzz::Now().peak_bytes - before.bytes;
  LEAT_CHECK(taken <= kMostBytes) << "an input of " << size << " bytes took " << taken << " bytes of memory";
  if (server->used()) server = std::make_unique<InputServer>();
  return 0;
}
