// libFuzzer's way into the dispatch of requests and their handlers. tests/kafka/fuzz_replay_test.cc does the same with
// random requests where there is no libFuzzer.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "tests/kafka/serve_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // One broker for many inputs, and now and then a new one: what went before must not matter.
  static int served = 0;
  static std::unique_ptr<leat::kafka::InputServer> server;
  if (server == nullptr || ++served % 5000 == 0) server = std::make_unique<leat::kafka::InputServer>();
  LEAT_CHECK_OK(server->Serve(std::string_view(reinterpret_cast<const char*>(data), size)));
  return 0;
}
