// One partition log on the real disk, as a server runs it: PosixDisk, disk threads, the log on its shard's thread. It
// works in LEAT_BENCH_DIR or, without it, in the system's temporary directory: name a directory on the disk that
// counts.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "log/partition_log.h"
#include "model/record_batch.h"
#include "runtime/asio_shard.h"
#include "runtime/disk_threads.h"
#include "runtime/posix_disk.h"

namespace leat::log {
namespace {

constexpr size_t kRecordBytes = 100;
constexpr int kAppendsPerTurn = 64;  // so that crossing to the shard's thread does not count

std::string FreshDirectory() {
  const char* named = std::getenv("LEAT_BENCH_DIR");
  std::string path = (named != nullptr ? std::filesystem::path(named) : std::filesystem::temp_directory_path()) /
                     "leat-log-bench-XXXXXX";
  LEAT_CHECK(::mkdtemp(path.data()) != nullptr) << "cannot make " << path << "; set LEAT_BENCH_DIR";
  return path;
}

// About `bytes` of records of kRecordBytes.
std::string BatchOfAbout(size_t bytes) {
  model::BatchBuilder builder({});
  do {
    builder.Add(1'700'000'000'000 + builder.record_count(), std::nullopt, std::string(kRecordBytes, 'v'));
  } while (builder.uncompressed_bytes() + kRecordBytes < bytes);
  return builder.Finish().value();
}

class BenchLog {
 public:
  explicit BenchLog(Durability durability) : path_(FreshDirectory()) {
    shard_.Start();
    LogOptions options;
    options.durability = durability;
    options.segment_bytes = int64_t{64} << 20;
    options.retention_age = absl::InfiniteDuration();
    OnShard([&] {
      directory_ = LogDirectory::Open(disk_, shard_, {.path = path_}).value();
      log_ = directory_->OpenPartition({"bench", model::PartitionId(0)}, options).value();
    });
  }
  ~BenchLog() {
    std::promise<void> closed;
    shard_.Post([&] { directory_->Close([&](const absl::Status&) { closed.set_value(); }); });
    closed.get_future().wait();
    OnShard([&] { directory_.reset(); });
    threads_.Stop();
    shard_.Stop();
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  PartitionLog& log() { return *log_; }
  env::Shard& shard() { return shard_; }
  void OnShard(const std::function<void()>& work) {
    std::promise<void> done;
    shard_.Post([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

 private:
  const std::string path_;
  runtime::PosixDisk disk_;
  runtime::DiskThreads threads_{{}};
  runtime::AsioShard shard_{"bench", threads_};
  std::unique_ptr<LogDirectory> directory_;
  PartitionLog* log_ = nullptr;
};

void AppendPageCache(benchmark::State& state) {
  const std::string batch = BatchOfAbout(static_cast<size_t>(state.range(0)));
  BenchLog bench(Durability::kPageCache);
  for (auto _ : state) {
    bench.OnShard([&] {
      for (int i = 0; i < kAppendsPerTurn; ++i) {
        bench.log().Append(batch, {.epoch = model::LeaderEpoch(0)},
                           [](const auto& result) { LEAT_CHECK(result.ok()); });
      }
    });
  }
  const auto appends = static_cast<int64_t>(state.iterations()) * kAppendsPerTurn;
  state.SetItemsProcessed(appends);
  state.SetBytesProcessed(appends * static_cast<int64_t>(batch.size()));
}
BENCHMARK(AppendPageCache)->Arg(100)->Iterations(4000)->UseRealTime();  // one record
BENCHMARK(AppendPageCache)->Arg(1 << 10)->Iterations(4000)->UseRealTime();
BENCHMARK(AppendPageCache)->Arg(16 << 10)->Iterations(500)->UseRealTime();
BENCHMARK(AppendPageCache)->Arg(64 << 10)->Iterations(150)->UseRealTime();

// Keeps `in_flight` appends under way: each one that is acknowledged makes the next, as producers do.
class ClosedLoop {
 public:
  ClosedLoop(BenchLog& bench, std::string batch, int appends)
      : bench_(bench), batch_(std::move(batch)), left_(appends), unanswered_(appends) {}
  void Run(int in_flight) {
    bench_.shard().Post([this, in_flight] {
      for (int i = 0; i < in_flight; ++i) Next();
    });
    done_.get_future().wait();
  }
  const std::vector<double>& latencies_us() const { return latencies_us_; }

 private:
  void Next() {
    if (left_ == 0) return;
    --left_;
    bench_.log().Append(batch_, {.epoch = model::LeaderEpoch(0)},
                        [this, began = bench_.shard().Now()](const auto& result) {
                          LEAT_CHECK(result.ok());
                          latencies_us_.push_back(absl::ToDoubleMicroseconds(bench_.shard().Now() - began));
                          Next();
                          if (--unanswered_ == 0) done_.set_value();
                        });
  }
  BenchLog& bench_;
  const std::string batch_;
  int left_;
  int unanswered_;
  std::vector<double> latencies_us_;
  std::promise<void> done_;
};

void AppendFsync(benchmark::State& state) {
  const int in_flight = static_cast<int>(state.range(0));
  const std::string batch = BatchOfAbout(1 << 10);
  const int appends = 200 * in_flight;
  BenchLog bench(Durability::kFsync);
  std::vector<double> latencies_us;
  for (auto _ : state) {
    ClosedLoop loop(bench, batch, appends);
    loop.Run(in_flight);
    latencies_us.insert(latencies_us.end(), loop.latencies_us().begin(), loop.latencies_us().end());
  }
  std::sort(latencies_us.begin(), latencies_us.end());
  state.counters["p50_us"] = latencies_us[latencies_us.size() / 2];
  state.counters["p99_us"] = latencies_us[latencies_us.size() * 99 / 100];
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * appends);
}
BENCHMARK(AppendFsync)->Arg(1)->Arg(8)->Arg(64)->Iterations(5)->UseRealTime()->Unit(benchmark::kMillisecond);

// From the page cache, in order, round and round.
void Read1MiB(benchmark::State& state) {
  constexpr int kBatches = 1024;
  const std::string batch = BatchOfAbout(64 << 10);
  BenchLog bench(Durability::kPageCache);
  bench.OnShard([&] {
    for (int i = 0; i < kBatches; ++i) {
      bench.log().Append(batch, {.epoch = model::LeaderEpoch(0)}, [](const auto& result) { LEAT_CHECK(result.ok()); });
    }
  });
  const int64_t records = model::ParseBatchHeader(batch)->record_count;
  model::Offset at(0);
  int64_t bytes = 0;
  for (auto _ : state) {
    bench.OnShard([&] {
      const auto read = bench.log().Read(at, 1 << 20);
      LEAT_CHECK(read.ok() && !read->batches.empty());
      bytes += static_cast<int64_t>(read->batches.size());
      at = at + static_cast<int64_t>(read->batches.size() / batch.size()) * records;
      if (at >= bench.log().high_watermark()) at = model::Offset(0);
    });
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  state.SetBytesProcessed(bytes);
}
BENCHMARK(Read1MiB)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace leat::log
