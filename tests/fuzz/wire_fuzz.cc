// libFuzzer's way into the codecs. tests/fuzz/run.py builds and runs it; tests/wire/fuzz_replay_test.cc does the same
// with fixed inputs where there is no libFuzzer.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "tests/wire/check_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  LEAT_CHECK_OK(leat::wire::CheckInput(std::string_view(reinterpret_cast<const char*>(data), size)));
  return 0;
}
