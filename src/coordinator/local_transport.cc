#include "coordinator/local_transport.h"

#include <utility>

#include "env/answer.h"

namespace leat::coordinator {

void LocalTransport::Send(int32_t node, env::Service service, OwnedBytes message) {
  if (node != self_) return;
  shard_.Post([self = self_, service, message = std::move(message), handlers = handlers_]() mutable {
    const auto it = handlers->by_service.find(service);
    if (it != handlers->by_service.end()) it->second(self, std::move(message), nullptr);
  });
}

// Without a timer: whoever answers is this very process, and cannot get lost.
void LocalTransport::Call(int32_t node, env::Service service, OwnedBytes request, Duration, Reply done) {
  Reply answer = env::AnsweredOnce(
      [&shard = shard_, done = std::move(done)](absl::StatusOr<OwnedBytes> reply) mutable {
        shard.Post([done = std::move(done), reply = std::move(reply)]() mutable { done(std::move(reply)); });
      },
      "the request was dropped without an answer");
  if (node != self_) {
    answer(Unavailable("node ", node, " is not known to this node, which is alone"));
    return;
  }
  shard_.Post([self = self_, service, request = std::move(request), answer = std::move(answer),
               handlers = handlers_]() mutable {
    const auto it = handlers->by_service.find(service);
    if (it == handlers->by_service.end()) {
      answer(Unavailable("this node does not serve that yet, or any more"));
      return;
    }
    it->second(self, std::move(request), std::move(answer));
  });
}

void LocalTransport::Serve(env::Service service, Handler handler) {
  if (handler) {
    handlers_->by_service[service] = std::move(handler);
  } else {
    handlers_->by_service.erase(service);
  }
}

}  // namespace leat::coordinator
