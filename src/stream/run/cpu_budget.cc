#include "stream/run/cpu_budget.h"

#include <algorithm>
#include <utility>

namespace leat::run {

void CpuBudget::Spend(Duration cpu, Instant now) {
  const int64_t price = absl::ToInt64Nanoseconds(cpu / cores_);
  const int64_t earliest = (now - kCredit).nanos();
  int64_t paid = paid_nanos_.load(std::memory_order_relaxed);
  while (!paid_nanos_.compare_exchange_weak(paid, std::max(paid, earliest) + price, std::memory_order_relaxed)) {
  }
}

Duration CpuBudget::Debt(Instant now) const {
  const int64_t paid = paid_nanos_.load(std::memory_order_relaxed);
  return paid <= now.nanos() ? absl::ZeroDuration() : absl::Nanoseconds(paid - now.nanos());
}

Duration CpuMeter::Take() {
  const Duration now = threads_.CpuTime();
  return now - std::exchange(told_, now);
}

Duration CpuDebt::Left(Duration owed, Instant now) {
  if (left_ == absl::ZeroDuration()) paid_at_ = now + owed;
  return left_ = std::max(absl::ZeroDuration(), paid_at_ - now);
}

}  // namespace leat::run
