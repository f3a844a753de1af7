// What a fuzz target has allocated, by operator new; one thread. Under AddressSanitizer, which has its own, nothing is
// counted: libFuzzer's -malloc_limit_mb is then the limit.
#pragma once

#include <cstddef>

namespace leat::fuzz {

struct Allocations {
  size_t bytes = 0;
  size_t peak_bytes = 0;  // since StartPeak
};

Allocations StartPeak();
Allocations Now();

}  // namespace leat::fuzz
