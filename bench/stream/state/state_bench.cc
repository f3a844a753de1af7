#include <benchmark/benchmark.h>

#include "base/random.h"
#include "stream/state/state_backend.h"

namespace leat::state {
namespace {

std::vector<std::string> Keys(size_t count) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < count; ++i) keys.push_back("\1" + std::to_string(4'000'000'000'000'000 + i * 7919));
  return keys;
}

// An accumulator of 24 bytes, read and changed in place.
void ReadModifyWrite(StateTable& table, Namespace ns, std::string_view key) {
  bool inserted = false;
  std::string* value = *table.Mutate(ns, key, &inserted);
  if (inserted) value->resize(24);
  ++(*value)[0];
}

void Hot(benchmark::State& state) {
  const auto store = MakeMemoryStore();
  const auto backend = StateBackend::Create(*store, {});
  StateTable& table = backend->Table(1, 0);
  const auto keys = Keys(static_cast<size_t>(state.range(0)));
  Random random(1);
  for (auto _ : state) ReadModifyWrite(table, 60'000, keys[random.Below(keys.size())]);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Hot)->Arg(1000)->Arg(100'000);

// Epochs of 30,000 changes, taken and applied: what a checkpoint every 100 ms at 300,000 rows a second costs.
void Take(StateBackend& backend, int64_t epoch) {
  size_t bytes = 0;
  backend.TakeChanges(epoch, "", [&](std::string_view key, std::optional<std::string_view> value) {
    bytes += key.size() + value.value_or("").size();
  });
  benchmark::DoNotOptimize(bytes);
}

void Epochs(benchmark::State& state) {
  const auto store = MakeMemoryStore();
  const auto backend = StateBackend::Create(*store, {.memory_bytes = static_cast<size_t>(state.range(1))});
  StateTable& table = backend->Table(1, 0);
  const auto keys = Keys(static_cast<size_t>(state.range(0)));
  Random random(1);
  int64_t epoch = 0;
  int64_t rows = 0;
  for (auto _ : state) {
    ReadModifyWrite(table, 60'000, keys[random.Below(keys.size())]);
    if (++rows % 30'000 == 0) {
      ++epoch;
      Take(*backend, epoch);
      benchmark::DoNotOptimize(store->Apply(backend->TakeUnapplied(""), epoch).ok());
      backend->OnApplied(epoch);
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Epochs)->Args({100'000, 256 << 20})->Args({100'000, 10 << 20});

void TakeChanges(benchmark::State& state) {
  const auto store = MakeMemoryStore();
  const auto backend = StateBackend::Create(*store, {});
  StateTable& table = backend->Table(1, 0);
  const auto keys = Keys(100'000);
  for (const auto& key : keys) ReadModifyWrite(table, 60'000, key);
  int64_t epoch = 0;
  Take(*backend, ++epoch);
  benchmark::DoNotOptimize(backend->TakeUnapplied(""));
  backend->OnApplied(epoch);
  for (auto _ : state) {
    for (int i = 0; i < 1000; ++i) ReadModifyWrite(table, 60'000, keys[static_cast<size_t>(i) * 97]);
    Take(*backend, ++epoch);
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(TakeChanges);

}  // namespace
}  // namespace leat::state
