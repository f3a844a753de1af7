// A reply that waits for other clients: whichever comes first gives it, the coordinator or the end of the connection.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "kafka/call.h"

namespace leat::kafka {

template <class Response>
class ParkedReply : public std::enable_shared_from_this<ParkedReply<Response>> {
 public:
  // `otherwise` is answered when the client has gone or the listener stops.
  static std::shared_ptr<ParkedReply> Park(Call& call, Reply<Response> reply, Response otherwise) {
    auto parked = std::make_shared<ParkedReply>(call.shard, std::move(reply));
    call.on_abandon = [parked, otherwise = std::move(otherwise)]() mutable { parked->Give(std::move(otherwise)); };
    return parked;
  }
  ParkedReply(env::Shard& shard, Reply<Response> reply) : shard_(shard), reply_(std::move(reply)) {}

  // Any thread. The first one is sent, others are dropped.
  void Give(Response response) {
    shard_.Post([self = this->shared_from_this(), response = std::move(response)]() mutable {
      if (auto reply = std::exchange(self->reply_, std::nullopt)) (*reply)(std::move(response));
    });
  }

 private:
  env::Shard& shard_;
  std::optional<Reply<Response>> reply_;  // touched on the shard only
};

}  // namespace leat::kafka
