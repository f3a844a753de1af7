// What a partition log can be told. Times and sizes carry their unit in the name or the type.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "model/compression.h"

namespace leat::log {

// When an append counts as acknowledged. kFsync ("F"): its bytes are on disk. kPageCache ("P"): they are in the page
// cache, as with Kafka's default.
enum class Durability { kFsync, kPageCache };

enum class TimestampType { kCreateTime, kLogAppendTime };

struct LogOptions {
  Durability durability = Durability::kFsync;    // leat.durability
  int64_t segment_bytes = int64_t{1} << 30;      // segment.bytes: roll when an append would pass it
  Duration segment_age = absl::Hours(24 * 7);    // segment.ms
  int64_t retention_bytes = -1;                  // retention.bytes: -1 is unlimited
  Duration retention_age = absl::Hours(24 * 7);  // retention.ms: InfiniteDuration is unlimited
  int64_t index_interval_bytes = 4096;           // index.interval.bytes
  int64_t max_batch_bytes = 1048588;             // max.message.bytes
  int64_t max_decompressed_batch_bytes = int64_t{64} << 20;
  TimestampType timestamp_type = TimestampType::kCreateTime;  // message.timestamp.type
  // message.timestamp.before.max.ms and .after.max.ms: how far from the wall clock a producer's timestamp may be.
  Duration timestamp_before_max = absl::InfiniteDuration();
  Duration timestamp_after_max = absl::InfiniteDuration();
  std::optional<model::Compression> compression;           // compression.type: of every batch; nullopt: as it was sent
  int32_t min_insync_replicas = 1;                         // min.insync.replicas; for the broker, a log has one copy
  bool delete_old = true;                                  // cleanup.policy contains delete
  bool compact = false;                                    // cleanup.policy contains compact
  double min_dirty_ratio = 0.5;                            // min.cleanable.dirty.ratio
  Duration min_compaction_lag = absl::ZeroDuration();      // min.compaction.lag.ms
  Duration max_compaction_lag = absl::InfiniteDuration();  // max.compaction.lag.ms
  Duration delete_retention = absl::Hours(24);             // delete.retention.ms: how long tombstones stay
  Duration producer_expiration = absl::Hours(24);          // producer.id.expiration.ms
  size_t max_producers = 50'000;                           // remembered per partition

  // When the active segment is rolled for its age: what must be compacted in time must not stay active.
  Duration roll_age() const { return compact && max_compaction_lag < segment_age ? max_compaction_lag : segment_age; }
};

}  // namespace leat::log
