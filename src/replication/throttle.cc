#include "replication/throttle.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace leat::replication {
namespace {

const int64_t kWindowNanos = absl::ToInt64Nanoseconds(Throttle::kWindow);

double NanosFor(double bytes, uint64_t rate) { return bytes * 1e9 / static_cast<double>(rate); }

}  // namespace

int64_t Throttle::SavingSince(Instant now) const {
  return std::max(since_nanos_.load(std::memory_order_relaxed), now.nanos() - kWindowNanos);
}

void Throttle::SetRate(std::optional<uint64_t> bytes_per_second, Instant now) {
  LEAT_CHECK(!bytes_per_second || *bytes_per_second > 0);
  const uint64_t before = rate_.load(std::memory_order_relaxed);
  const uint64_t after = bytes_per_second.value_or(0);
  if (before == after) return;
  if (before == 0) {
    since_nanos_.store(now.nanos(), std::memory_order_relaxed);
  } else if (after != 0) {
    // As many bytes as before, saved up or owed, at the new rate.
    const auto nanos = static_cast<double>(now.nanos() - SavingSince(now));
    const double scaled = nanos * static_cast<double>(before) / static_cast<double>(after);
    since_nanos_.store(now.nanos() - std::llround(scaled), std::memory_order_relaxed);
  }
  rate_.store(after, std::memory_order_relaxed);
}

std::optional<uint64_t> Throttle::rate() const {
  const uint64_t rate = rate_.load(std::memory_order_relaxed);
  if (rate == 0) return std::nullopt;
  return rate;
}

uint64_t Throttle::Allowance(Instant now) const {
  const uint64_t rate = rate_.load(std::memory_order_relaxed);
  if (rate == 0) return UINT64_MAX;
  const double bytes = static_cast<double>(now.nanos() - SavingSince(now)) * static_cast<double>(rate) / 1e9;
  // Time is kept in whole nanoseconds: what is short of a byte by less than one of them is that byte.
  const double whole = bytes + static_cast<double>(rate) / 1e9;
  return whole < 1 ? 0 : static_cast<uint64_t>(whole);
}

void Throttle::Charge(uint64_t bytes, Instant now) {
  const uint64_t rate = rate_.load(std::memory_order_relaxed);
  if (rate == 0) return;
  const int64_t cost = std::llround(NanosFor(static_cast<double>(bytes), rate));
  int64_t known = since_nanos_.load(std::memory_order_relaxed);
  while (!since_nanos_.compare_exchange_weak(known, std::max(known, now.nanos() - kWindowNanos) + cost,
                                             std::memory_order_relaxed)) {
  }
}

Instant Throttle::ReadyAt(Instant now) const {
  if (Allowance(now) > 0) return now;
  const uint64_t rate = rate_.load(std::memory_order_relaxed);
  // A little more than one byte's worth, so that rounding never makes the caller come a moment too early.
  const auto nanos = static_cast<int64_t>(std::ceil(NanosFor(1, rate))) + 1;
  return Instant::FromNanos(SavingSince(now) + nanos);
}

}  // namespace leat::replication
