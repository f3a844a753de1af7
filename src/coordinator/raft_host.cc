// Opening, and carrying out what the core says. The rest is in raft_host_state.cc.
#include "coordinator/raft_host.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "coordinator/raft_entries.h"
#include "model/error_status.h"
#include "raft/describe.h"

namespace leat::coordinator {
namespace {

uint64_t SeedFor(const RaftHost::Options& options, const env::Shard& shard) {
  // Nodes that start at the same time must not stand at the same time.
  return options.random_seed ^ static_cast<uint64_t>(options.raft.self.id.value() + 1) * 0x9e3779b97f4a7c15ULL ^
         static_cast<uint64_t>(shard.WallMillis()) << 20 ^ static_cast<uint64_t>(shard.Now().nanos());
}

// The log's runs of terms, which begin where the log does.
absl::StatusOr<std::vector<raft::TermRange>> RangesOf(const log::PartitionLog& log) {
  std::vector<raft::TermRange> ranges;
  const std::vector<log::LeaderEpochs::Entry>& epochs = log.epochs().entries();
  for (size_t i = 0; i < epochs.size(); ++i) {
    const raft::Offset end = i + 1 < epochs.size() ? epochs[i + 1].start : log.log_end();
    const raft::Offset start = std::max(epochs[i].start, log.log_start());
    if (start < std::min(end, log.log_end())) ranges.push_back({epochs[i].epoch, start});
  }
  const bool empty = log.log_start() == log.log_end();
  if (!empty && (ranges.empty() || ranges.front().start != log.log_start())) {
    return DataLoss("the metadata log from ", log.log_start(), " to ", log.log_end(),
                    " does not say which terms its entries are of");
  }
  return ranges;
}

}  // namespace

RaftHost::RaftHost(Options options, const Ports& ports, RaftMachine& machine, QuorumState state)
    : options_(std::move(options)),
      ports_(ports),
      machine_(machine),
      random_(SeedFor(options_, *ports.shard)),
      last_term_(state.vote.term) {
  options_.raft.self = state.self;
  storage_ = std::make_unique<RaftStorage>(
      RaftStorage::Config{.disk = ports.disk, .shard = ports.shard, .log = ports.log, .folder = options_.folder},
      std::move(state), MakeEvents());
}

absl::StatusOr<std::unique_ptr<RaftHost>> RaftHost::Open(Options options, const Ports& ports, RaftMachine& machine) {
  Random random(SeedFor(options, *ports.shard) + 1);
  LEAT_ASSIGN_OR_RETURN(OpenedQuorumState opened,
                        OpenQuorumState(*ports.disk, options.folder, options.raft.cluster, options.raft.self, random));
  std::unique_ptr<RaftHost> host(new RaftHost(std::move(options), ports, machine, std::move(opened.state)));
  LEAT_RETURN_IF_ERROR(Annotate(host->Restore(), host->options_.folder));
  return host;
}

absl::Status RaftHost::Restore() {
  ports_.log->SetWatermarkBy(log::WatermarkBy::kOwner);
  LEAT_ASSIGN_OR_RETURN(const raft::Restored restored, ReadDisk());
  LEAT_ASSIGN_OR_RETURN(core_, raft::Core::Open(options_.raft, restored, random_, ports_.shard->Now()));
  // Of an only voter everything that is on its disk is committed.
  if (is_only_voter()) ApplyTo(core_->log_end());
  UpdateGauges();
  return failure_;
}

absl::StatusOr<raft::Restored> RaftHost::ReadDisk() {
  const log::PartitionLog& log = *ports_.log;
  raft::Restored restored;
  restored.vote = storage_->state().vote;
  LEAT_ASSIGN_OR_RETURN(std::optional<LoadedSnapshot> loaded, storage_->snapshots().LoadNewest());
  if (loaded) {
    restored.snapshot = loaded->snapshot;
    applied_end_ = loaded->snapshot.point.end;
    applied_term_ = loaded->snapshot.point.term;
    LEAT_RETURN_IF_ERROR(Annotate(machine_.Load(loaded->records, applied_end_), "loading the newest snapshot"));
  }
  restored.log_start = log.log_start();
  restored.log_end = log.log_end();
  LEAT_ASSIGN_OR_RETURN(restored.ranges, RangesOf(log));
  const raft::Term before = log.epochs().At(log.log_start() - 1);
  if (before.value() >= 0) restored.term_before_start = before;
  LEAT_RETURN_IF_ERROR(
      VisitEntries(*ports_.log, std::max(log.log_start(), applied_end_), log.log_end(), [&](const raft::Entry& entry) {
        if (entry.kind == raft::EntryKind::kData && ports_.addresses != nullptr) machine_.Foresee(entry.payload);
        if (entry.kind != raft::EntryKind::kVoters) return absl::OkStatus();
        absl::StatusOr<raft::VoterSet> voters = raft::VoterSet::Decode(entry.payload, options_.raft.max_voters);
        if (voters.ok()) restored.voters.push_back({entry.offset, *std::move(voters)});
        return voters.status();
      }));
  return restored;
}

RaftStorage::Events RaftHost::MakeEvents() {
  return {
      .durable =
          [this](raft::WriteId through) { Run([&](raft::Core& core, Instant now) { core.OnDurable(through, now); }); },
      .commit = [this](raft::Offset end) { ApplyTo(end); },
      .installed = [this](const LoadedSnapshot& loaded) { Installed(loaded); },
      .stalled =
          [this](const absl::Status& status) {
            if (!status.ok()) machine_.OnUncertain(status);
            machine_.OnProgress();
            if (!status.ok() && is_leader()) MakeWay();
          },
      .failed = [this](const absl::Status& status) { Fail(status); }};
}

void RaftHost::Start() {
  LEAT_CHECK(!started_) << "RaftHost::Start called twice";
  started_ = true;
  if (ports_.transport != nullptr) {
    ports_.transport->Serve(env::Service::kRaft, [this, alive = std::weak_ptr<int>(alive_)](
                                                     int32_t from, OwnedBytes message, const env::Transport::Reply&) {
      if (!alive.expired()) Receive(from, message);
    });
  }
  Run([](raft::Core& core, Instant now) {
    if (core.NextDeadline() <= now) core.Tick(now);
  });
}

void RaftHost::NoteGone(raft::NodeId node) {
  Run([node](raft::Core& core, Instant now) { core.OnGone(node, now); });
}

template <typename Input>
void RaftHost::Run(Input input) {
  if (!failure_.ok() || stopped_ || !started_) return;
  input(*core_, ports_.shard->Now());
  CarryOut();
}

void RaftHost::CarryOut() {
  for (raft::Effect& effect : core_->TakeEffects()) effects_.push_back(std::move(effect));
  if (carrying_out_) return;  // further up the stack
  carrying_out_ = true;
  while (!effects_.empty() && failure_.ok() && !stopped_) {
    raft::Effect effect = std::move(effects_.front());
    effects_.pop_front();
    std::visit([this](auto& what) { Do(what); }, effect);
  }
  carrying_out_ = false;
  if (!failure_.ok() || stopped_) return;
  NoteFollowers();
  ArmTick();
  UpdateGauges();
}

void RaftHost::ArmTick() {
  // A leader without anybody to lead has nothing to do at any time.
  const bool alone = is_only_voter() && core_->role() == raft::Role::kLeader && core_->others().empty();
  const Instant deadline = alone ? Instant::Max() : core_->NextDeadline();
  if (deadline == Instant::Max()) return;
  if (tick_ != nullptr && tick_at_ <= deadline) return;  // that one will ask again
  tick_at_ = deadline;
  tick_ = ports_.shard->RunAt(deadline, [this] {
    const std::unique_ptr<env::Timer> fired = std::move(tick_);
    Run([](raft::Core& core, Instant now) { core.Tick(now); });
  });
}

void RaftHost::Receive(int32_t from, std::string_view bytes) {
  if (!failure_.ok() || stopped_) return;
  absl::StatusOr<raft::Message> message = DecodeRaft(bytes, options_.codec);
  if (message.ok() && message->from.id.value() != from) {
    message = InvalidArgument("it names node ", message->from.id, " as its sender");
  }
  if (message.ok() && storage_->waiting_bytes() > options_.max_waiting_bytes) {
    message = ResourceExhausted(storage_->waiting_bytes(), " bytes wait for the disk already");
  }
  if (!message.ok()) {
    // One line for each power of two of them: a hostile or broken peer must not fill the disk with them.
    ++dropped_;
    if ((dropped_ & (dropped_ - 1)) == 0) {
      LogWarning("raft", "a message of node ", from, " was dropped (", dropped_,
                 " so far): ", Message(message.status()));
    }
    return;
  }
  if (ports_.addresses != nullptr && !message->address.empty() && message->cluster == options_.raft.cluster) {
    const auto* hint = std::get_if<raft::LeaderHint>(&message->body);
    ports_.addresses->Learn(hint != nullptr ? hint->leader.id : message->from.id, message->address);
  }
  Run([&](raft::Core& core, Instant now) { core.Receive(*std::move(message), now); });
}

// Whoever looks for a leader may be one that the others cannot reach yet, and so may the leader itself.
std::string RaftHost::AddressFor(const raft::Body& body) const {
  if (ports_.addresses == nullptr) return {};
  if (const auto* hint = std::get_if<raft::LeaderHint>(&body)) return ports_.addresses->AddressOf(hint->leader.id);
  const bool looks = std::holds_alternative<raft::Observe>(body) || std::holds_alternative<raft::VoteRequest>(body);
  return looks ? ports_.addresses->AddressOf(self().id) : std::string();
}

void RaftHost::Do(raft::PersistVote& effect) {
  if (effect.vote.term > last_term_) ++elections_;
  last_term_ = effect.vote.term;
  storage_->Add(effect);
}

void RaftHost::Do(raft::ReadEntries& effect) {
  std::vector<raft::Entry> entries = storage_->Read(effect.first, effect.end, effect.max_bytes);
  Run([&](raft::Core& core, Instant now) { core.OnRead(effect.read, std::move(entries), now); });
}

void RaftHost::Do(raft::ReadSnapshot& effect) {
  auto piece = std::make_shared<SnapshotFolder::Piece>();
  ports_.shard->RunBlocking(
      [snapshots = storage_->snapshots(), effect, piece]() -> absl::Status {
        LEAT_ASSIGN_OR_RETURN(*piece, snapshots.Read(effect.snapshot, effect.position, effect.max_bytes));
        return absl::OkStatus();
      },
      [this, read = effect.read, piece, hold = gate_.TryEnter(),
       alive = std::weak_ptr<int>(alive_)](const absl::Status& status) {
        if (alive.expired()) return;
        if (!status.ok()) LogWarning("raft", "a snapshot cannot be read for a follower: ", Message(status));
        raft::ChunkEnd end = piece->last ? raft::ChunkEnd::kLast : raft::ChunkEnd::kMore;
        if (!status.ok()) end = raft::ChunkEnd::kFailed;
        Run([&](raft::Core& core, Instant now) { core.OnSnapshotRead(read, std::move(piece->bytes), end, now); });
      });
}

void RaftHost::Do(raft::Send& effect) {
  if (ports_.transport == nullptr) return;
  const int32_t to = effect.message.to.id.value();
  effect.message.address = AddressFor(effect.message.body);
  ports_.transport->Send(to, env::Service::kRaft, EncodeRaft(effect.message, options_.codec));
}

void RaftHost::Do(raft::BecomeLeader& effect) {
  leading_ = true;
  leading_from_ = effect.first;
  caught_up_.clear();
  LogInfo("raft", "this node leads the metadata quorum in term ", effect.term);
  machine_.OnProgress();
}

void RaftHost::Do(raft::BecomeFollower& effect) {
  if (std::exchange(leading_, false)) {
    LogInfo("raft", "this node no longer leads the metadata quorum; the term is ", effect.term);
    machine_.OnUncertain(
        Unavailable("this node lost the leadership of the metadata quorum before the change was committed: it may or "
                    "may not happen; look before trying again"));
  } else if (effect.leader != raft::kNobody) {
    LogInfo("raft", "node ", effect.leader, " leads the metadata quorum in term ", effect.term);
  }
  machine_.OnProgress();
  if (closing_) FinishClose();
}

void RaftHost::Do(raft::ReadReady& effect) {
  auto read = reads_.extract(effect.ticket);
  if (read.empty()) return;
  if (applied_end_ >= effect.end) return read.mapped()(absl::OkStatus());
  waiters_.push_back({effect.end, std::move(read.mapped())});
}

void RaftHost::Do(raft::ReadFailed& effect) {
  auto read = reads_.extract(effect.ticket);
  if (!read.empty()) read.mapped()(model::WithCode(effect.why, model::ErrorCode::kNotController));
}

void RaftHost::Do(raft::VoterChangeDone& effect) {
  if (effect.outcome.ok()) LogInfo("raft", "the metadata quorum's voters are ", effect.voters.ToString());
  if (voter_change_) std::exchange(voter_change_, nullptr)(effect.outcome);
}

void RaftHost::Do(raft::TransferFailed& effect) {
  LogWarning("raft", "leadership was not handed over: ", Message(effect.why));
  if (closing_) FinishClose();
}

void RaftHost::Do(raft::Refuse& effect) {
  const std::string text = StrCat(raft::Name(effect.reason), ": node ", effect.peer.id, ": ", effect.detail);
  if (effect.fatal) return Fail(FailedPrecondition(text));
  // A refused peer asks again and again.
  if (text == last_refusal_) return;
  last_refusal_ = text;
  LogWarning("raft", "refused: ", text);
}

void RaftHost::ApplyTo(raft::Offset end) {
  if (end <= applied_end_ || !failure_.ok()) return;
  const absl::Status status = VisitEntries(*ports_.log, applied_end_, end, [this](const raft::Entry& entry) {
    applied_end_ = entry.offset + 1;
    applied_term_ = entry.term;
    applied_bytes_ += static_cast<int64_t>(entry.payload.size());
    if (entry.kind != raft::EntryKind::kData) return absl::OkStatus();
    return Annotate(machine_.Apply(entry.offset, entry.payload), StrCat("at offset ", entry.offset));
  });
  if (!status.ok()) return Fail(Annotate(status, "what the metadata quorum committed cannot be applied"));
  ports_.log->SetHighWatermark(end);
  Progressed();
}

void RaftHost::Installed(const LoadedSnapshot& loaded) {
  const raft::LogPoint& point = loaded.snapshot.point;
  if (point.end <= applied_end_) return;  // a crash came between file and log; it was loaded at the start
  applied_end_ = point.end;
  applied_term_ = point.term;
  applied_bytes_ = 0;
  if (const absl::Status status = machine_.Load(loaded.records, point.end); !status.ok()) {
    return Fail(Annotate(status, "the leader's snapshot cannot be loaded"));
  }
  LogInfo("raft", "the metadata was replaced by the leader's snapshot up to ", point.end);
  Progressed();
}

void RaftHost::Progressed() {
  machine_.OnProgress();
  std::vector<Done> ready;
  for (size_t i = 0; i < waiters_.size();) {
    if (waiters_[i].end > applied_end_) {
      ++i;
      continue;
    }
    ready.push_back(std::move(waiters_[i].done));
    waiters_.erase(waiters_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (Done& done : ready) done(absl::OkStatus());
  MaybeSnapshot();
}

absl::StatusOr<raft::Proposed> RaftHost::Propose(std::vector<std::string> payloads) {
  if (!failure_.ok()) return failure_;
  if (!stall().ok()) return stall();
  if (!is_leader()) return NotLeading();
  size_t bytes = 0;
  for (const std::string& payload : payloads) bytes += payload.size();
  if (const absl::Status room = storage_->CheckRoom(bytes); !room.ok()) {
    if (!MakeWay()) return room;
    return model::WithCode(Unavailable(Message(room), "; another node is asked to lead: try again"),
                           model::ErrorCode::kNotController);
  }
  absl::StatusOr<raft::Proposed> proposed = NotLeading();
  Run([&](raft::Core& core, Instant now) { proposed = core.Propose(std::move(payloads), now); });
  if (absl::IsUnavailable(proposed.status()))
    return model::WithCode(proposed.status(), model::ErrorCode::kNotController);
  return proposed;
}

// A full disk of one node must not stop the changes of all.
bool RaftHost::MakeWay() { return core_->voters().size() > 1 && TransferLeadership(raft::kNobody).ok(); }

void RaftHost::ReadBarrier(Done done) {
  absl::Status status = failure_.ok() ? NotLeading() : failure_;
  Run([&](raft::Core& core, Instant now) {
    const uint64_t ticket = next_ticket_++;
    status = core.Read(ticket, now);
    if (status.ok()) reads_.emplace(ticket, std::move(done));
  });
  if (!status.ok()) done(status);
}

void RaftHost::AddVoter(const raft::Peer& voter, Done done) {
  absl::Status status = failure_.ok() ? NotLeading() : failure_;
  Run([&](raft::Core& core, Instant now) {
    status = core.AddVoter(voter, now);
    if (status.ok()) voter_change_ = std::move(done);
  });
  if (!status.ok()) done(status);
}

void RaftHost::RemoveVoter(const raft::Peer& voter, Done done) {
  absl::Status status = failure_.ok() ? NotLeading() : failure_;
  Run([&](raft::Core& core, Instant now) {
    status = core.RemoveVoter(voter, now);
    if (status.ok()) voter_change_ = std::move(done);
  });
  if (!status.ok()) done(status);
}

absl::Status RaftHost::TransferLeadership(raft::NodeId target) {
  absl::Status status = failure_.ok() ? NotLeading() : failure_;
  Run([&](raft::Core& core, Instant now) { status = core.TransferLeadership(target, now); });
  return status;
}

}  // namespace leat::coordinator
