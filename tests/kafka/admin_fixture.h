// Handlers called as the listener calls them, over a broker in the simulated world.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kafka/call.h"
#include "kafka/fetch_session.h"
#include "tests/broker/broker_fixture.h"

namespace leat::kafka {

class HandlerWorld : public broker::BrokerWorld {
 public:
  explicit HandlerWorld(uint64_t seed = 1) : BrokerWorld(seed), sessions_({}, seed) {
    LEAT_CHECK(Start().ok()) << "the broker starts";
  }

  // Runs the handler on the first shard and the world until it has answered.
  template <class Request, class Response>
  Response Ask(void (*handler)(Call&, const Request&, Reply<Response>), const Request& request, int16_t version) {
    Call call{.broker = *broker, .shard = *shards[0], .endpoint = endpoint_, .sessions = sessions_};
    call.version = version;
    return Await<Response>([&](auto done) {
      shards[0]->Post(
          [&call, &request, handler, done = std::move(done)]() mutable { handler(call, request, std::move(done)); });
    });
  }

 private:
  const Endpoint endpoint_{"default", "broker.test", 9092};
  FetchSessionCache sessions_;
};

}  // namespace leat::kafka
