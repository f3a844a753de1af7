#include "replication/throttle.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace leat::replication {

void Throttle::Refill(Instant now) {
  if (now <= refilled_at_) return;
  const double seconds = absl::ToDoubleSeconds(now - refilled_at_);
  const double rate = static_cast<double>(*rate_);
  tokens_ = std::min(tokens_ + seconds * rate, rate * absl::ToDoubleSeconds(kWindow));
  refilled_at_ = now;
}

void Throttle::SetRate(std::optional<uint64_t> bytes_per_second, Instant now) {
  LEAT_CHECK(!bytes_per_second || *bytes_per_second > 0);
  if (rate_) {
    Refill(now);
  } else {
    tokens_ = 0;
    refilled_at_ = now;
  }
  rate_ = bytes_per_second;
  if (rate_) tokens_ = std::min(tokens_, static_cast<double>(*rate_) * absl::ToDoubleSeconds(kWindow));
}

uint64_t Throttle::Allowance(Instant now) {
  if (!rate_) return UINT64_MAX;
  Refill(now);
  return tokens_ < 1 ? 0 : static_cast<uint64_t>(tokens_);
}

void Throttle::Charge(uint64_t bytes, Instant now) {
  if (!rate_) return;
  Refill(now);
  tokens_ -= static_cast<double>(bytes);
}

Instant Throttle::ReadyAt(Instant now) {
  if (Allowance(now) > 0) return now;
  // A little more than one byte's worth, so that rounding never makes the caller come a moment too early.
  const double seconds = (1 - tokens_) / static_cast<double>(*rate_);
  return now + absl::Nanoseconds(std::ceil(seconds * 1e9) + 1);
}

}  // namespace leat::replication
