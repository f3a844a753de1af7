#include "runtime/footprint.h"

#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

namespace leat::runtime {

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
