#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>

#include "base/check.h"
#include "base/random.h"
#include "rocks/rocks_store.h"
#include "stream/state/state_backend.h"

namespace leat::rocks {
namespace {

class Folder {
 public:
  Folder() {
    path_ = (std::filesystem::temp_directory_path() / "leat_rocks_bench_XXXXXX").string();
    LEAT_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::string Key(uint64_t n) { return "\1" + std::to_string(4'000'000'000'000'000 + n * 7919); }

// Epochs of 30,000 changes of 24 bytes, in key order as the overlay hands them over.
void Apply(benchmark::State& state) {
  const Folder folder;
  auto store = OpenRocksStore(folder.path(), {}, SharedCache::Create());
  LEAT_CHECK_OK(store.status());
  Random random(1);
  int64_t position = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<state::Change> changes;
    for (uint64_t i = 0; i < 30'000; ++i) changes.push_back({Key(i * 4 + random.Below(4)), std::string(24, 'x')});
    state.ResumeTiming();
    LEAT_CHECK_OK((*store)->Apply(changes, ++position));
  }
  state.SetItemsProcessed(state.iterations() * 30'000);
}
BENCHMARK(Apply);

// Rows over more keys than the overlay may hold: the misses go to RocksDB.
void OverlayAbove(benchmark::State& state) {
  const Folder folder;
  auto store = OpenRocksStore(folder.path(), {}, SharedCache::Create());
  LEAT_CHECK_OK(store.status());
  const auto backend = state::StateBackend::Create(**store, {.memory_bytes = static_cast<size_t>(state.range(0))});
  state::StateTable& table = backend->Table(1, 0);
  Random random(1);
  int64_t rows = 0;
  int64_t epoch = 0;
  for (auto _ : state) {
    bool inserted = false;
    auto value = table.Mutate(60'000, Key(random.Below(200'000)), &inserted);
    LEAT_CHECK_OK(value.status());
    if (inserted) (*value)->resize(24);
    ++(**value)[0];
    if (++rows % 30'000 == 0) {
      ++epoch;
      backend->TakeChanges(epoch, "", [](std::string_view, std::optional<std::string_view>) {});
      LEAT_CHECK_OK((*store)->Apply(backend->TakeUnapplied(""), epoch));
      backend->OnApplied(epoch);
    }
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(OverlayAbove)->Arg(256 << 20)->Arg(16 << 20);

}  // namespace
}  // namespace leat::rocks
