// What a partition knows about its producers: the last batches of each, so that a repeated batch is recognised and a
// gap refused, and the transaction that each has open. Rules as Kafka's (KIP-98, KIP-360, KIP-890, KIP-1228). Pure: a
// function of the batches and the times it was told of. One shard.
//
// A batch is checked when it is about to be appended (Check, CheckMarker) and told when it has been (Note); recovery
// only tells. State outlives the records: deleting them removes nothing, only `producer_expiration` without a batch
// does, or, at the bound, being the one that was silent longest. A producer with an open transaction stays.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>

#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "log/aborted_index.h"
#include "model/ids.h"
#include "model/record_batch.h"
#include "model/transaction.h"

namespace leat::log {

// Who appends. kCoordinator: the broker itself, for a client's transaction (offset commits): its batches carry a
// producer id but no sequence of their own.
enum class Origin { kClient, kCoordinator };

// What sequence a producer that the log does not know may begin with. kAny: its state may have expired. kZero: each of
// its transactions has a new epoch (transaction version 2), so that it always begins with 0.
enum class FirstSequence { kAny, kZero };

struct ProducerDescription {
  model::ProducerId producer_id{-1};
  int16_t epoch = -1;
  int32_t last_sequence = -1;
  int64_t last_timestamp_ms = -1;
  int32_t coordinator_epoch = -1;
  model::Offset open_since{-1};  // the first offset of its open transaction; -1: none
};

class ProducerState {
 public:
  static constexpr size_t kRememberedBatches = 5;
  struct Batch {
    int32_t last_sequence = -1;
    model::Offset last_offset{-1};
    int32_t offset_delta = 0;  // last_offset - the first one
    int64_t timestamp_ms = -1;
    int32_t first_sequence() const;
    model::Offset base_offset() const { return last_offset - offset_delta; }
    friend bool operator==(const Batch&, const Batch&) = default;
  };
  struct Options {
    size_t max_producers = 50'000;
    Duration expiration = absl::Hours(24);  // producer.id.expiration.ms
  };
  // The reflected log ends at `end`.
  explicit ProducerState(model::Offset end = model::Offset(0)) : end_(end) {}
  ProducerState(ProducerState&&) = default;
  ProducerState& operator=(ProducerState&&) = default;

  struct Verdict {
    std::optional<Batch> duplicate;  // the batch that this one repeats: not to be appended
    bool begins_transaction = false;
  };
  // What the producer `header` names may do. The ErrorCode is on the status (model::CodeOf).
  // OUT_OF_ORDER_SEQUENCE_NUMBER: a gap, or behind what is remembered; INVALID_PRODUCER_EPOCH: fenced;
  // INVALID_TXN_STATE: an ordinary batch inside of a transaction; INVALID_RECORD: a control batch or broken producer
  // fields from a client; POLICY_VIOLATION: max_producers have transactions open.
  struct Rules {
    Origin origin = Origin::kClient;
    FirstSequence first_sequence = FirstSequence::kAny;
    size_t max_producers = 50'000;
  };
  absl::StatusOr<Verdict> Check(const model::BatchHeader& header, const Rules& rules) const;
  // TRANSACTION_COORDINATOR_FENCED: a newer coordinator has written; INVALID_PRODUCER_EPOCH: the producer has moved on.
  struct Marker {
    model::ProducerId producer_id{-1};
    int16_t producer_epoch = -1;
    model::EndMarker marker;
    // Transaction version 2 raises the epoch with every end: a marker of an epoch that has already written is late.
    enum class Epoch { kSameOrNewer, kNewer } expects = Epoch::kSameOrNewer;
  };
  absl::Status CheckMarker(const Marker& marker) const;

  // A batch that is in the log at its offsets, without checks. Batches below end() are known already and passed over.
  // `marker`: what a control batch ends, if anything. now_ms: when it was appended, as far as it is known.
  // The transaction that it ended, if one was open.
  struct Ended {
    model::TransactionEnd end;
    AbortedEntry transaction;  // as the index would have it
  };
  std::optional<Ended> Note(const model::BatchHeader& header, const std::optional<model::EndMarker>& marker,
                            int64_t now_ms, const Options& options);

  model::Offset end() const { return end_; }
  // The first offset of the oldest open transaction.
  std::optional<model::Offset> first_undecided() const;
  // Whether this producer has a transaction open in this epoch.
  bool HasOpenTransaction(model::ProducerId producer, int16_t epoch) const;
  void Expire(int64_t now_ms, const Options& options);
  std::vector<ProducerDescription> Describe() const;  // by producer id
  size_t size() const { return producers_.size(); }
  // What the cleaner must leave of a producer, so that the state can be found again in the log: the batch that ends
  // with its last sequence, or, if none of its epoch is remembered, the marker that began the epoch.
  struct LastBatch {
    int16_t epoch = -1;
    model::Offset last_offset{-1};  // -1: none
  };
  using LastBatchMap = absl::flat_hash_map<model::ProducerId, LastBatch>;
  LastBatchMap LastBatches() const;

  // Kafka's producer snapshot: version i16 (1), CRC-32C u32 of what follows, count i32, then entries of producer id
  // i64, epoch i16, last sequence i32, last offset i64, offset delta i32, timestamp i64, coordinator epoch i32, open
  // transaction's first offset i64. Behind them, inside the CRC and ignored by Kafka: "LEAT", then for each entry the
  // number i8 of older remembered batches, each last sequence i32, last offset i64, offset delta i32, timestamp i64.
  std::string EncodeSnapshot() const;
  // kDataLoss: damaged, or of another version.
  static absl::StatusOr<ProducerState> DecodeSnapshot(std::string_view bytes, model::Offset end);

 private:
  struct Producer {
    int16_t epoch = -1;
    int32_t coordinator_epoch = -1;
    int64_t last_timestamp_ms = -1;
    model::Offset open_since{-1};
    absl::InlinedVector<Batch, 1> batches;  // of this epoch, oldest first
    std::list<model::ProducerId>::iterator order;
  };
  const Producer* Find(model::ProducerId id) const;
  Producer& Touch(model::ProducerId id, const Options& options);
  void MakeRoom(const Options& options);
  absl::Status CheckSequence(const model::BatchHeader& header, const Producer& producer) const;

  model::Offset end_;
  absl::flat_hash_map<model::ProducerId, Producer> producers_;
  std::list<model::ProducerId> order_;  // silent longest first
  std::set<std::pair<model::Offset, model::ProducerId>> open_;
};

}  // namespace leat::log
