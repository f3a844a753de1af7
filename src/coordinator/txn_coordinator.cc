#include "coordinator/txn_coordinator.h"

#include "base/check.h"
#include "base/logging.h"
#include "coordinator/log_replay.h"
#include "group/offset_records.h"
#include "model/record_batch.h"

namespace leat::coordinator {
namespace {

using model::ErrorCode;
using txn::Decision;

Decision Refusal(ErrorCode code, std::string message) {
  Decision decision;
  decision.code = code;
  decision.message = std::move(message);
  return decision;
}

}  // namespace

Decision TxnCoordinator::Stopping() const {
  return Refusal(closed_with_, closed_with_ == ErrorCode::kNotCoordinator
                                   ? "another node has become the coordinator: look for it again"
                                   : "the broker is stopping: try again when it is back");
}

TxnCoordinator::TxnCoordinator(std::vector<log::PartitionLog*> logs, env::Shard& shard, TxnPort& port,
                               const Options& options)
    : shard_(shard),
      port_(port),
      options_(options),
      logs_(std::move(logs)),
      append_(options.append ? options.append : ToOnlyCopies(logs_)),
      core_(options.limits) {
  LEAT_CHECK(!logs_.empty());
}

absl::StatusOr<std::unique_ptr<TxnCoordinator>> TxnCoordinator::Open(std::vector<log::PartitionLog*> logs,
                                                                     env::Shard& shard, TxnPort& port,
                                                                     const Options& options) {
  std::unique_ptr<TxnCoordinator> coordinator(new TxnCoordinator(std::move(logs), shard, port, options));
  for (size_t i = 0; i < coordinator->logs_.size(); ++i) {
    const absl::Status replayed =
        ReplayLog(*coordinator->logs_[i], [&](const model::RecordView& record) -> absl::Status {
          if (!record.key) return DataLoss("transaction record without a key");
          return coordinator->core_.Replay(*record.key, record.value, coordinator->now());
        });
    LEAT_RETURN_IF_ERROR(Annotate(replayed, StrCat("transactions, log ", i)));
  }
  return coordinator;
}

void TxnCoordinator::Start() {
  for (txn::Markers& markers : core_.Unfinished()) {
    LogInfo("coordinator", "going on with the end of the transaction of '", markers.transactional_id, "'");
    StartMarkers(std::move(markers));
  }
  ScheduleTimeouts();
  ForgetUnused();
}

void TxnCoordinator::InitProducerId(txn::InitProducerId command, Done done) {
  const std::string id = command.producer.transactional_id;
  Job job =
      MakeJob([this, command = std::move(command)] { return core_.Decide(command, fresh(), now()); }, std::move(done));
  job.may_take_id = true;
  Enqueue(id, std::move(job));
}

void TxnCoordinator::AddPartitions(txn::AddPartitions command, Done done) {
  const std::string id = command.producer.transactional_id;
  const auto lane = lanes_.find(id);
  if (lane != lanes_.end() && !lane->second.waiting.empty()) {
    Job& last = lane->second.waiting.back();
    if (last.add && last.add->producer == command.producer && last.add->version == command.version) {
      last.add->partitions.insert(last.add->partitions.end(), command.partitions.begin(), command.partitions.end());
      last.done.push_back(std::move(done));
      return;
    }
  }
  Job job;
  job.add = std::move(command);
  job.done.push_back(std::move(done));
  Enqueue(id, std::move(job));
}

void TxnCoordinator::End(txn::EndTransaction command, Done done) {
  const std::string id = command.producer.transactional_id;
  Job job =
      MakeJob([this, command = std::move(command)] { return core_.Decide(command, fresh(), now()); }, std::move(done));
  job.may_take_id = true;
  Enqueue(id, std::move(job));
}

void TxnCoordinator::Answer(Job job, const Decision& decision) {
  for (Done& done : job.done) done(decision);
}

void TxnCoordinator::Enqueue(const std::string& id, Job job) {
  job.hold = gate_.TryEnter();
  if (!job.hold) {
    Answer(std::move(job), Stopping());
    return;
  }
  job.give_up = shard_.Now() + options_.wait_for_markers;
  Lane& lane = lanes_[id];
  if (lane.waiting.size() >= options_.waiting_commands) {
    Answer(std::move(job), Refusal(ErrorCode::kConcurrentTransactions,
                                   StrCat(lane.waiting.size(), " requests wait for the transactional id '", id,
                                          "' already: send one after the other")));
    return;
  }
  lane.waiting.push_back(std::move(job));
  Pump(id);
}

void TxnCoordinator::Pump(const std::string& id) {
  while (true) {
    const auto it = lanes_.find(id);
    if (it == lanes_.end()) return;
    Lane& lane = it->second;
    if (lane.writing || lane.waiting.empty()) break;
    if (!RunFront(id, lane)) return;
  }
  ForgetIfIdle(id);
}

// A job's answer may queue the next command of the same id, so the lane is not touched after it.
bool TxnCoordinator::RunFront(const std::string& id, Lane& lane) {
  if (lane.waiting.front().may_take_id && !HasFreshId()) {
    lanes_want_id_.insert(id);
    FetchIds();
    return false;
  }
  Job& front = lane.waiting.front();
  Decision decision = front.add ? core_.Decide(*front.add, now()) : front.decide();
  if (decision.used_fresh_id) ++next_id_;
  const txn::Transaction* at = core_.Find(id);
  const bool ending = at != nullptr && at->ending();
  if (!decision.record && decision.code == ErrorCode::kConcurrentTransactions && ending && !gate_.closing() &&
      shard_.Now() < front.give_up) {
    lane.give_up = shard_.RunAt(front.give_up, [this, id] { Pump(id); });
    return false;
  }
  lane.give_up.reset();
  Job job = std::move(lane.waiting.front());
  lane.waiting.pop_front();
  if (!decision.record) {
    Answer(std::move(job), decision);
    return true;
  }
  lane.writing = true;
  const txn::Record record = *decision.record;
  Write(id, record,
        [this, id, job = std::move(job), decision = std::move(decision)](const absl::Status& written) mutable {
          lanes_[id].writing = false;
          Finish(id, std::move(job), std::move(decision), written);
          Pump(id);
        });
  return false;
}

void TxnCoordinator::Finish(const std::string& id, Job job, Decision decision, const absl::Status& written) {
  if (!written.ok()) {
    LogWarning("coordinator", "a change of the transactional id '", id, "' was not written: ", Message(written));
    Answer(std::move(job), Refusal(ErrorCode::kCoordinatorNotAvailable,
                                   StrCat("the change of the transaction was not stored: ", Message(written))));
    return;
  }
  ScheduleTimeouts();
  if (decision.markers) StartMarkers(*std::move(decision.markers));
  // It aborted the transaction that was open; what it was asked for comes after the markers.
  if (decision.code == ErrorCode::kConcurrentTransactions && !gate_.closing() && shard_.Now() < job.give_up) {
    lanes_[id].waiting.push_front(std::move(job));
    return;
  }
  Answer(std::move(job), decision);
}

void TxnCoordinator::Write(const std::string& id, const txn::Record& record, Written done) {
  env::Gate::Hold hold = gate_.TryEnter();
  if (!hold) {
    done(Unavailable("the broker is stopping: try again when it is back"));
    return;
  }
  model::BatchBuilder batch({});
  batch.Add(shard_.WallMillis(), record.key,
            record.value ? std::optional<std::string_view>(*record.value) : std::nullopt);
  absl::StatusOr<std::string> bytes = batch.Finish();
  if (!bytes.ok()) {
    done(bytes.status());
    return;
  }
  const model::PartitionId partition(group::PartitionForGroup(id, static_cast<int32_t>(logs_.size())));
  append_(partition, *std::move(bytes), log::Origin::kClient,
          [this, record, done = std::move(done),
           hold = std::move(hold)](const absl::StatusOr<log::AppendResult>& result) mutable {
            if (result.ok()) {
              LEAT_CHECK_OK(core_.Replay(
                  record.key, record.value ? std::optional<std::string_view>(*record.value) : std::nullopt, now()));
            }
            done(result.status());
          });
}

void TxnCoordinator::ForgetIfIdle(const std::string& id) {
  const auto it = lanes_.find(id);
  if (it != lanes_.end() && it->second.idle()) lanes_.erase(it);
}

void TxnCoordinator::Close(env::Closure closed, ErrorCode why) {
  closed_with_ = why;
  timeout_timer_.reset();
  expiration_timer_.reset();
  std::vector<Job> waiting;
  for (auto& [id, lane] : lanes_) {
    lane.give_up.reset();
    if (lane.run != nullptr) lane.run->retry.reset();
    for (Job& job : lane.waiting) waiting.push_back(std::move(job));
    lane.waiting.clear();
  }
  auto want_id = std::move(want_id_);
  want_id_.clear();
  gate_.Close(std::move(closed));
  for (Job& job : waiting) Answer(std::move(job), Stopping());
  for (auto& [done, hold] : want_id) done(Unavailable("the broker is stopping: try again when it is back"));
}

}  // namespace leat::coordinator
