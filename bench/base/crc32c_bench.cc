// CRC-32C of runs as long as a small, a usual and a large batch.
#include "base/crc32c.h"

#include <benchmark/benchmark.h>

#include <string>

#include "base/random.h"

namespace leat {
namespace {

void BM_Crc32c(benchmark::State& state) {
  std::string bytes(static_cast<size_t>(state.range(0)), '\0');
  Random random(1);
  for (char& c : bytes) c = static_cast<char>(random.Next());
  for (auto _ : state) benchmark::DoNotOptimize(Crc32c(bytes));
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Crc32c)->Arg(1 << 10)->Arg(16 << 10)->Arg(256 << 10);

}  // namespace
}  // namespace leat
