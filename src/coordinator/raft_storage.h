// The writes that a raft::Core asks for, carried out in order on this node's disk: votes to `quorum-state`, entries and
// cuts to the log, snapshots that come in to files. What became durable is reported in order, when everything before it
// is durable too. One shard.
//
// A vote is on disk before the next write begins, and so are a cut and a snapshot; entries are handed to the log one
// batch behind the other and become durable with its group sync. A full disk is waited for: nothing of a refused write
// was done, and it is tried again until there is room. Any other failure is final.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/status.h"
#include "coordinator/raft_snapshots.h"
#include "coordinator/raft_vote_file.h"
#include "env/disk.h"
#include "env/gate.h"
#include "env/shard.h"
#include "log/partition_log.h"
#include "raft/effects.h"

namespace leat::coordinator {

// How many snapshots stay on the disk; the log goes back to the oldest of them.
inline constexpr size_t kSnapshotsKept = 2;

class RaftStorage {
 public:
  // What the storage tells its owner, on the shard; each may call Write.
  struct Events {
    std::function<void(raft::WriteId)> durable;
    // A commit that was written in between (see Write) is reached: what it names is in the log.
    std::function<void(raft::Offset)> commit;
    // The log is empty behind this snapshot now. kDataLoss comes through `failed`.
    std::function<void(LoadedSnapshot)> installed;
    // The disk is full and writes wait, or (OK) they go on.
    std::function<void(const absl::Status&)> stalled;
    // Nothing more will be written.
    std::function<void(const absl::Status&)> failed;
  };
  struct Config {
    env::Disk* disk;
    env::Shard* shard;
    log::PartitionLog* log;  // outlives this; its watermark is the owner's
    std::string folder;
    Duration retry_interval = absl::Milliseconds(500);  // of a write that found the disk full
  };
  RaftStorage(Config config, QuorumState state, Events events);
  ~RaftStorage();
  RaftStorage(const RaftStorage&) = delete;
  RaftStorage& operator=(const RaftStorage&) = delete;

  using Write = std::variant<raft::PersistVote, raft::AppendEntries, raft::TruncateFrom, raft::WriteSnapshotChunk,
                             raft::InstallSnapshot, raft::Commit>;
  void Add(Write write);

  // Entries from `first` to `end` that wait to be written or are: those in the log first. Empty if they cannot be read.
  std::vector<raft::Entry> Read(raft::Offset first, raft::Offset end, int64_t max_bytes);
  // Whether the disk takes so many bytes more now, tried with bytes that go again. A write that was added cannot be
  // taken back; what can still be refused should be if there is no room.
  absl::Status CheckRoom(size_t bytes);
  size_t waiting_bytes() const { return waiting_bytes_; }
  const absl::Status& stall() const { return stall_; }  // OK: none
  const QuorumState& state() const { return state_; }
  const SnapshotFolder& snapshots() const { return snapshots_; }

  // Writes nothing more, without a word: the owner has stopped.
  void Halt(const absl::Status& why);
  // Adds nothing more; `closed` when no disk work is under way.
  void Close(env::Closure closed);

 private:
  struct Pending {
    raft::WriteId write;
    std::optional<raft::Offset> end;  // of entries: durable when the log is that far
    bool done = false;
  };
  enum class Step { kDone, kWaits };
  // An append that the log was given: the call has not returned; it waits in the log; it is written.
  struct Appending {
    enum State { kCalling, kHeld, kWritten };
    State state = kCalling;
    absl::Status status;
  };

  void Pump();
  Step Do(raft::PersistVote& write);
  Step Do(raft::AppendEntries& write);
  Step Do(raft::TruncateFrom& write);
  Step Do(raft::WriteSnapshotChunk& write);
  Step Do(raft::InstallSnapshot& write);
  Step Do(raft::Commit& write);
  void AppendEnded(const Pending& pending, const absl::Status& status);
  absl::Status DropWritten(raft::AppendEntries& write, const absl::Status& status);
  // The write at the front has ended; goes on if it was well.
  void FrontEnded(const absl::Status& status);
  void RestartLog(std::shared_ptr<LoadedSnapshot> loaded);
  void PopFront();
  void MarkDone(raft::WriteId write);
  void ReportDurable();
  void Stall(const absl::Status& status);
  void Fail(const absl::Status& status);
  // Runs `work` on a disk thread; the write at the front waits for it.
  void RunBlocking(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done);

  const Config config_;
  const SnapshotFolder snapshots_;
  const Events events_;
  env::Gate gate_;
  QuorumState state_;
  std::deque<Write> queue_;
  size_t waiting_bytes_ = 0;
  bool busy_ = false;     // the write at the front is under way
  bool pumping_ = false;  // Pump is on the stack
  std::deque<Pending> pending_;
  absl::Status stall_;
  absl::Status failed_;
  std::unique_ptr<env::File> probe_;  // of CheckRoom
  std::unique_ptr<env::Timer> retry_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace leat::coordinator
