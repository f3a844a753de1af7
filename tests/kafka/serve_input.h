// Serves any bytes as one request, by a broker in the simulated world: what the replay of inputs and their mutation
// does.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "kafka/api_versions.h"
#include "kafka/dispatch.h"
#include "kafka/fetch_session.h"
#include "tests/broker/broker_fixture.h"

namespace leat::kafka {

class InputServer {
 public:
  InputServer() : world_(std::make_unique<broker::BrokerWorld>(1)), sessions_({}, 1) {
    world_->options.limits.topics = 30;  // inputs make topics
    world_->options.limits.partitions_per_topic = 20;
    LEAT_CHECK_OK(world_->Start());
    LEAT_CHECK(world_->Create("t", 2).outcome.ok());
  }

  // OK if the input was refused, or answered once with an answer that has its own length. Otherwise what was wrong.
  absl::Status Serve(std::string_view input) {
    std::string client_id;
    Sink sink;
    std::unique_ptr<Exchange> exchange;
    {
      Frame frame = Frame::Of(input.size());
      std::copy(input.begin(), input.end(), frame.bytes.get());
      const absl::StatusOr<Dispatched> dispatched = Dispatch(frame.view(), &client_id);
      if (!dispatched.ok()) return absl::OkStatus();
      if (dispatched->refuse_version) return CheckAnswer(RefuseVersion(dispatched->header.correlation_id));
      const size_t budget = DecodeBudget(frame.size);
      Incoming incoming{.call = {.broker = *world_->broker,
                                 .shard = *world_->shards[0],
                                 .endpoint = endpoint_,
                                 .sessions = sessions_},
                        .frame = std::move(frame)};
      incoming.call.api_key = dispatched->api->key;
      incoming.call.version = dispatched->header.api_version;
      incoming.call.client_id = client_id;
      incoming.call.client_host = "127.0.0.1";
      incoming.call.auto_create_topics = true;
      incoming.call.answer_bytes = size_t{1} << 20;
      incoming.body_at = dispatched->body_at;
      incoming.correlation_id = dispatched->header.correlation_id;
      incoming.memory_budget = budget;
      incoming.sink = &sink;
      absl::StatusOr<std::unique_ptr<Exchange>> decoded = dispatched->api->decode(std::move(incoming));
      if (!decoded.ok()) return absl::OkStatus();
      exchange = *std::move(decoded);
    }
    exchange->Run();
    // The longest that a request may be parked is what it says itself; then its client goes away.
    world_->world.RunUntil([&] { return sink.calls > 0; }, absl::Minutes(10));
    if (sink.calls == 0 && exchange->call().on_abandon) std::exchange(exchange->call().on_abandon, nullptr)();
    if (!world_->world.RunUntil([&] { return sink.calls > 0; }, absl::Hours(24))) return Internal("not answered");
    world_->world.RunFor(absl::Milliseconds(10));
    if (sink.calls != 1) return Internal("answered ", sink.calls, " times");
    if (sink.abandoned) return Internal("dropped without an answer");
    return CheckAnswer(sink.answer);
  }

 private:
  struct Sink final : AnswerSink {
    void Take(Answer given) override {
      ++calls;
      answer = std::move(given);
    }
    void Abandon() override {
      ++calls;
      abandoned = true;
    }
    int calls = 0;
    bool abandoned = false;
    Answer answer;
  };

  static absl::Status CheckAnswer(const Answer& answer) {
    std::string bytes;
    for (const std::string& chunk : answer.chunks) bytes += chunk;
    if (bytes.empty()) return absl::OkStatus();  // acks 0
    if (bytes.size() < 8) return Internal("an answer of ", bytes.size(), " bytes");
    const auto length = LoadBigEndian<int32_t>(bytes.data());
    if (static_cast<size_t>(length) + 4 == bytes.size()) return absl::OkStatus();
    return Internal("an answer of ", bytes.size(), " bytes says that it has ", length);
  }

  const std::unique_ptr<broker::BrokerWorld> world_;
  const Endpoint endpoint_{"default", "broker.test", 9092};
  FetchSessionCache sessions_;
};

}  // namespace leat::kafka
