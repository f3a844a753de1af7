// A time zone: instants (TIMESTAMP_LTZ, epoch) <-> what a clock on the wall there shows (TIMESTAMP). Rules come from
// the system's zoneinfo. Immutable and small; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "base/status.h"

namespace leat::data {

class TimeZone {
 public:
  // What Flink takes for table.local-time-zone: a name of the zone data base ("Europe/Berlin"), "UTC" or another name
  // of it, or "GMT+08:00". kInvalidArgument: it is none of them, or the system does not know it.
  static absl::StatusOr<TimeZone> Load(std::string_view name);
  static TimeZone Utc() { return TimeZone(absl::UTCTimeZone()); }

  bool IsUtc() const { return utc_; }  // then nothing changes anything
  int64_t ToLocal(int64_t epoch_micros) const;
  // A time that is skipped is as late behind the gap as it is in it; of one that comes twice it is the first.
  int64_t ToEpoch(int64_t local_micros) const;
  // The same, but of one that comes twice it is the last, as Java's older classes have it.
  int64_t ToLastEpoch(int64_t local_micros) const;
  // The last moment on the wall that has gone for good at the instant: of an hour that comes twice nothing has before
  // its end has come for the second time. The ends of int64_t stay what they are.
  int64_t LocalWatermarkMillis(int64_t epoch_ms) const;

 private:
  explicit TimeZone(absl::TimeZone zone) : zone_(zone), utc_(zone == absl::UTCTimeZone()) {}
  int64_t OffsetSeconds(int64_t epoch_seconds) const;
  absl::TimeZone::TimeInfo InfoOf(int64_t local_seconds) const { return zone_.At(absl::CivilSecond() + local_seconds); }

  absl::TimeZone zone_;
  bool utc_;
};

}  // namespace leat::data
