// Card transactions with planted fraud, made from a seed: the same options give the same bytes on every machine. Events
// come in event-time order. Ordinary transactions stay below 250 dollars and outside the blocked categories, so that
// every alert about a large amount or a blocked category was planted; many events on few cards also give velocity
// alerts that nobody planted. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "tools/leat/event_generator.h"

namespace leat::tool {

struct TransactionOptions {
  uint64_t count = 0;
  uint64_t seed = 1;
  uint32_t cards = 1000;
  int64_t start_seconds = 1704067200;  // event time of the first, seconds since 1970 UTC
  double rate = 10;                    // events per second of event time
  double fraud_share = 0.002;          // of the transactions; about this many belong to planted fraud
};

class TransactionGenerator final : public EventGenerator {
 public:
  explicit TransactionGenerator(const TransactionOptions& options);

  // Appends the next transaction as a line of JSON. False when all were made.
  bool Next(std::string* out) override;
  // The card of the transaction that Next made last.
  std::string_view key() const override { return card_; }
  // Lines of JSON about the fraud that is complete since the last call: {"reason","cc_num","trans_nums","from","to"}.
  std::string TakeTruth() override;

 private:
  enum class Fraud { kNone, kVelocity, kLargeAmount, kBlockedCategory };
  struct Burst {  // several transactions of one card
    uint32_t card = 0;
    int64_t first_seconds = 0;
    uint32_t left = 0;
    std::vector<std::string> numbers;
  };
  struct Event {
    uint32_t card = 0;
    int64_t seconds = 0;
    Fraud fraud = Fraud::kNone;
    uint64_t cents = 0;
    std::string_view category;
    std::string_view merchant;
  };

  int64_t ScheduledSeconds(uint64_t index) const;
  // Takes the slots of a burst that begins at the current one. False if they would reach behind the end.
  bool PlantBurst(Event* event);
  void Plant(Event* event);
  // Continues the burst that owns the current slot, if one does. Returns its number.
  std::optional<uint64_t> Continue(Event* event);
  void ChoosePurchase(Event* event);
  void Append(const Event& event, std::string* out);
  void SetTime(int64_t seconds);
  void AddTruth(std::string_view reason, uint32_t card, const std::vector<std::string>& numbers, int64_t from);

  TransactionOptions options_;
  Random random_;
  uint64_t plant_threshold_;  // of 2^53
  std::vector<std::string> cards_;
  std::vector<std::string> merchants_;
  std::map<uint64_t, uint64_t> slots_;  // index of a transaction to come -> its burst
  std::map<uint64_t, Burst> bursts_;
  uint64_t next_burst_ = 0;
  uint64_t index_ = 0;
  int64_t time_seconds_ = INT64_MIN;
  std::string time_text_;  // of time_seconds_
  std::string number_;     // trans_num of the last
  std::string_view card_;
  std::string truth_;
};

}  // namespace leat::tool
