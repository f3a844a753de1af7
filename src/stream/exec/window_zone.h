// Windows over TIMESTAMP_LTZ are those of the wall in the session's time zone: operators work in its milliseconds, and
// only here are they made of instants and into them. Without a zone nothing changes. Immutable.
#pragma once

#include <memory>

#include "stream/data/time_zone.h"
#include "stream/exec/window.h"

namespace leat::exec {

class WindowZone {
 public:
  // kInvalidArgument: a zone that the system does not know.
  static absl::StatusOr<WindowZone> Make(const plan::WindowSpec& spec);

  // On the wall: of a row's time column. Ends of windows that rows have already are on the wall.
  int64_t MillisOf(int64_t micros) const { return WindowMath::MillisOf(attached_ ? micros : zone_.ToLocal(micros)); }
  // The value of window_time.
  int64_t TimeMicros(int64_t window_end_ms) const { return zone_.ToEpoch(WindowMath::MicrosOf(window_end_ms - 1)); }

 private:
  WindowZone(data::TimeZone zone, bool attached) : zone_(zone), attached_(attached) {}
  data::TimeZone zone_;
  bool attached_;
};

// The operator of a window's node, given watermarks of the wall instead of instants.
absl::StatusOr<std::unique_ptr<Operator>> OnTheWall(const plan::WindowSpec& spec,
                                                    absl::StatusOr<std::unique_ptr<Operator>> op);

}  // namespace leat::exec
