// An answer that is given in any case: for implementations of Transport.
#pragma once

#include <utility>

#include "env/transport.h"

namespace leat::env {

// Passes the first answer on to `give`. Destroyed without one, it gives kUnavailable with `when_dropped`; whatever
// `give` belongs to must be prepared for that at any time.
inline Transport::Reply AnsweredOnce(Transport::Reply give, std::string_view when_dropped) {
  class Once {
   public:
    Once(Transport::Reply give, std::string_view when_dropped) : give_(std::move(give)), when_dropped_(when_dropped) {}
    Once(Once&& from) noexcept
        : give_(std::exchange(from.give_, nullptr)), when_dropped_(std::move(from.when_dropped_)) {}
    Once& operator=(Once&&) = delete;
    ~Once() {
      if (give_) give_(Unavailable(when_dropped_));
    }
    void operator()(absl::StatusOr<OwnedBytes> answer) {
      if (give_) std::exchange(give_, nullptr)(std::move(answer));
    }

   private:
    Transport::Reply give_;
    std::string when_dropped_;
  };
  return Once(std::move(give), when_dropped);
}

}  // namespace leat::env
