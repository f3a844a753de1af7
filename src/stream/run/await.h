// Waits for a callback-style call. Only for threads that may block (a job's control thread), never on a shard.
#pragma once

#include <future>
#include <memory>
#include <utility>

namespace leat::run {

// auto reply = Await<Reply>([&](auto done) { port.Call(args, std::move(done)); });
template <typename Reply, typename Start>
Reply Await(Start start) {
  auto promise = std::make_shared<std::promise<Reply>>();
  std::future<Reply> future = promise->get_future();
  start([promise](Reply reply) { promise->set_value(std::move(reply)); });
  return future.get();
}

}  // namespace leat::run
