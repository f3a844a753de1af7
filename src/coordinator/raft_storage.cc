#include "coordinator/raft_storage.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "coordinator/raft_entries.h"

namespace leat::coordinator {
namespace {

// That an append may need beside the entries themselves: headers, index entries, a new segment.
constexpr size_t kRoomBytes = 4096;

size_t SizeOf(const raft::Entry& entry) { return entry.payload.size() + 64; }

size_t SizeOf(const RaftStorage::Write& write) {
  size_t bytes = 64;
  if (const auto* append = std::get_if<raft::AppendEntries>(&write)) {
    for (const raft::Entry& entry : append->entries) bytes += SizeOf(entry);
  } else if (const auto* chunk = std::get_if<raft::WriteSnapshotChunk>(&write)) {
    bytes += chunk->bytes.size();
  }
  return bytes;
}

}  // namespace

RaftStorage::RaftStorage(Config config, QuorumState state, Events events)
    : config_(std::move(config)),
      snapshots_(*config_.disk, config_.folder),
      events_(std::move(events)),
      state_(std::move(state)) {
  config_.log->OnDurable([this, alive = std::weak_ptr<int>(alive_)](model::Offset) {
    if (!alive.expired()) ReportDurable();
  });
}

RaftStorage::~RaftStorage() = default;

void RaftStorage::Add(Write write) {
  if (!failed_.ok() || gate_.closing()) return;
  waiting_bytes_ += SizeOf(write);
  queue_.push_back(std::move(write));
  Pump();
}

void RaftStorage::Pump() {
  if (pumping_) return;
  pumping_ = true;
  while (!queue_.empty() && !busy_ && retry_ == nullptr && failed_.ok()) {
    if (std::visit([this](auto& write) { return Do(write); }, queue_.front()) == Step::kDone) PopFront();
  }
  pumping_ = false;
}

void RaftStorage::PopFront() {
  if (queue_.empty()) return;  // Fail took everything
  waiting_bytes_ -= SizeOf(queue_.front());
  queue_.pop_front();
  if (stall_.ok()) return;
  stall_ = absl::OkStatus();
  LogInfo("raft", "there is room on the disk again: the metadata log goes on");
  events_.stalled(stall_);
}

void RaftStorage::FrontEnded(const absl::Status& status) {
  busy_ = false;
  if (!status.ok()) return Stall(status);
  PopFront();
  Pump();
}

void RaftStorage::RunBlocking(absl::AnyInvocable<absl::Status()> work, absl::AnyInvocable<void(absl::Status)> done) {
  busy_ = true;
  config_.shard->RunBlocking(std::move(work), [this, hold = gate_.TryEnter(), alive = std::weak_ptr<int>(alive_),
                                               done = std::move(done)](const absl::Status& status) mutable {
    if (alive.expired()) return;
    done(status);
  });
}

RaftStorage::Step RaftStorage::Do(raft::PersistVote& write) {
  state_.vote = write.vote;
  if (pending_.empty() || pending_.back().write != write.write) pending_.push_back({write.write, std::nullopt});
  RunBlocking(
      [disk = config_.disk, folder = config_.folder, state = state_] { return WriteQuorumState(*disk, folder, state); },
      [this, id = write.write](const absl::Status& status) {
        if (status.ok()) MarkDone(id);
        FrontEnded(status);
      });
  return Step::kWaits;
}

RaftStorage::Step RaftStorage::Do(raft::AppendEntries& write) {
  if (write.entries.empty()) {  // all of it was written by an attempt that failed behind it
    pending_.push_back({write.write, config_.log->log_end()});
    ReportDurable();
    return Step::kDone;
  }
  LEAT_CHECK(write.entries.front().offset == config_.log->log_end())
      << "entries at " << write.entries.front().offset << " for a log that ends at " << config_.log->log_end();
  std::string batches;
  const int64_t wall_ms = config_.shard->WallMillis();
  for (const raft::Entry& entry : write.entries) batches += EncodeEntry(entry, wall_ms);
  const Pending pending{write.write, write.entries.back().offset + 1};
  auto append = std::make_shared<Appending>();
  config_.log->AppendReplicated(std::move(batches), [this, append, pending, alive = std::weak_ptr<int>(alive_)](
                                                        const absl::StatusOr<log::AppendResult>& result) {
    append->status = result.status();
    if (alive.expired() || append->state == Appending::kCalling) return;
    if (append->state == Appending::kHeld) {
      AppendEnded(pending, result.status());
    } else if (!result.ok() && !absl::IsAborted(result.status())) {
      Fail(result.status());  // what was cut off or replaced was answered with kAborted
    }
  });
  const bool written = config_.log->log_end() >= *pending.end;
  if (!written && append->status.ok()) {
    // The log finishes something else first. Nothing may be added behind it before it is known to be there.
    append->state = Appending::kHeld;
    busy_ = true;
    return Step::kWaits;
  }
  append->state = Appending::kWritten;
  if (!written) {
    Stall(DropWritten(write, append->status));
    return Step::kWaits;
  }
  pending_.push_back(pending);
  ReportDurable();
  return Step::kDone;
}

void RaftStorage::AppendEnded(const Pending& pending, const absl::Status& status) {
  if (!failed_.ok()) return;
  if (status.ok()) {
    pending_.push_back(pending);
    ReportDurable();
    return FrontEnded(status);
  }
  FrontEnded(DropWritten(std::get<raft::AppendEntries>(queue_.front()), status));
}

// Part of an append that failed may be in the log. Returns the failure; one that left nothing behind as
// kResourceExhausted.
absl::Status RaftStorage::DropWritten(raft::AppendEntries& write, const absl::Status& status) {
  while (!write.entries.empty() && write.entries.front().offset < config_.log->log_end()) {
    waiting_bytes_ -= SizeOf(write.entries.front());
    write.entries.erase(write.entries.begin());
  }
  return absl::IsAborted(status) ? ResourceExhausted(Message(status)) : status;
}

RaftStorage::Step RaftStorage::Do(raft::TruncateFrom& write) {
  for (Pending& pending : pending_) {
    if (pending.end) pending.end = std::min(*pending.end, write.from);
  }
  pending_.push_back({write.write, std::nullopt});
  busy_ = true;
  config_.log->TruncateTo(write.from, [this, id = write.write, hold = gate_.TryEnter(),
                                       alive = std::weak_ptr<int>(alive_)](const absl::Status& status) {
    if (alive.expired()) return;
    if (!status.ok()) return Fail(status);
    MarkDone(id);
    FrontEnded(status);
  });
  return Step::kWaits;
}

RaftStorage::Step RaftStorage::Do(raft::WriteSnapshotChunk& write) {
  const absl::Status status = snapshots_.WritePiece(write.snapshot, write.position, write.bytes);
  if (status.ok()) return Step::kDone;
  Stall(status);
  return Step::kWaits;
}

RaftStorage::Step RaftStorage::Do(raft::InstallSnapshot& write) {
  if (pending_.empty() || pending_.back().write != write.write) pending_.push_back({write.write, std::nullopt});
  auto loaded = std::make_shared<LoadedSnapshot>();
  RunBlocking(
      [snapshots = snapshots_, point = write.snapshot, bytes = write.bytes, loaded]() -> absl::Status {
        LEAT_ASSIGN_OR_RETURN(*loaded, snapshots.FinishPieces(point, bytes));
        return absl::OkStatus();
      },
      [this, loaded](const absl::Status& status) {
        if (!status.ok()) return FrontEnded(status);
        RestartLog(loaded);
      });
  return Step::kWaits;
}

void RaftStorage::RestartLog(std::shared_ptr<LoadedSnapshot> loaded) {
  const raft::LogPoint point = loaded->snapshot.point;
  config_.log->RestartAt(point.end, [this, loaded, hold = gate_.TryEnter(),
                                     alive = std::weak_ptr<int>(alive_)](const absl::Status& status) {
    if (alive.expired()) return;
    if (!status.ok()) return Fail(status);
    // What came before the snapshot is replaced by it.
    for (Pending& pending : pending_) pending.done = true;
    const absl::Status pruned = snapshots_.Prune(loaded->snapshot.point, kSnapshotsKept);
    if (!pruned.ok()) LogWarning("raft", "an old snapshot could not be removed: ", Message(pruned));
    events_.installed(std::move(*loaded));
    ReportDurable();
    FrontEnded(status);
  });
}

RaftStorage::Step RaftStorage::Do(raft::Commit& write) {
  events_.commit(write.end);
  return Step::kDone;
}

void RaftStorage::MarkDone(raft::WriteId write) {
  for (Pending& pending : pending_) {
    if (pending.write == write) pending.done = true;
  }
  ReportDurable();
}

void RaftStorage::ReportDurable() {
  raft::WriteId through = 0;
  const raft::Offset durable_end = config_.log->durable_end();
  while (!pending_.empty() &&
         (pending_.front().done || (pending_.front().end && *pending_.front().end <= durable_end))) {
    through = pending_.front().write;
    pending_.pop_front();
  }
  if (through != 0 && failed_.ok()) events_.durable(through);
}

void RaftStorage::Stall(const absl::Status& status) {
  if (!failed_.ok()) return;
  if (!absl::IsResourceExhausted(status)) return Fail(status);
  if (stall_.ok()) LogWarning("raft", "writes of the metadata log wait: ", Message(status));
  const bool news = stall_.ok();
  stall_ = status;
  if (!gate_.closing()) {
    retry_ = config_.shard->RunAt(config_.shard->Now() + config_.retry_interval, [this] {
      // It fires on the stack of the timer: the object goes when this ends.
      const std::unique_ptr<env::Timer> fired = std::move(retry_);
      Pump();
    });
  }
  if (news) events_.stalled(stall_);
}

void RaftStorage::Halt(const absl::Status& why) {
  if (!failed_.ok()) return;
  failed_ = why;
  retry_.reset();
  queue_.clear();
  waiting_bytes_ = 0;
}

void RaftStorage::Fail(const absl::Status& status) {
  if (!failed_.ok()) return;
  Halt(status);
  events_.failed(status);
}

std::vector<raft::Entry> RaftStorage::Read(raft::Offset first, raft::Offset end, int64_t max_bytes) {
  if (first >= config_.log->log_start() && first < config_.log->log_end()) {
    absl::StatusOr<std::vector<raft::Entry>> entries =
        ReadEntries(*config_.log, first, end, static_cast<size_t>(max_bytes));
    if (entries.ok()) return *std::move(entries);
    LogWarning("raft", "entries from ", first, " on cannot be read: ", Message(entries.status()));
    return {};
  }
  std::vector<raft::Entry> waiting;
  int64_t bytes = 0;
  for (const Write& write : queue_) {
    const auto* append = std::get_if<raft::AppendEntries>(&write);
    if (append == nullptr) continue;
    for (const raft::Entry& entry : append->entries) {
      if (entry.offset < first + static_cast<int64_t>(waiting.size()) || entry.offset >= end) continue;
      bytes += static_cast<int64_t>(entry.payload.size());
      if (!waiting.empty() && bytes > max_bytes) return waiting;
      waiting.push_back(entry);
    }
  }
  return waiting;
}

absl::Status RaftStorage::CheckRoom(size_t bytes) {
  const auto refuse = [this](const absl::Status& status) {
    probe_.reset();
    return Annotate(status, "no room for the metadata log; nothing was changed, free space and try again");
  };
  if (probe_ == nullptr) {
    // Removed when the log is opened, for its name.
    auto file = config_.disk->Open(env::JoinPath(config_.folder, "room.tmp"), env::OpenMode::kCreate);
    if (!file.ok()) return refuse(file.status());
    probe_ = *std::move(file);
  }
  const absl::Status written = probe_->WriteAt(0, std::string(bytes + kRoomBytes, '\0'));
  const absl::Status truncated = probe_->Truncate(0);
  if (!written.ok()) return refuse(written);
  return truncated.ok() ? absl::OkStatus() : refuse(truncated);
}

void RaftStorage::Close(env::Closure closed) {
  retry_.reset();
  config_.log->OnDurable({});
  gate_.Close(std::move(closed));
}

}  // namespace leat::coordinator
