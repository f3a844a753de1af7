// Bytes per second for the traffic of replicas that are being moved, on the side that sends (leader) and on the side
// that fetches (follower). One for each side of a broker, shared by its partitions; replicas in sync are never
// throttled, so that a throttle cannot hold up acknowledgements.
//
// Thread-safe without locks: the shards of a broker share one. Who asks and charges in between two calls of another
// shard may be allowed more than the rate for that moment; it is charged all the same, and paid for afterwards.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace leat::replication {

class Throttle {
 public:
  // Unused bytes are saved up for this long.
  static constexpr Duration kWindow = absl::Seconds(1);

  // nullopt: unlimited. A lower rate keeps what is owed. REQUIRES: the rate is above 0; one caller at a time.
  void SetRate(std::optional<uint64_t> bytes_per_second, Instant now);
  std::optional<uint64_t> rate() const;
  // How much may be read now; 0 while more has been used than allowed. Unlimited: UINT64_MAX.
  uint64_t Allowance(Instant now) const;
  // What was read in fact: a batch may be larger than the allowance, and is then paid for afterwards.
  void Charge(uint64_t bytes, Instant now);
  // When Allowance is above 0 again. `now` if it is.
  Instant ReadyAt(Instant now) const;

 private:
  // Since when bytes are saved up: behind `now` while bytes are owed. Never further back than the window.
  int64_t SavingSince(Instant now) const;

  std::atomic<uint64_t> rate_{0};  // 0: unlimited
  std::atomic<int64_t> since_nanos_{0};
};

}  // namespace leat::replication
