// One replica while it follows its partition's leader in one leader epoch: what to fetch next, and what to do with the
// answer. Not thread-safe; lives on the partition's shard, owned by its PartitionReplica.
//
// There is at most one fetch on its way. Its offset is the end of the log, sent with the epoch of the last record; the
// leader takes it only if its own log holds that epoch that far, and otherwise says where the logs part. The follower
// then truncates and asks again until they agree. It never truncates by a high watermark: what it may have committed as
// far as anybody else knows lies above its own (KIP-101). In class F it asks again only when all it has is on disk, so
// that the offset it asks for says so.
#pragma once

#include <optional>
#include <vector>

#include "model/error_code.h"
#include "replication/effects.h"
#include "replication/options.h"
#include "replication/types.h"

namespace leat::replication {

// One batch of an answer.
struct FetchedBatch {
  model::Offset base;
  model::Offset end;  // behind its last record
  model::LeaderEpoch epoch;
};

// The leader's answer, batches checked (CRC, lengths) by the driver, which keeps their bytes until the effects that
// name this fetch are carried out.
struct FetchAnswer {
  model::ErrorCode error = model::ErrorCode::kNone;
  std::optional<EpochEnd> diverging;
  model::LeaderEpoch leader_epoch;
  model::Offset high_watermark{0};
  model::Offset log_start{0};
  model::Offset log_end{0};
  std::vector<FetchedBatch> batches;
};

class FollowerCore {
 public:
  enum class State {
    kFetching,      // a fetch is on its way
    kAwaitDurable,  // class F: the next one waits for the disk
    kBackoff,
    kAwaitImage,  // no fetch makes sense before the image changes
  };

  // Sends the first fetch. REQUIRES: view.leader is another node.
  FollowerCore(const Self& self, const Options& options, PartitionView view, LogFacts log,
               std::vector<OffsetRange> damaged, FetchId last_fetch, Instant now, Outbox* out);

  // Answers to other fetches than the one on its way are ignored.
  void OnFetchAnswer(FetchId id, const FetchAnswer& answer, Instant now);
  // The leader could not be reached, or the answer could not be read.
  void OnFetchFailed(FetchId id, Instant now);
  void OnDurable(model::Offset durable_end, Instant now);
  void OnLogFacts(LogFacts log, Instant now);  // after a failure; see PartitionReplica
  // The image, the same leader and epoch.
  void OnView(PartitionView view, Instant now);
  // Bytes of these offsets turned out to be damaged. They are fetched again, and this replica leaves the in-sync set.
  void OnDamage(OffsetRange range, Instant now);
  // The driver has written good bytes there.
  void OnMended(OffsetRange range, Instant now);

  Instant NextDeadline() const { return state_ == State::kAwaitDurable ? Instant::Max() : deadline_; }
  void Tick(Instant now);

  const LogFacts& log() const { return log_; }
  const PartitionView& view() const { return view_; }
  State state() const { return state_; }
  const std::vector<OffsetRange>& damaged() const { return damaged_; }
  FetchId last_fetch() const { return last_fetch_; }
  // Counts of its life, for metrics.
  struct Counts {
    uint64_t fetches = 0, failures = 0, truncations = 0, truncated_records = 0, skipped_offsets = 0, mended_ranges = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  void FetchNext(Instant now);
  void BackOff(Instant now);
  void OnError(const FetchAnswer& answer, Instant now);
  void OnOutOfRange(const FetchAnswer& answer, Instant now);
  void OnDiverging(const EpochEnd& leader_end, Instant now);
  // False if the batches do not follow each other and the log.
  bool Fits(const FetchAnswer& answer) const;
  void Append(const FetchAnswer& answer);
  void Mend(const FetchAnswer& answer, Instant now);
  void FollowMarks(const FetchAnswer& answer);
  void TruncateTo(model::Offset to);

  const Self self_;
  const Options& options_;
  Outbox* const out_;
  PartitionView view_;
  LogFacts log_;
  std::vector<OffsetRange> damaged_;  // rising, apart
  bool agreed_ = false;               // with the leader's log, in this epoch
  State state_ = State::kBackoff;
  FetchPurpose purpose_ = FetchPurpose::kFollow;  // of the fetch on its way
  FetchId last_fetch_;
  Instant deadline_;  // of the fetch on its way, or of the back-off
  Duration backoff_;
  Counts counts_;
};

// Adds a range, joins what touches; beyond `limit` ranges the closest two become one.
void AddRange(OffsetRange range, size_t limit, std::vector<OffsetRange>* ranges);
void RemoveRange(OffsetRange range, std::vector<OffsetRange>* ranges);

}  // namespace leat::replication
