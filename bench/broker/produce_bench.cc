// Produce to acknowledgement in one process, on real shards and a real disk, class P: what the handlers and the log
// cost without a network. items_per_second are requests, bytes_per_second payload; cpu_s_per_GB is the whole process's
// CPU.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <filesystem>
#include <future>

#include "broker/broker_impl.h"
#include "model/record_batch.h"
#include "runtime/posix_disk.h"
#include "runtime/shard_set.h"

namespace leat::broker {
namespace {

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string MakeBatch(size_t bytes) {
  model::BatchBuilder builder({});
  const std::string value(std::min<size_t>(bytes, 1024), 'x');
  do {
    builder.Add(1'700'000'000'000, std::nullopt, value);
  } while (builder.uncompressed_bytes() + value.size() < bytes);
  return builder.Finish().value();
}

// state.range(0): bytes of a batch; state.range(1): requests under way.
void BM_ProduceToAck(benchmark::State& state) {
  const std::string directory = std::filesystem::temp_directory_path() / "leat-broker-bench";
  std::filesystem::remove_all(directory);
  {
    runtime::PosixDisk disk;
    runtime::ShardSet set({.shards = 1});
    set.Start();
    Options options;
    options.data_dir = directory;
    options.log_defaults.durability = log::Durability::kPageCache;
    options.log_defaults.retention_bytes = int64_t{1} << 30;
    const std::unique_ptr<Broker> broker = Broker::Create(options, disk, {&set.shard(0)}, env::NullMetrics());
    std::promise<absl::Status> ready;
    broker->Start([&](absl::Status status) { ready.set_value(std::move(status)); });
    LEAT_CHECK_OK(ready.get_future().get());
    const std::string batch = MakeBatch(static_cast<size_t>(state.range(0)));
    const auto depth = static_cast<int>(state.range(1));
    const double cpu_before = CpuSeconds();
    for (auto _ : state) {
      std::promise<void> done;
      auto waiting = std::make_shared<int>(depth);
      for (int i = 0; i < depth; ++i) {
        ProduceRequest request;
        request.partitions.push_back({{"bench", model::PartitionId(0)}, batch});
        broker->Produce(std::move(request), [&done, waiting](const ProduceReply& reply) {
          LEAT_CHECK(reply.partitions[0].outcome.ok()) << reply.partitions[0].outcome.message;
          if (--*waiting == 0) done.set_value();
        });
      }
      done.get_future().wait();
    }
    const double requests = static_cast<double>(state.iterations()) * depth;
    const double bytes = requests * static_cast<double>(batch.size());
    state.SetItemsProcessed(static_cast<int64_t>(requests));
    state.SetBytesProcessed(static_cast<int64_t>(bytes));
    state.counters["cpu_s_per_GB"] = (CpuSeconds() - cpu_before) / bytes * 1e9;
    state.counters["cpu_us_per_request"] = (CpuSeconds() - cpu_before) / requests * 1e6;
    std::promise<void> stopped;
    broker->Stop([&](const absl::Status&) { stopped.set_value(); });
    stopped.get_future().wait();
    set.Stop();
  }
  std::filesystem::remove_all(directory);
}
BENCHMARK(BM_ProduceToAck)->Args({65536, 16})->Args({128, 1})->Args({128, 64})->UseRealTime();

}  // namespace
}  // namespace leat::broker
