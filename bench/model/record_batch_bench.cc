// The life of a batch: built by a client, validated by a broker, iterated by a job. Bytes per second are of the
// uncompressed batch; items are records.
#include "model/record_batch.h"

#include <benchmark/benchmark.h>

#include "base/check.h"
#include "base/random.h"

namespace leat::model {
namespace {

constexpr int kRecords = 160;  // of about 100 bytes: a batch of 16 KiB
constexpr size_t kLimit = size_t{16} << 20;

struct Sample {
  std::vector<std::string> keys;
  std::vector<std::string> values;
};

const Sample& Records() {
  static const Sample sample = [] {
    Sample made;
    Random random(1);
    for (int i = 0; i < kRecords; ++i) {
      made.keys.push_back(StrCat("user-", random.Below(10'000)));
      made.values.push_back(StrCat("{\"auction\":", random.Below(1000), ",\"bidder\":", random.Below(100'000),
                                   ",\"price\":", random.Below(1'000'000), ",\"channel\":\"web-", random.Below(50),
                                   "\",\"time\":", 1'700'000'000'000 + i, "}"));
    }
    return made;
  }();
  return sample;
}

std::string Build(Compression compression) {
  const Sample& sample = Records();
  BatchBuilder builder({.compression = compression});
  for (size_t i = 0; i < kRecords; ++i) {
    builder.Add(1'700'000'000'000 + static_cast<int64_t>(i), sample.keys[i], sample.values[i]);
  }
  return builder.Finish().value();
}

void CountWork(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(Build(Compression::kNone).size()));
  state.SetItemsProcessed(state.iterations() * kRecords);
}

void BM_Build(benchmark::State& state, Compression compression) {
  for (auto _ : state) benchmark::DoNotOptimize(Build(compression));
  CountWork(state);
}

void BM_Validate(benchmark::State& state, Compression compression, RecordCheck check) {
  const std::string batch = Build(compression);
  for (auto _ : state) LEAT_CHECK(ValidateBatch(batch, check, kLimit).ok());
  CountWork(state);
}

void BM_Iterate(benchmark::State& state, Compression compression) {
  const std::string batch = Build(compression);
  RecordView record;
  for (auto _ : state) {
    absl::StatusOr<RecordIterator> iterator = RecordIterator::Open(batch, kLimit);
    while (*iterator->Next(&record)) benchmark::DoNotOptimize(record.value);
  }
  CountWork(state);
}

BENCHMARK_CAPTURE(BM_Build, none, Compression::kNone);
BENCHMARK_CAPTURE(BM_Build, lz4, Compression::kLz4);
BENCHMARK_CAPTURE(BM_Build, zstd, Compression::kZstd);
BENCHMARK_CAPTURE(BM_Validate, none_header_and_crc, Compression::kNone, RecordCheck::kHeaderAndCrc);
BENCHMARK_CAPTURE(BM_Validate, none_every_record, Compression::kNone, RecordCheck::kEveryRecord);
BENCHMARK_CAPTURE(BM_Validate, lz4_header_and_crc, Compression::kLz4, RecordCheck::kHeaderAndCrc);
BENCHMARK_CAPTURE(BM_Validate, lz4_every_record, Compression::kLz4, RecordCheck::kEveryRecord);
BENCHMARK_CAPTURE(BM_Validate, zstd_header_and_crc, Compression::kZstd, RecordCheck::kHeaderAndCrc);
BENCHMARK_CAPTURE(BM_Validate, zstd_every_record, Compression::kZstd, RecordCheck::kEveryRecord);
BENCHMARK_CAPTURE(BM_Iterate, none, Compression::kNone);
BENCHMARK_CAPTURE(BM_Iterate, lz4, Compression::kLz4);
BENCHMARK_CAPTURE(BM_Iterate, zstd, Compression::kZstd);

}  // namespace
}  // namespace leat::model
