// Lets libFuzzer guide code that gcc compiled. gcc calls __sanitizer_cov_trace_pc in every block of what it
// instruments; libFuzzer only listens to clang's inline counters, and has an empty function of that name. The linker
// puts this one in its place (--wrap), which counts for it. Itself not instrumented; one thread.
#include <cstddef>
#include <cstdint>

namespace {

// Blocks share a counter now and then, as their addresses are hashed; there are several times more counters than
// blocks.
constexpr int kCounterBits = 18;
constexpr size_t kCounters = size_t{1} << kCounterBits;
uint8_t counters[kCounters];
// libFuzzer counts what was reached by them. Addresses and flags, of which it needs neither.
struct Block {
  uintptr_t address = 0;
  uintptr_t flags = 0;
};
Block blocks[kCounters];

}  // namespace

extern "C" {

void __sanitizer_cov_8bit_counters_init(uint8_t* begin, uint8_t* end);
void __sanitizer_cov_pcs_init(const uintptr_t* begin, const uintptr_t* end);
extern const char __executable_start;

void __wrap___sanitizer_cov_trace_pc() {
  // From the start of the program, so that every run counts alike wherever it was loaded.
  const uint64_t block =
      reinterpret_cast<uintptr_t>(__builtin_return_address(0)) - reinterpret_cast<uintptr_t>(&__executable_start);
  ++counters[(block * 0x9e3779b97f4a7c15u) >> (64 - kCounterBits)];
}

// libFuzzer has no use for comparisons of floating point numbers.
void __sanitizer_cov_trace_cmpf(float, float) {}
void __sanitizer_cov_trace_cmpd(double, double) {}

}  // extern "C"

namespace {

[[maybe_unused]] const bool registered = [] {
  __sanitizer_cov_8bit_counters_init(counters, counters + kCounters);
  __sanitizer_cov_pcs_init(reinterpret_cast<uintptr_t*>(blocks), reinterpret_cast<uintptr_t*>(blocks + kCounters));
  return true;
}();

}  // namespace
