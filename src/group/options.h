// What the group cores are told. Times as in Kafka's broker configuration, whose names are given.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace leat::group {

struct Limits {
  size_t metadata_bytes = 4096;  // of one commit (Kafka's offset.metadata.max.bytes)
  size_t group_id_bytes = 255;
  size_t offsets = 1'000'000;             // of all groups together
  size_t groups = 100'000;                // with members, of one partition of the offsets topic
  size_t members = 10'000;                // of one group, with those that have only been given an id (group.max.size)
  size_t protocols = 64;                  // that one member may offer
  size_t subscription_bytes = 256 << 10;  // of all protocols that one member offers
  size_t assignment_bytes = 8 << 20;      // of all members, from one leader
  size_t name_bytes = 255;                // of an instance id, a protocol, a client's name or address
};

struct Options {
  Limits limits;
  Duration initial_rebalance_delay = absl::Seconds(3);    // group.initial.rebalance.delay.ms
  Duration min_session_timeout = absl::Seconds(6);        // group.min.session.timeout.ms
  Duration max_session_timeout = absl::Minutes(30);       // group.max.session.timeout.ms
  Duration new_member_timeout = absl::Minutes(5);         // that a member that is new may wait in a rebalance
  Duration offsets_retention = absl::Hours(7 * 24);       // offsets.retention.minutes
  Duration retention_check_interval = absl::Minutes(10);  // offsets.retention.check.interval.ms
};

// The time of a call: monotonic for deadlines, wall time for what is stored.
struct Now {
  Instant instant;
  int64_t wall_ms = 0;
};

}  // namespace leat::group
