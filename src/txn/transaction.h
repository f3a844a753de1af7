// One transactional id and what its producer is doing: the state machine of KIP-98 with the epoch rules of KIP-360 and
// KIP-890. Plain data; any thread.
//
//   Empty -> Ongoing -> PrepareCommit -> CompleteCommit -> Ongoing ..
//                   \-> PrepareAbort  -> CompleteAbort  -> Ongoing ..
// InitProducerId leads from Empty and the Complete states to Empty. Prepare means that the outcome is decided and
// durable; Complete that every partition has its marker.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "model/ids.h"

namespace leat::txn {

// The numbers are those of Kafka's records.
enum class State : int8_t {
  kEmpty = 0,
  kOngoing = 1,
  kPrepareCommit = 2,
  kPrepareAbort = 3,
  kCompleteCommit = 4,
  kCompleteAbort = 5,
  kDead = 6,
};
std::string_view StateName(State state);  // as Kafka's tools print it
std::optional<State> ParseState(std::string_view name);

enum class Result { kAbort, kCommit };

// The rules that a client follows. From kEpochPerTransaction on (transaction.version 2) the epoch rises whenever a
// transaction ends, so that a delayed request of an earlier transaction is told from one of the current transaction.
enum class Version : int16_t { kClassic = 0, kFlexibleRecords = 1, kEpochPerTransaction = 2 };
constexpr bool EpochRises(Version version) { return version >= Version::kEpochPerTransaction; }

inline constexpr int16_t kNoEpoch = -1;
// The last epoch that a client is ever given; the one above it is used by the coordinator alone, to fence.
inline constexpr int16_t kLastClientEpoch = INT16_MAX - 1;
inline constexpr model::ProducerId kNoProducerId{-1};

struct Transaction {
  model::ProducerId producer_id = kNoProducerId;
  int16_t producer_epoch = kNoEpoch;
  // Whose EndTxn may still be repeated after the producer id changed because its epochs were used up.
  model::ProducerId previous_producer_id = kNoProducerId;
  // Takes over at the end of the transaction that is being completed.
  model::ProducerId next_producer_id = kNoProducerId;
  // The epoch before the last bump that its own producer asked for: that request may be repeated. Else kNoEpoch.
  int16_t last_producer_epoch = kNoEpoch;
  int32_t timeout_ms = 0;
  State state = State::kEmpty;
  std::set<model::TopicPartition> partitions;
  int64_t start_ms = -1;  // of the transaction; -1: none
  int64_t last_update_ms = -1;
  Version client_version = Version::kClassic;
  friend bool operator==(const Transaction&, const Transaction&) = default;

  bool ending() const { return state == State::kPrepareCommit || state == State::kPrepareAbort; }
  bool idle() const {
    return state == State::kEmpty || state == State::kCompleteCommit || state == State::kCompleteAbort;
  }
  bool epochs_used_up() const { return producer_epoch >= kLastClientEpoch; }
};

// The markers that a transaction in a Prepare state still needs, on every partition.
struct Markers {
  std::string transactional_id;
  model::ProducerId producer_id;
  int16_t producer_epoch = kNoEpoch;
  Result result = Result::kAbort;
  Version version = Version::kClassic;
  std::set<model::TopicPartition> partitions;
};
Markers MarkersOf(std::string_view transactional_id, const Transaction& transaction);  // REQUIRES: ending()

}  // namespace leat::txn
