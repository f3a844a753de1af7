#include "stream/run/latency.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace leat::run {
namespace {

const double kStep = std::log(1.05);

}  // namespace

void ReadSamples::Add(const ReadSample& sample) {
  if (sample.timestamp_ms <= 0 || sample.records == 0) return;
  if (samples_.size() == kMost) {
    for (size_t i = 0; i < kMost / 2; ++i) {
      const ReadSample& a = samples_[2 * i];
      const ReadSample& b = samples_[2 * i + 1];
      samples_[i] = {std::min(a.timestamp_ms, b.timestamp_ms), a.records + b.records};
    }
    samples_.resize(kMost / 2);
  }
  samples_.push_back(sample);
}

std::vector<ReadSample> ReadSamples::Take() { return std::exchange(samples_, {}); }

size_t LatencyWindow::BucketOf(int64_t latency_ms) {
  if (latency_ms <= 1) return 0;
  const double bucket = std::ceil(std::log(static_cast<double>(latency_ms)) / kStep);
  return std::min(kBuckets - 1, static_cast<size_t>(bucket));
}

void LatencyWindow::Turn(Instant now) {
  if (!began_) began_ = now;
  if (now - *began_ < kTurn) return;
  counts_[1] = now - *began_ < 2 * kTurn ? counts_[0] : Counts{};
  counts_[0] = {};
  began_ = now;
}

void LatencyWindow::Add(int64_t latency_ms, uint64_t records, Instant now) {
  Turn(now);
  counts_[0][BucketOf(latency_ms)] += records;
}

LatencySummary LatencyWindow::Summary(Instant now) const {
  LatencySummary summary;
  if (!began_ || now - *began_ >= 2 * kTurn) return summary;
  Counts both = counts_[0];
  if (now - *began_ < kTurn) {
    for (size_t i = 0; i < kBuckets; ++i) both[i] += counts_[1][i];
  }
  for (const uint64_t count : both) summary.records += count;
  if (summary.records == 0) return summary;
  const auto quantile = [&](double share) {
    const auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(summary.records)));
    uint64_t seen = 0;
    size_t bucket = 0;
    while (bucket + 1 < kBuckets && (seen += both[bucket]) < rank) ++bucket;
    return std::exp(static_cast<double>(bucket) * kStep) / 1000;
  };
  summary.p50_seconds = quantile(0.5);
  summary.p95_seconds = quantile(0.95);
  summary.p99_seconds = quantile(0.99);
  return summary;
}

}  // namespace leat::run
