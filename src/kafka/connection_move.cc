// How a connection goes to the shard that its requests are worked on.
#include <algorithm>
#include <utility>

#include "kafka/connection.h"
#include "kafka/shard_host.h"
#include "runtime/asio_shard.h"

namespace leat::kafka {
namespace {

constexpr int16_t kProduceKey = 0;
constexpr size_t kMostBeforeMove = 65536;  // requests, before it asks again where it was refused

}  // namespace

void Connection::NoteWorkedOn(const Slot& slot) {
  const env::Shard* on = slot.exchange == nullptr ? nullptr : slot.exchange->call().worked_on;
  if (slot.api_key != kProduceKey || on == nullptr) return;
  if (on == &host_.shard() || stays_) {
    worked_elsewhere_ = 0;
  } else if (std::exchange(works_on_, on) == on) {
    ++worked_elsewhere_;
  } else {
    worked_elsewhere_ = 1;
  }
}

// The answer may be that too many are there already: then it goes on here, and asks again after twice as many.
void Connection::AskToMove() {
  asking_ = true;
  worked_elsewhere_ = 0;
  ++handlers_;
  host_.AskToMove(*works_on_, [this](ShardHost* to) {
    --handlers_;
    asking_ = false;
    if (to == nullptr) {
      ask_after_ = std::min(ask_after_ * 2, kMostBeforeMove);
    } else if (closed_ || draining_ || stays_) {
      host_.StayAfterAll(*to);
    } else {
      moving_to_ = to;
    }
    Pump();
  });
}

void Connection::ContinueMove() {
  if (running_ > 0 || !slots_.empty() || !output_.empty()) return;
  if (handlers_ > 0) {
    if (!reading_ || std::exchange(read_cancelled_, true)) return;
    boost::system::error_code ignored;
    socket_.cancel(ignored);
    return;
  }
  host_.ChangePartial(partial_bytes_, 0);
  partial_bytes_ = 0;
  host_.HandOver(*moving_to_, {.socket = runtime::LooseSocket(std::move(socket_)),
                               .endpoint = endpoint_,
                               .reader = std::move(reader_),
                               .client_id = std::move(client_id_)});
  closed_ = true;
  MaybeGone();
}

}  // namespace leat::kafka
