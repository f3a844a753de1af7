// A producer with one request in flight for each partition. An idempotent one waits for all copies and sends a batch
// again until it is told that it is there; one that waits for the leader alone sends each batch once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/stage.h"

namespace leat::nodes {

class Producer final : public Actor {
 public:
  enum class Kind : uint8_t { kIdempotent, kLeaderAcks };
  Producer(Stage& stage, int64_t number, Kind kind, std::vector<model::TopicPartition> partitions);
  ~Producer() override;
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  void Start() override;
  // Of an idempotent producer everything was acknowledged.
  bool settled() const override;
  void Mark() override;
  // Every partition has acknowledged something.
  std::string WhyNotWorking() const override;

 private:
  struct Lane {
    model::TopicPartition partition;
    int64_t sent = 0;
    int32_t sequence = 0;
    bool waiting = false;  // for an answer, or for the next attempt
    std::string batch;     // under way; empty: none
    std::vector<std::string> values;
    int asked = 0;  // the node that got it last
    uint64_t acknowledged = 0, marked = 0;
    model::ErrorCode last = model::ErrorCode::kNone;  // how the last attempt failed
  };
  void AskForId();
  void Next(size_t lane);
  void Send(size_t lane);
  void TakeAnswer(size_t lane, const std::optional<broker::ProduceReply>& reply);
  bool WasDeposed(const Lane& lane) const;
  void Acknowledged(Lane& lane, int64_t base_offset);
  Duration Pause(Duration mean) { return mean * (2 * random_.Unit()); }

  Stage& stage_;
  const int64_t number_;
  const Kind kind_;
  Random random_;
  model::ProducerId id_{-1};
  int16_t epoch_ = -1;
  std::vector<Lane> lanes_;
};

}  // namespace leat::nodes
