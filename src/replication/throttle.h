// Bytes per second for the traffic of replicas that are being moved, on the side that sends (leader) and on the side
// that fetches (follower). One for each side of a broker, shared by its partitions; replicas in sync are never
// throttled, so that a throttle cannot hold up acknowledgements. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace leat::replication {

class Throttle {
 public:
  // Unused bytes are saved up for this long.
  static constexpr Duration kWindow = absl::Seconds(1);

  // nullopt: unlimited. A lower rate keeps what is owed. REQUIRES: the rate is above 0.
  void SetRate(std::optional<uint64_t> bytes_per_second, Instant now);
  std::optional<uint64_t> rate() const { return rate_; }
  // How much may be read now; 0 while more has been used than allowed. Unlimited: UINT64_MAX.
  uint64_t Allowance(Instant now);
  // What was read in fact: a batch may be larger than the allowance, and is then paid for afterwards.
  void Charge(uint64_t bytes, Instant now);
  // When Allowance is above 0 again. `now` if it is.
  Instant ReadyAt(Instant now);

 private:
  void Refill(Instant now);

  std::optional<uint64_t> rate_;
  double tokens_ = 0;  // bytes; below 0: owed
  Instant refilled_at_;
};

}  // namespace leat::replication
