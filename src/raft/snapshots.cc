// A follower whose next entry is no longer in the leader's log gets a snapshot, chunk by chunk.
#include "base/check.h"
#include "base/crc32c.h"
#include "base/status.h"
#include "raft/core.h"

namespace leat::raft {

absl::Status Core::OnSnapshot(Offset end, int64_t bytes, Offset log_start) {
  const std::optional<Term> term = log_.TermBefore(end);
  if (end > commit_end_ || end > durability_.durable_end() || !term) {
    return InvalidArgument("a snapshot up to ", end, " where the log is committed up to ", commit_end_,
                           " and durable up to ", durability_.durable_end());
  }
  if (snapshot_ && end < snapshot_->point.end) {
    return InvalidArgument("a snapshot up to ", end, " is older than the one up to ", snapshot_->point.end);
  }
  if (log_start > end || log_start < log_.start()) {
    return InvalidArgument("the log, which starts at ", log_.start(), ", cannot start at ", log_start,
                           " with a snapshot up to ", end);
  }
  snapshot_ = Snapshot{{end, *term}, voters_.At(end), bytes};
  voters_.FoldInto(end);
  log_.TrimTo(log_start);
  return absl::OkStatus();
}

void Core::BeginSnapshot(Progress& progress) {
  LEAT_CHECK(snapshot_.has_value()) << "the log starts at " << log_.start() << " and there is no snapshot";
  progress.BeginSnapshot(snapshot_->point, snapshot_->voters);
}

void Core::FeedSnapshot(Progress& progress) {
  if (progress.read != 0 || progress.chunk_out) return;
  if (progress.snapshot_position == 0) BeginSnapshot(progress);  // the newest one
  progress.read = ++last_read_;
  progress.read_began = now_;
  effects_.push_back(
      ReadSnapshot{progress.read, progress.snapshot, progress.snapshot_position, options_.max_snapshot_chunk_bytes});
}

void Core::OnSnapshotRead(ReadId read, std::string bytes, ChunkEnd end, Instant now) {
  Advance(now);
  for (auto& [id, progress] : lead_.others) {
    if (progress.read != read || progress.state() != ProgressState::kSnapshot) continue;
    progress.StopReading();
    if (end == ChunkEnd::kFailed) return BeginSnapshot(progress);  // the next heartbeat reads again
    progress.chunk_out = true;
    progress.chunk_end = progress.snapshot_position + static_cast<int64_t>(bytes.size());
    progress.chunk_checksum = ExtendCrc32c(progress.snapshot_checksum, bytes);
    return SendNow(progress.peer, SnapshotChunk{.snapshot = progress.snapshot,
                                                .voters = progress.snapshot_voters,
                                                .position = progress.snapshot_position,
                                                .bytes = std::move(bytes),
                                                .checksum = progress.chunk_checksum,
                                                .last = end == ChunkEnd::kLast,
                                                .round = lead_.round,
                                                .sent_at = now_});
  }
}

void Core::Handle(const Message& message, const SnapshotReply& reply) {
  Progress* progress = Heard(message, reply.round, reply.sent_at);
  if (progress == nullptr) return;
  if (progress->state() == ProgressState::kSnapshot && reply.snapshot == progress->snapshot) {
    if (reply.installed) {
      progress->EndSnapshot(reply.snapshot.end);
    } else if (progress->chunk_out && reply.next_position == progress->chunk_end) {
      progress->chunk_out = false;
      progress->snapshot_position = progress->chunk_end;
      progress->snapshot_checksum = progress->chunk_checksum;
    } else if (reply.next_position == 0 && progress->snapshot_position > 0) {
      BeginSnapshot(*progress);  // the follower has lost what it had
    }
    Feed(*progress);
  }
  ServeReads();
}

void Core::Handle(const Message& message, const SnapshotChunk& chunk) {
  if (message.term < vote_.term) {
    const AppendReply stale{.result = AppendResult::kStaleTerm,
                            .previous_end = chunk.snapshot.end,
                            .match_end = Offset{0},
                            .hint = {},
                            .round = chunk.round,
                            .sent_at = chunk.sent_at};
    return SendAfterDurable(message.from, stale, durability_.last_vote_write());
  }
  const auto size = static_cast<int64_t>(chunk.bytes.size());
  if (chunk.position < 0 || chunk.position > options_.max_snapshot_bytes - size || chunk.snapshot.end < Offset{1} ||
      chunk.snapshot.term > message.term || chunk.voters.empty() ||
      static_cast<int>(chunk.voters.size()) > options_.max_voters) {
    return RefuseMessage(
        message, RefusalReason::kMalformed,
        StrCat("a snapshot up to ", chunk.snapshot.end, " with ", size, " bytes at ", chunk.position, " and ",
               chunk.voters.size(), " voters; at most ", options_.max_snapshot_bytes, " bytes are taken"));
  }
  if (!AcceptLeader(message)) return;
  SnapshotReply reply{.snapshot = chunk.snapshot,
                      .next_position = chunk.position + size,
                      .installed = true,
                      .round = chunk.round,
                      .sent_at = chunk.sent_at};
  // The log is there already: by entries that came late, or by this very snapshot. What was acknowledged stays.
  if (chunk.snapshot.end <= commit_end_ || log_.Has(chunk.snapshot)) {
    CommitTo(std::max(commit_end_, chunk.snapshot.end));
    return SendAfterDurable(message.from, reply, durability_.last_write());
  }
  if (TakeChunk(message, chunk) && chunk.last) return Install(message, chunk);
  reply.installed = false;
  reply.next_position = incoming_ ? incoming_->position : 0;
  SendAfterDurable(message.from, reply, durability_.last_vote_write());
}

bool Core::TakeChunk(const Message& message, const SnapshotChunk& chunk) {
  const bool repeated = incoming_ && incoming_->point == chunk.snapshot && incoming_->term == message.term &&
                        incoming_->round == chunk.round;
  if (chunk.position == 0 && !(repeated && incoming_->position > 0)) {
    incoming_ = IncomingSnapshot{chunk.snapshot, message.term, chunk.round, 0, 0};
  }
  if (!incoming_ || incoming_->point != chunk.snapshot || incoming_->term != message.term) {
    incoming_.reset();  // the middle of something whose beginning was lost
    return false;
  }
  if (incoming_->position != chunk.position) return false;
  const uint32_t checksum = ExtendCrc32c(incoming_->checksum, chunk.bytes);
  if (checksum != chunk.checksum) {
    effects_.push_back(Refuse{RefusalReason::kSnapshotDamaged, message.from,
                              StrCat("the chunk of ", chunk.bytes.size(), " bytes at ", chunk.position,
                                     " of the snapshot up to ", chunk.snapshot.end, " has checksum ", checksum,
                                     ", expected ", chunk.checksum, ": it is asked for again"),
                              false});
    return false;
  }
  effects_.push_back(WriteSnapshotChunk{chunk.snapshot, chunk.position, chunk.bytes});
  incoming_->checksum = checksum;
  incoming_->position += static_cast<int64_t>(chunk.bytes.size());
  return true;
}

void Core::Install(const Message& message, const SnapshotChunk& chunk) {
  const int64_t bytes = incoming_->position;
  incoming_.reset();
  log_.ResetTo(chunk.snapshot);
  voters_.ResetTo(chunk.voters);
  commit_end_ = chunk.snapshot.end;
  snapshot_ = Snapshot{chunk.snapshot, chunk.voters, bytes};
  const WriteId write = durability_.NewSnapshot(chunk.snapshot.end);
  effects_.push_back(InstallSnapshot{write, chunk.snapshot, chunk.voters, bytes});
  SendAfterDurable(message.from,
                   SnapshotReply{.snapshot = chunk.snapshot,
                                 .next_position = bytes,
                                 .installed = true,
                                 .round = chunk.round,
                                 .sent_at = chunk.sent_at},
                   write);
}

}  // namespace leat::raft
