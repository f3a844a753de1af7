// The changelog of a job: one partition that holds every committed epoch of its state and source positions, in order.
// It is the write-ahead log of the job's committed store. Pure: bytes in, bytes out. See docs/internals/changelog.md.
//
// An epoch is one or more record batches: a begin record, a record per changed entry (no value: a removal), a commit
// record. Jobs that deliver exactly once write them in the epoch's transaction: replay keeps the epochs of transactions
// that were committed. Others write them as one append: replay keeps what lies between a begin and its commit and
// forgets everything else, so a torn append changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/ids.h"
#include "model/record_batch.h"
#include "stream/state/committed_store.h"

namespace leat::run {

std::string ChangelogTopic(std::string_view job);  // __leat_changelog_<job>

// Entries of an epoch on their way to its batches: a worker with many encodes them itself.
struct EpochPart {
  std::vector<std::string> batches;    // whole ones
  int64_t batched = 0;                 // entries in them
  std::vector<state::Change> changes;  // the others
};
class EpochPartBuilder {
 public:
  EpochPartBuilder(int64_t wall_ms, size_t max_batch_bytes);
  ~EpochPartBuilder();
  void Add(std::string_view key, std::optional<std::string_view> value);
  absl::StatusOr<EpochPart> Finish();
  class Writer;

 private:
  void Write(std::string_view key, std::optional<std::string_view> value);
  std::unique_ptr<Writer> writer_;  // null while there is little
  int64_t wall_ms_;
  size_t max_batch_bytes_;
  size_t bytes_ = 0;
  std::string key_;  // scratch
  EpochPart part_;
  absl::Status status_;
};

// The batches of one epoch, in order. They stay below max_batch_bytes where a single entry allows it.
absl::StatusOr<std::vector<std::string>> EncodeEpochBatches(int64_t epoch, EpochPart part, int64_t wall_ms,
                                                            size_t max_batch_bytes);
// The same as one string.
absl::StatusOr<std::string> EncodeEpoch(int64_t epoch, std::vector<state::Change> changes, int64_t wall_ms,
                                        size_t max_batch_bytes);

// Reads a changelog from any record boundary at which an epoch begins.
class ChangelogReplay {
 public:
  struct Epoch {
    int64_t epoch = 0;
    std::vector<state::Change> changes;
    model::Offset next;  // behind the commit record: the position that Apply stores
  };
  // Takes whole batches as fetched, of all transactions; records below `from` are skipped. Calls `apply` for each
  // committed epoch, in order.
  absl::Status Feed(std::string_view batches, model::Offset from, const std::function<absl::Status(Epoch&)>& apply);
  model::Offset next_offset() const { return next_offset_; }

 private:
  // What has been read of an epoch that is not committed yet.
  struct Pending {
    enum class State { kNone, kOpen, kComplete } state = State::kNone;
    Epoch epoch;
  };
  static absl::Status OnRecord(const model::RecordView& record, Pending* pending);
  absl::Status OnMarker(std::string_view batch, model::ProducerId producer,
                        const std::function<absl::Status(Epoch&)>& apply);
  Pending loose_;                                      // written without a transaction
  std::map<model::ProducerId, Pending> transactions_;  // open ones
  model::Offset next_offset_{0};
};

// --- source positions, kept in the same store as the state, so that both are of the same epoch ---
struct SourcePosition {
  int node_id = 0;
  model::TopicPartition partition;
  model::Offset next;  // the first record not yet part of the state
  int64_t watermark_ms = INT64_MIN;
};
state::Change EncodePosition(const SourcePosition& position);
absl::StatusOr<SourcePosition> DecodePosition(std::string_view key, std::string_view value);
// How many workers the state was cut for; fixed with the job's first checkpoint.
state::Change EncodeParallelism(int workers);
// All positions lie in [begin, end) of the store's keys.
inline constexpr int kValuesNode = -2;  // the position that says VALUES nodes have been emitted
inline constexpr int kParallelismNode =
    -1;  // DecodePosition gives it as a position of this node, with `next` the number
// What the job has done in all its lives, as of an epoch; DecodePosition gives its key as a position of this node.
inline constexpr int kTotalsNode = -3;
struct Totals {
  uint64_t rows_in = 0, rows_out = 0, rows_late = 0, rows_dead = 0;
  uint64_t checkpoints = 0;
  int64_t checkpoint_ms = -1;  // wall time of the last; -1: none yet
};
state::Change EncodeTotals(const Totals& totals);
absl::StatusOr<Totals> DecodeTotals(std::string_view value);
std::string PositionKeysBegin();
std::string PositionKeysEnd();

}  // namespace leat::run
