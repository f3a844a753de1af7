#include "coordinator/local_transport.h"

#include <utility>

namespace leat::coordinator {
namespace {

// The caller's answer, which comes exactly once: a handler that drops it has not said what it did.
class Answer {
 public:
  Answer(env::Shard& shard, env::Transport::Reply done) : shard_(&shard), done_(std::move(done)) {}
  Answer(Answer&& other) noexcept : shard_(other.shard_), done_(std::exchange(other.done_, nullptr)) {}
  Answer& operator=(Answer&&) = delete;
  ~Answer() {
    if (done_) Give(Unavailable("the request was dropped without an answer"));
  }
  void Give(absl::StatusOr<OwnedBytes> answer) {
    shard_->Post([done = std::exchange(done_, nullptr), answer = std::move(answer)]() mutable {
      done(std::move(answer));
    });
  }

 private:
  env::Shard* shard_;
  env::Transport::Reply done_;
};

}  // namespace

void LocalTransport::Send(int32_t node, env::Service service, OwnedBytes message) {
  if (node != self_) return;
  shard_.Post([self = self_, service, message = std::move(message), handlers = handlers_]() mutable {
    const auto it = handlers->by_service.find(service);
    if (it != handlers->by_service.end()) it->second(self, std::move(message), nullptr);
  });
}

// Without a timer: whoever answers is this very process, and cannot get lost.
void LocalTransport::Call(int32_t node, env::Service service, OwnedBytes request, Duration, Reply done) {
  Answer answer(shard_, std::move(done));
  if (node != self_) {
    answer.Give(Unavailable("node ", node, " is not known to this node, which is alone"));
    return;
  }
  shard_.Post([self = self_, service, request = std::move(request), answer = std::move(answer),
               handlers = handlers_]() mutable {
    const auto it = handlers->by_service.find(service);
    if (it == handlers->by_service.end()) {
      answer.Give(Unavailable("this node does not serve that yet, or any more"));
      return;
    }
    it->second(self, std::move(request), [answer = std::move(answer)](absl::StatusOr<OwnedBytes> reply) mutable {
      answer.Give(std::move(reply));
    });
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
