#include "runtime/footprint.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

namespace leat::runtime {

void GiveBackFreeMemory() {
  constexpr size_t kMuch = size_t{64} << 20;
  size_t pages = 0;
  size_t resident_pages = 0;
  size_t file_pages = 0;
  if (!(std::ifstream("/proc/self/statm") >> pages >> resident_pages >> file_pages)) return;
  const size_t own = (resident_pages - file_pages) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (own < 2 * kMuch) return;
  // Not what malloc counts as free: it does not say how much of that has been given back already.
  const auto heap = mallinfo2();
  const size_t used = heap.uordblks + heap.hblkhd;
  if (own > used && own - used >= std::max(kMuch, own / 2)) malloc_trim(0);
}

void GiveBackStartMemory() {
  malloc_trim(0);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    char permissions[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, permissions) != 3) continue;
    // Only code of files: it is never written, so what the file holds is what the process had. Read-only data may be
    // relocated, which the file does not know.
    const bool code_of_a_file = std::strcmp(permissions, "r-xp") == 0 && line.find('/') != std::string::npos;
    if (code_of_a_file) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
}

}  // namespace leat::runtime
