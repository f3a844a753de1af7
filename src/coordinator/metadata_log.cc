#include "coordinator/metadata_log.h"

#include <utility>

#include "base/check.h"
#include "base/logging.h"
#include "coordinator/metadata_codec.h"
#include "coordinator/metadata_entry.h"
#include "coordinator/metadata_upgrade.h"
#include "meta/snapshot.h"
#include "model/error_status.h"

namespace leat::coordinator {
namespace {

// Of one round. What comes on top goes into the next.
constexpr size_t kMostChanges = 1000;
constexpr size_t kMostBytes = size_t{4} << 20;
// Below the 8 MiB of a batch, so that older limits hold what is in it.
constexpr int64_t kMostEntryBytes = int64_t{7} << 20;

}  // namespace

RaftHost::Options QuorumOptions(std::string_view cluster_id, model::NodeId node,
                                const std::vector<model::NodeId>& voters, std::string folder) {
  RaftHost::Options options;
  options.raft.cluster = ClusterUuid(cluster_id);
  options.raft.self.id = node;
  std::vector<raft::Peer> peers;
  for (const model::NodeId voter : voters) peers.push_back({voter, {}});
  // The first leader writes down which disks they are.
  if (peers.empty()) peers.push_back({node, {}});
  options.raft.initial_voters = raft::VoterSet(std::move(peers));
  options.raft.max_entry_bytes = kMostEntryBytes;
  options.codec.max_voters = options.raft.max_voters;
  options.folder = std::move(folder);
  return options;
}

MetadataLog::MetadataLog(env::Shard& shard, Changed changed)
    : shard_(shard), changed_(std::move(changed)), image_(std::make_shared<const meta::Image>()) {}

absl::StatusOr<std::unique_ptr<MetadataLog>> MetadataLog::Open(RaftHost::Options options, const RaftHost::Ports& ports,
                                                               Changed changed) {
  LEAT_RETURN_IF_ERROR(Annotate(UpgradeMetadataLog(options, ports), "conversion of the metadata log"));
  std::unique_ptr<MetadataLog> metadata(new MetadataLog(*ports.shard, std::move(changed)));
  absl::StatusOr<std::unique_ptr<RaftHost>> host = RaftHost::Open(std::move(options), ports, *metadata);
  if (!host.ok()) return Annotate(host.status(), "the metadata log");
  metadata->host_ = *std::move(host);
  metadata->told_ = metadata->leadership();
  metadata->host_->Start();
  return metadata;
}

// ---- the state machine ----

absl::Status MetadataLog::Apply(raft::Offset offset, std::string_view payload) {
  if (round_ && offset >= round_->first && offset < round_->end) {
    if (offset + 1 == round_->end) committed_ = std::exchange(round_, std::nullopt);
    return absl::OkStatus();
  }
  LEAT_ASSIGN_OR_RETURN(const meta::Records records, DecodeChange(payload));
  if (!building_) building_ = *image_;
  for (const meta::Record& record : records) {
    LEAT_ASSIGN_OR_RETURN(meta::Delta delta, building_->Apply(record));
    building_delta_.Append(std::move(delta));
  }
  return absl::OkStatus();
}

absl::Status MetadataLog::Load(const StateRecords& records, raft::Offset) {
  meta::Image image;
  for (const std::string& bytes : records) {
    LEAT_ASSIGN_OR_RETURN(const meta::Record record, DecodeMetadata(bytes));
    LEAT_RETURN_IF_ERROR(image.Apply(record).status());
  }
  PublishApplied();
  const meta::Delta delta = DeltaBetween(*image_, image);
  Publish(std::move(image), delta);
  return absl::OkStatus();
}

void MetadataLog::Foresee(std::string_view payload) {
  absl::StatusOr<meta::Records> records = DecodeChange(payload);
  if (!records.ok()) return;  // it is complained of if it is committed
  for (meta::Record& record : *records) {
    auto* registered = std::get_if<meta::BrokerRegistered>(&record);
    if (registered != nullptr) foreseen_.insert_or_assign(registered->id, std::move(*registered));
  }
}

absl::AnyInvocable<StateRecords()> MetadataLog::Freeze() {
  PublishApplied();
  return [image = image_] {
    StateRecords records;
    for (const meta::Record& record : meta::SnapshotOf(*image)) records.push_back(EncodeMetadata(record));
    return records;
  };
}

void MetadataLog::Publish(meta::Image image, const meta::Delta& delta) {
  image_ = std::make_shared<const meta::Image>(std::move(image));
  const bool opening = host_ == nullptr;
  if (!opening && !delta.empty()) changed_(image_, delta);
}

void MetadataLog::PublishApplied() {
  if (building_) {
    meta::Image image = *std::exchange(building_, std::nullopt);
    const meta::Delta delta = std::exchange(building_delta_, {});
    Publish(std::move(image), delta);
  }
  if (committed_) FinishRound(*std::exchange(committed_, std::nullopt), absl::OkStatus());
}

void MetadataLog::OnProgress() {
  PublishApplied();
  if (host_ == nullptr) return;
  TellLeadership();
  if (!wait_for_catch_up_.empty() && caught_up()) {
    for (env::Closure& ready : std::exchange(wait_for_catch_up_, {})) ready();
  }
  StartRounds();
}

// In a turn of its own: whoever is told may be in the middle of a Submit that ended the leadership.
void MetadataLog::TellLeadership() {
  if (telling_ || leadership() == told_) return;
  telling_ = true;
  shard_.Post([this, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    telling_ = false;
    const Leadership now = leadership();
    if (now == std::exchange(told_, now)) return;
    if (watcher_) watcher_(now);
  });
}

void MetadataLog::OnUncertain(const absl::Status& why) {
  if (host_ == nullptr) return;
  if (round_) {
    // Its entries, if they are committed after all, are applied like those of others.
    Round round = *std::exchange(round_, std::nullopt);
    FinishRound(std::move(round), why);
  }
  AnswerWaiting(MaySubmit());
}

void MetadataLog::AnswerWaiting(const absl::Status& why) {
  if (why.ok()) return;
  for (Waiting& waiting : std::exchange(waiting_, {})) waiting.done(why);
}

void MetadataLog::WhenCaughtUp(env::Closure ready) {
  if (caught_up()) return ready();
  wait_for_catch_up_.push_back(std::move(ready));
}

// ---- changes ----

absl::Status MetadataLog::MaySubmit() const {
  if (!host_->failure().ok()) return host_->failure();
  // An only voter leads in a moment, and on a full disk answers what needs no writing, unless it does not know yet what
  // its log will hold.
  const bool knows_all = host_->stall().ok() || host_->applied_end() == host_->log_end();
  if (host_->is_only_voter() && knows_all) return absl::OkStatus();
  if (!host_->is_only_voter() && !host_->is_leader()) return host_->NotLeading();
  return host_->stall();
}

void MetadataLog::Submit(Decide decide, Done done) {
  env::Gate::Hold hold = gate_.TryEnter();
  if (!hold) {
    done(Unavailable("the broker is stopping: try again when it is back"));
    return;
  }
  if (absl::Status status = MaySubmit(); !status.ok()) {
    done(std::move(status));
    return;
  }
  waiting_.push_back({std::move(decide), std::move(done), std::move(hold)});
  StartRounds();
}

// The image must be that of the whole log: what an earlier leader, or a round of unknown outcome, left in it is decided
// on first. While an only voter's disk is full it can still say what needs no writing.
bool MetadataLog::MayStartRound() const {
  if (waiting_.empty() || round_ || committed_ || !host_->failure().ok()) return false;
  const bool may_decide = host_->active() || (host_->is_only_voter() && !host_->stall().ok());
  return may_decide && host_->applied_end() == host_->log_end();
}

absl::Status MetadataLog::DecideOne(Waiting& waiting, Round& round) {
  LEAT_ASSIGN_OR_RETURN(const meta::Records records, waiting.decide(round.image));
  if (records.empty()) return absl::OkStatus();
  LEAT_RETURN_IF_ERROR(host_->stall());  // it alone; others may need no writing
  std::string payload = EncodeChange(records);
  if (static_cast<int64_t>(payload.size()) > kMostEntryBytes) {
    return InvalidArgument("a change of ", payload.size(), " bytes is larger than the ", kMostEntryBytes,
                           " that one may have: make it in several steps");
  }
  for (const meta::Record& record : records) {
    absl::StatusOr<meta::Delta> delta = round.image.Apply(record);
    LEAT_CHECK(delta.ok()) << "a metadata change was decided that cannot be applied: " << delta.status().ToString();
    round.delta.Append(*std::move(delta));
  }
  round.bytes += payload.size();
  round.payloads.push_back(std::move(payload));
  return absl::OkStatus();
}

// An answer may submit the next change: that goes on here, not on its stack.
void MetadataLog::StartRounds() {
  if (starting_) return;
  starting_ = true;
  while (MayStartRound()) StartRound();
  starting_ = false;
}

void MetadataLog::StartRound() {
  Round round;
  round.image = *image_;
  Refused refused;
  while (!waiting_.empty() && round.payloads.size() < kMostChanges && round.bytes < kMostBytes) {
    Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    if (absl::Status status = DecideOne(waiting, round); !status.ok()) {
      refused.emplace_back(std::move(waiting), std::move(status));
    } else {
      round.accepted.push_back(std::move(waiting));
    }
  }
  // Set before anybody is answered: an answer may submit the next change.
  std::vector<std::string> payloads = std::exchange(round.payloads, {});
  round_ = std::move(round);
  for (auto& [waiting, status] : refused) waiting.done(status);
  refused.clear();
  if (!round_) return;  // an answer has ended all of this
  absl::Status outcome;
  if (!payloads.empty()) {
    const absl::StatusOr<raft::Proposed> proposed = host_->Propose(std::move(payloads));
    // Null: the disk was full, and its askers know.
    if (proposed.ok() && round_) {
      round_->first = proposed->first;
      round_->end = proposed->end;
    }
    if (proposed.ok()) return;
    outcome = Annotate(proposed.status(), "the change could not be written to the metadata log");
    const bool ordinary = absl::IsResourceExhausted(outcome) || absl::IsUnavailable(outcome);
    if (!ordinary) LogWarning("coordinator", Message(outcome));
  }
  if (round_) FinishRound(*std::exchange(round_, std::nullopt), outcome);
}

void MetadataLog::FinishRound(Round round, const absl::Status& outcome) {
  if (outcome.ok() && round.end > round.first) Publish(std::move(round.image), round.delta);
  for (Waiting& waiting : round.accepted) waiting.done(outcome);
}

void MetadataLog::Close(env::Closure closed) {
  if (!waiting_.empty() || round_) {
    // Without a majority or room on the disk those under way would never be answered.
    close_timer_ = shard_.RunAt(shard_.Now() + absl::Seconds(2), [this] {
      const std::unique_ptr<env::Timer> fired = std::move(close_timer_);
      const absl::Status why =
          Unavailable("the broker stops before the change was committed: it may or may not happen");
      if (round_) FinishRound(*std::exchange(round_, std::nullopt), why);
      AnswerWaiting(why);
    });
  }
  gate_.Close([this, closed = std::move(closed)]() mutable {
    close_timer_.reset();
    host_->Close(std::move(closed));
  });
}

}  // namespace leat::coordinator
