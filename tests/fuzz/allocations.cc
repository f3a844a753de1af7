#include "tests/fuzz/allocations.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace {

leat::fuzz::Allocations allocations;

}  // namespace

namespace leat::fuzz {

Allocations StartPeak() {
  allocations.peak_bytes = allocations.bytes;
  return allocations;
}
Allocations Now() { return allocations; }

}  // namespace leat::fuzz

#ifndef __SANITIZE_ADDRESS__
void* operator new(size_t bytes) {
  void* memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  allocations.bytes += malloc_usable_size(memory);
  allocations.peak_bytes = std::max(allocations.peak_bytes, allocations.bytes);
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  allocations.bytes -= malloc_usable_size(memory);
  std::free(memory);
}
void operator delete(void* memory, size_t) noexcept { operator delete(memory); }
#endif
