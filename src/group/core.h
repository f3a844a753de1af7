// The groups of one partition of the offsets topic, as a replicated state machine: a command and the time give records
// to write and answers, and only what is replayed changes what survives. It joins the core of the classic protocol with
// the offsets that groups have committed; a core of another group protocol would stand beside ClassicCore and be asked
// in the same places: who may commit, what is listed, what may be deleted.
//
// The driver, after every call: takes the effects, appends the writes in order and sends the answers; when a write is
// durable it replays its records and calls OnWritten (also when it failed); it calls Tick no later than NextDeadline.
// At start it replays the whole log, batches and transaction markers in order, and calls Load once.
//
// Pure; not thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "group/classic_core.h"
#include "group/effects.h"
#include "group/offset_store.h"
#include "group/options.h"
#include "group/requests.h"

namespace leat::group {

class Core {
 public:
  // `random` gives member ids and outlives this.
  Core(const Options& options, Random& random);

  // Each is answered once, under its id, with the reply of its kind. The driver gives every request an id of its own.
  void Join(RequestId id, JoinRequest request, Now now) { classic_.Join(id, std::move(request), now); }
  void Sync(RequestId id, const SyncRequest& request, Now now) { classic_.Sync(id, request, now); }
  void Heartbeat(RequestId id, const HeartbeatRequest& request, Now now);
  void Leave(RequestId id, const LeaveRequest& request, Now now);
  void Commit(RequestId id, const CommitCommand& command, Now now);
  // The write is a part of the producer's transaction: pending until CompleteTxn. See offset_store.h.
  void CommitInTxn(RequestId id, const TxnCommitCommand& command, Now now);
  void DeleteOffsets(RequestId id, const DeleteOffsetsRequest& request);
  void Delete(RequestId id, const std::string& group, Now now);
  // A topic is gone: its offsets go too. Without an answer.
  void ForgetTopic(std::string_view topic);

  // What is replayed or soft, now. GROUP_ID_NOT_FOUND for a group that does not exist.
  GroupDescription Describe(const std::string& group) const;
  std::vector<GroupListing> List() const;  // by name
  const OffsetStore& offsets() const { return offsets_; }

  // Errors as OffsetStore::Replay and ClassicCore::Replay.
  absl::Status Replay(const RecordOrigin& origin, std::string_view key, std::optional<std::string_view> value);
  void CompleteTxn(model::ProducerId producer, TxnResult result) { offsets_.CompleteTxn(producer, result); }
  void Load(Now now);
  void OnWritten(WriteId id, const absl::Status& status, Now now);
  Instant NextDeadline() const;
  void Tick(Now now);
  Effects TakeEffects() { return outbox_.Take(); }
  // Records that make the replayed state. REQUIRES: offsets().pending_count() == 0.
  std::vector<OffsetRecord> Snapshot() const;

 private:
  struct ParkedCommit {
    RequestId to;
    CommitReply reply;
  };
  struct ParkedOffsetDelete {
    RequestId to;
    DeleteOffsetsReply reply;
  };
  struct ParkedDelete {
    std::optional<RequestId> to;  // none: an expired group
    std::string group;
  };
  struct Forgetting {
    std::string what;
  };
  using Parked = std::variant<ParkedCommit, ParkedOffsetDelete, ParkedDelete, Forgetting>;

  void CommitAs(RequestId id, const CommitCommand& command, CommitKind kind, std::optional<TxnStamp> stamp, Now now);
  void Park(std::vector<OffsetRecord> records, Parked parked, std::optional<TxnStamp> stamp = std::nullopt);
  bool Exists(std::string_view group) const;
  void FinishDelete(const ParkedDelete& parked, const absl::Status& status, Now now);
  // expiry.cc
  void ExpireOffsets(Now now);
  void ExpireGroup(const std::string& group, Now now);
  bool IsExpired(const ClassicGroup* group, const model::TopicPartition& partition, const OffsetValue& value,
                 int64_t now_ms) const;

  const Options options_;
  Outbox outbox_;
  OffsetStore offsets_;
  ClassicCore classic_;
  std::map<WriteId, Parked> parked_;
  Instant next_expiry_ = Instant::Max();
};

}  // namespace leat::group
