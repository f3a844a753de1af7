// What a host is, its snapshots, and its end.
#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "coordinator/raft_host.h"
#include "model/error_status.h"

namespace leat::coordinator {

RaftHost::Gauges::Gauges(env::Metrics& metrics)
    : term(metrics.GetGauge("leat_controller_term", "Term of the metadata quorum.", {})),
      leader(metrics.GetGauge("leat_controller_leader", "Node that leads the metadata quorum; -1: none known.", {})),
      active(metrics.GetGauge("leat_controller_active", "1 on the node that is the active controller.", {})),
      commit_end(metrics.GetGauge("leat_controller_commit_end", "Offset behind the last committed entry.", {})),
      log_end(metrics.GetGauge("leat_controller_log_end", "Offset behind the last entry of this node's log.", {})),
      failed(metrics.GetGauge("leat_controller_failed", "1 if this node takes no part until it is restarted.", {})),
      elections(metrics.GetCounter("leat_controller_elections_total", "Terms that began in this node's life.", {})) {}

RaftHost::~RaftHost() = default;

void RaftHost::UpdateGauges() {
  if (ports_.metrics == nullptr) return;
  if (gauges_ == nullptr) gauges_ = std::make_unique<Gauges>(*ports_.metrics);
  gauges_->term.Set(core_->term().value());
  gauges_->leader.Set(leader().value());
  gauges_->active.Set(active() ? 1 : 0);
  gauges_->commit_end.Set(static_cast<double>(core_->commit_end().value()));
  gauges_->log_end.Set(static_cast<double>(core_->log_end().value()));
  gauges_->failed.Set(failure_.ok() ? 0 : 1);
  if (elections_ > gauges_->counted) gauges_->elections.Add(static_cast<double>(elections_ - gauges_->counted));
  gauges_->counted = elections_;
}

bool RaftHost::caught_up() const { return leader() != raft::kNobody && applied_term_ == core_->term(); }

absl::Status RaftHost::NotLeading() const {
  const raft::NodeId known = leader();
  const std::string who =
      known == raft::kNobody ? "it knows of none at the moment: try again in a second" : StrCat("that is node ", known);
  return model::WithCode(Unavailable("node ", self().id, " is not the active controller; ", who),
                         model::ErrorCode::kNotController);
}

void RaftHost::NoteFollowers() {
  if (core_->role() != raft::Role::kLeader) return;
  const Instant now = ports_.shard->Now();
  for (const auto& [id, progress] : core_->others()) {
    if (progress.match_end() >= core_->log_end()) caught_up_[id] = now;
  }
}

QuorumMember RaftHost::Describe(const raft::Progress& progress) const {
  const auto wall = [this](Instant at) {
    return ports_.shard->WallMillis() - absl::ToInt64Milliseconds(ports_.shard->Now() - at);
  };
  QuorumMember member{.peer = progress.peer, .voter = core_->voters().Has(progress.peer)};
  if (progress.contacted) {
    member.log_end = progress.match_end();
    member.lag = core_->log_end() - progress.match_end();
    member.last_fetch_ms = wall(progress.last_heard);
  }
  const auto caught_up = caught_up_.find(progress.peer.id);
  if (caught_up != caught_up_.end()) member.last_caught_up_ms = wall(caught_up->second);
  return member;
}

QuorumDescription RaftHost::Describe() const {
  QuorumDescription out{.leader = leader(),
                        .term = term(),
                        .commit_end = commit_end(),
                        .log_start = core_->log().start(),
                        .log_end = log_end(),
                        .voters = core_->voters(),
                        .members = {}};
  const int64_t wall_ms = ports_.shard->WallMillis();
  QuorumMember own{.peer = self(), .voter = core_->IsVoter(), .log_end = core_->durable_end()};
  if (is_leader()) {
    own.lag = 0;
    own.last_fetch_ms = own.last_caught_up_ms = wall_ms;
    for (const auto& [id, progress] : core_->others()) out.members.push_back(Describe(progress));
  }
  out.members.push_back(std::move(own));
  std::sort(out.members.begin(), out.members.end(),
            [](const QuorumMember& a, const QuorumMember& b) { return a.peer < b.peer; });
  return out;
}

// ---- snapshots ----

void RaftHost::MaybeSnapshot() {
  if (!started_) return;
  const int64_t entries = applied_end_ - newest_snapshot().end;
  if (entries < options_.snapshot_entries && applied_bytes_ < options_.snapshot_bytes) return;
  // Refused while it cannot be made; what is applied next asks again.
  TakeSnapshot().IgnoreError();
}

absl::Status RaftHost::TakeSnapshot() {
  if (!failure_.ok()) return failure_;
  if (stopped_ || !started_) return Unavailable("the node is stopping");
  if (making_snapshot_) return FailedPrecondition("a snapshot is being made already");
  if (applied_end_ <= newest_snapshot().end) return absl::OkStatus();
  if (applied_end_ > core_->durable_end() || !storage_->stall().ok()) {
    return Unavailable("this disk has the log only up to ", core_->durable_end(), " yet: try again later");
  }
  const raft::LogPoint point{applied_end_, applied_term_};
  making_snapshot_ = true;
  applied_bytes_ = 0;
  auto bytes = std::make_shared<absl::StatusOr<int64_t>>(int64_t{0});
  ports_.shard->RunBlocking(
      [snapshots = storage_->snapshots(), point, voters = core_->VotersUpTo(point.end), state = machine_.Freeze(),
       bytes]() mutable {
        *bytes = snapshots.Write(point, voters, state());
        return bytes->status();
      },
      [this, point, bytes, hold = gate_.TryEnter(), alive = std::weak_ptr<int>(alive_)](const absl::Status&) {
        if (!alive.expired()) FinishSnapshot(point, std::move(*bytes));
      });
  return absl::OkStatus();
}

void RaftHost::FinishSnapshot(const raft::LogPoint& point, absl::StatusOr<int64_t> bytes) {
  making_snapshot_ = false;
  if (!failure_.ok() || stopped_) return;
  if (!bytes.ok()) {
    LogWarning("raft",
               "a snapshot of the metadata was not written, the log stays as long as it is: ", Message(bytes.status()));
    return;
  }
  // The log stays from the older of the two snapshots on: for followers that are a little behind, and for the case that
  // the newer one cannot be read.
  const raft::Offset older = newest_snapshot().end;
  const raft::Offset start = std::max(core_->log().start(), older);
  if (const absl::Status status = core_->OnSnapshot(point.end, *bytes, start); !status.ok()) {
    LogInfo("raft", "a snapshot was overtaken: ", Message(status));
    return;
  }
  CarryOut();
  ports_.log->DeleteRecordsBefore(start, [](const absl::Status& status) {
    if (!status.ok()) LogWarning("raft", "the metadata log was not shortened: ", Message(status));
  });
  ports_.shard->RunBlocking(
      [snapshots = storage_->snapshots(), point] { return snapshots.Prune(point, kSnapshotsKept); },
      [hold = gate_.TryEnter()](const absl::Status& status) {
        if (!status.ok()) LogWarning("raft", "an old snapshot could not be removed: ", Message(status));
      });
}

// ---- the end ----

void RaftHost::FailRequests(const absl::Status& why) {
  std::vector<Done> failed;
  for (auto& [ticket, done] : std::exchange(reads_, {})) failed.push_back(std::move(done));
  for (Waiter& waiter : std::exchange(waiters_, {})) failed.push_back(std::move(waiter.done));
  if (voter_change_) failed.push_back(std::exchange(voter_change_, nullptr));
  for (Done& done : failed) done(why);
}

void RaftHost::Fail(const absl::Status& why) {
  if (!failure_.ok()) return;
  failure_ = Annotate(why, "this node takes no part in the metadata quorum any more until it is restarted");
  LogError("raft", Message(failure_));
  tick_.reset();
  leading_ = false;
  storage_->Halt(failure_);
  if (ports_.transport != nullptr && started_) ports_.transport->Serve(env::Service::kRaft, nullptr);
  if (core_ == nullptr) return;  // Open tells it
  UpdateGauges();
  if (!started_) return;
  FailRequests(failure_);
  machine_.OnUncertain(failure_);
  machine_.OnProgress();
  if (closing_) FinishClose();
}

void RaftHost::Close(env::Closure closed) {
  closing_ = true;
  closed_ = std::move(closed);
  const bool others = is_leader() && core_->voters().size() > 1;
  if (others && TransferLeadership(raft::kNobody).ok()) {
    // It ends with BecomeFollower or TransferFailed.
    if (!stopped_) {
      close_timer_ = ports_.shard->RunAt(ports_.shard->Now() + options_.raft.election_timeout * 2, [this] {
        const std::unique_ptr<env::Timer> fired = std::move(close_timer_);
        FinishClose();
      });
    }
    return;
  }
  FinishClose();
}

void RaftHost::FinishClose() {
  if (stopped_) return;
  stopped_ = true;
  tick_.reset();
  if (ports_.transport != nullptr && started_ && failure_.ok()) {
    ports_.transport->Serve(env::Service::kRaft, nullptr);
  }
  FailRequests(Unavailable("the node is stopping"));
  storage_->Close([this] { gate_.Close(std::move(closed_)); });
}

}  // namespace leat::coordinator
