// Serves any bytes as requests, by a broker in the simulated world: what the fuzzer, the replay of its inputs and their
// mutation do.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "kafka/api_versions.h"
#include "kafka/dispatch.h"
#include "kafka/fetch_session.h"
#include "tests/broker/broker_fixture.h"

namespace leat::kafka {

// An input of the fuzzer: one request as it is on the wire, without its length, or several with kNextFrame between.
inline constexpr std::string_view kNextFrame = "\xfe>>\xfe";  // also in tests/fuzz/corpus/kafka.dict
inline constexpr size_t kMostFrames = 16;

inline std::vector<std::string_view> FramesOf(std::string_view input) {
  std::vector<std::string_view> frames;
  while (frames.size() < kMostFrames) {
    const size_t end = input.find(kNextFrame);
    frames.push_back(input.substr(0, end));
    if (end == std::string_view::npos) break;
    input.remove_prefix(end + kNextFrame.size());
  }
  return frames;
}

class InputServer {
 public:
  InputServer() : world_(std::make_unique<broker::BrokerWorld>(1)), sessions_({}, 1) {
    world_->options.limits.topics = 30;  // inputs make topics
    world_->options.limits.partitions_per_topic = 20;
    LEAT_CHECK_OK(world_->Start());
    LEAT_CHECK(world_->Create("t", 2).outcome.ok());
  }

  // The frames come one shortly after another, as from clients of their own; an empty one stands for ten seconds in
  // which nobody asks. OK if each was refused, or answered once with an answer that has its own length, and the broker
  // is healthy afterwards. Otherwise what was wrong.
  absl::Status Serve(std::span<const std::string_view> frames) {
    std::vector<std::unique_ptr<Request>> requests;
    for (const std::string_view frame : frames) {
      if (frame.empty()) {
        world_->world.RunFor(absl::Seconds(10));
        continue;
      }
      requests.push_back(std::make_unique<Request>());
      LEAT_RETURN_IF_ERROR(Begin(frame, *requests.back()));
      if (requests.back()->exchange == nullptr) {
        requests.pop_back();
      } else {
        world_->world.RunFor(absl::Milliseconds(5));
      }
    }
    if (requests.empty()) return absl::OkStatus();
    const auto answered = [&] {
      return std::ranges::all_of(requests, [](const auto& request) { return request->sink.calls > 0; });
    };
    // The longest that a request may be parked is what it says itself; then its client goes away.
    world_->world.RunUntil(answered, absl::Minutes(10));
    for (const auto& request : requests) request->GoAway();
    if (!world_->world.RunUntil(answered, absl::Hours(24))) return Internal("not answered");
    world_->world.RunFor(absl::Milliseconds(10));
    for (const auto& request : requests) LEAT_RETURN_IF_ERROR(request->sink.Check());
    return Annotate(world_->Health(), "the broker is no longer well");
  }
  absl::Status Serve(std::string_view frame) { return Serve(std::span(&frame, 1)); }

  // A request has reached the broker: what comes next depends on it.
  bool used() const { return used_; }

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
    absl::Status Check() const {
      if (calls != 1) return Internal("answered ", calls, " times");
      if (abandoned) return Internal("dropped without an answer");
      return CheckAnswer(answer);
    }
    int calls = 0;
    bool abandoned = false;
    Answer answer;
  };
  struct Request {
    void GoAway() {
      if (sink.calls == 0 && exchange->call().on_abandon) std::exchange(exchange->call().on_abandon, nullptr)();
    }
    Sink sink;
    std::unique_ptr<Exchange> exchange;  // null: refused
  };

  // As a connection does with a frame.
  absl::Status Begin(std::string_view input, Request& request) {
    std::string client_id;
    Frame frame = Frame::Of(input.size());
    std::copy(input.begin(), input.end(), frame.bytes.get());
    const absl::StatusOr<Dispatched> dispatched = Dispatch(frame.view(), &client_id);
    if (!dispatched.ok()) return absl::OkStatus();
    if (dispatched->refuse_version) return CheckAnswer(RefuseVersion(dispatched->header.correlation_id));
    const size_t budget = DecodeBudget(frame.size);
    Incoming incoming{
        .call = {.broker = *world_->broker, .shard = *world_->shards[0], .endpoint = endpoint_, .sessions = sessions_},
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
    incoming.sink = &request.sink;
    absl::StatusOr<std::unique_ptr<Exchange>> decoded = dispatched->api->decode(std::move(incoming));
    if (!decoded.ok()) return absl::OkStatus();
    used_ = true;
    request.exchange = *std::move(decoded);
    request.exchange->Run();
    return absl::OkStatus();
  }

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
  bool used_ = false;
};

}  // namespace leat::kafka
