// The bodies of fake_broker.h: included by one file of each test program.
#pragma once

#include <algorithm>
#include <memory>

#include "tests/grpc/fake_broker.h"

namespace leat::rpc {

inline broker::Outcome UnknownTopic() {
  return {model::ErrorCode::kUnknownTopicOrPartition, "no such topic or partition: create it first"};
}

inline FakeBroker::Log* FakeBroker::Find(const model::TopicPartition& partition) {
  const auto found = topics_.find(partition.topic);
  if (found == topics_.end()) return nullptr;
  const auto index = static_cast<size_t>(partition.partition.value());
  return index < found->second.size() ? &found->second[index] : nullptr;
}

inline model::NodeId FakeBroker::LeaderOf(const model::TopicPartition& partition) const {
  const auto found = leaders_.find(partition);
  return found == leaders_.end() ? id_ : found->second;
}

inline broker::Outcome FakeBroker::CheckLeads(const model::TopicPartition& partition) const {
  if (LeaderOf(partition) == id_) return {};
  return {model::ErrorCode::kNotLeaderOrFollower, "another broker leads it"};
}

inline broker::ProducePartitionResult FakeBroker::AppendLocked(broker::ProducePartition partition) {
  broker::ProducePartitionResult result{.partition = partition.partition};
  result.outcome = CheckLeads(partition.partition);
  if (!result.outcome.ok()) return result;
  if (hook_) {
    if (auto outcome = hook_(partition)) {
      result.outcome = *outcome;
      return result;
    }
  }
  if (auto_create_ > 0 && !topics_.contains(partition.partition.topic)) {
    topics_[partition.partition.topic].resize(static_cast<size_t>(auto_create_));
  }
  Log* const log = Find(partition.partition);
  if (log == nullptr) {
    result.outcome = UnknownTopic();
    return result;
  }
  result.base_offset = model::Offset(log->end);
  std::string_view rest = partition.batches;
  while (!rest.empty()) {
    const auto batch = model::TakeBatch(&rest);
    const auto header = batch.ok() ? model::ValidateBatch(*batch, model::RecordCheck::kEveryRecord, size_t{64} << 20)
                                   : absl::StatusOr<model::BatchHeader>(batch.status());
    if (!header.ok()) {
      result.outcome = {model::ErrorCode::kCorruptMessage, std::string(Message(header.status()))};
      return result;
    }
    // As a real broker: what is missing is noticed, what is there already is not stored again.
    if (header->producer_id.value() >= 0) {
      const auto [known, added] = log->next_sequences.emplace(header->producer_id.value(), header->base_sequence);
      if (header->base_sequence > known->second) {
        result.outcome = {model::ErrorCode::kOutOfOrderSequenceNumber, "a batch before this one is missing"};
        return result;
      }
      if (header->base_sequence < known->second) continue;
      known->second += header->record_count;
    }
    log->batches.emplace_back(*batch);
    model::SetBaseOffset(log->batches.back().data(), model::Offset(log->end));
    log->end += header->record_count;
  }
  result.log_start = model::Offset(log->log_start);
  if (appended_hook_) {
    if (auto outcome = appended_hook_(partition)) result.outcome = *outcome;
  }
  return result;
}

inline void FakeBroker::Produce(broker::ProduceRequest request, broker::Callback<broker::ProduceReply> done) {
  std::unique_lock lock(mutex_);
  ++produce_requests_;
  if (holding_) {
    auto shared = std::make_shared<std::pair<broker::ProduceRequest, broker::Callback<broker::ProduceReply>>>(
        std::move(request), std::move(done));
    held_.push_back([this, shared] { Produce(std::move(shared->first), std::move(shared->second)); });
    changed_.notify_all();
    return;
  }
  broker::ProduceReply reply;
  for (auto& partition : request.partitions) reply.partitions.push_back(AppendLocked(std::move(partition)));
  std::vector<std::pair<broker::Callback<broker::FetchReply>, broker::FetchReply>> ready;
  for (auto it = parked_.begin(); it != parked_.end();) {
    bool news = false;
    broker::FetchReply fetched = ReadLocked(it->second.request, &news);
    if (news) ready.emplace_back(std::move(it->second.done), std::move(fetched));
    it = news ? parked_.erase(it) : std::next(it);
  }
  lock.unlock();
  changed_.notify_all();
  done(std::move(reply));
  for (auto& [answer, fetched] : ready) answer(std::move(fetched));
}

inline broker::FetchReply FakeBroker::ReadLocked(const broker::FetchRequest& request, bool* news) {
  broker::FetchReply reply;
  size_t bytes = 0;
  for (const auto& from : request.partitions) {
    broker::FetchPartitionResult result{.partition = from.partition};
    const Log* const log = Find(from.partition);
    if (log == nullptr) {
      result.outcome = UnknownTopic();
    } else if (!CheckLeads(from.partition).ok()) {
      result.outcome = CheckLeads(from.partition);
    } else if (from.offset.value() < log->log_start || from.offset.value() > log->end) {
      result.outcome = {model::ErrorCode::kOffsetOutOfRange, "there is no such offset"};
    } else {
      for (const std::string& batch : log->batches) {
        if (model::ParseBatchHeader(batch)->next_offset() <= from.offset) continue;
        const bool fits =
            bytes + batch.size() <= request.max_bytes && result.batches.size() + batch.size() <= from.max_bytes;
        if (bytes > 0 && !fits) break;
        result.batches += batch;
        bytes += batch.size();
      }
    }
    if (log != nullptr) {
      result.high_watermark = model::Offset(log->end);
      result.log_start = model::Offset(log->log_start);
    }
    *news = *news || !result.outcome.ok() || !result.batches.empty();
    reply.partitions.push_back(std::move(result));
  }
  return reply;
}

inline uint64_t FakeBroker::Fetch(broker::FetchRequest request, broker::Callback<broker::FetchReply> done) {
  std::unique_lock lock(mutex_);
  const uint64_t ticket = next_ticket_++;
  bool news = false;
  broker::FetchReply reply = ReadLocked(request, &news);
  if (!news && request.max_wait > absl::Milliseconds(1)) {
    parked_.emplace(ticket, Parked{std::move(request), std::move(done)});
    changed_.notify_all();
    return ticket;
  }
  lock.unlock();
  done(std::move(reply));
  return ticket;
}

inline void FakeBroker::CancelFetch(uint64_t ticket) {
  std::unique_lock lock(mutex_);
  const auto found = parked_.find(ticket);
  if (found == parked_.end()) return;
  Parked parked = std::move(found->second);
  parked_.erase(found);
  bool news = false;
  broker::FetchReply reply = ReadLocked(parked.request, &news);
  lock.unlock();
  changed_.notify_all();
  parked.done(std::move(reply));
}

inline void FakeBroker::ListOffsets(std::vector<broker::ListOffsetsPartition> partitions,
                                    broker::Callback<std::vector<broker::ListOffsetsResult>> done) {
  std::vector<broker::ListOffsetsResult> results;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& from : partitions) {
      broker::ListOffsetsResult result{.partition = from.partition};
      const Log* const log = Find(from.partition);
      using Spec = broker::ListOffsetsPartition::Spec;
      if (log == nullptr) {
        result.outcome = UnknownTopic();
      } else if (!CheckLeads(from.partition).ok()) {
        result.outcome = CheckLeads(from.partition);
      } else if (from.spec == Spec::kLatest) {
        result.offset = model::Offset(log->end);
      } else if (from.spec == Spec::kEarliest) {
        result.offset = model::Offset(log->log_start);
      } else {
        for (const std::string& batch : log->batches) {
          const auto header = model::ParseBatchHeader(batch);
          if (header->max_timestamp_ms < from.timestamp_ms) continue;
          result.offset = header->base_offset;
          break;
        }
      }
      results.push_back(std::move(result));
    }
  }
  done(std::move(results));
}

inline void FakeBroker::DeleteRecords(std::vector<broker::DeleteRecordsPartition> partitions,
                                      broker::Callback<std::vector<broker::DeleteRecordsResult>> done) {
  std::vector<broker::DeleteRecordsResult> results;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& from : partitions) {
      broker::DeleteRecordsResult result{.partition = from.partition};
      Log* const log = Find(from.partition);
      if (log == nullptr) {
        result.outcome = UnknownTopic();
      } else {
        log->log_start = from.before.value() < 0 ? log->end : from.before.value();
        result.log_start = model::Offset(log->log_start);
      }
      results.push_back(std::move(result));
    }
  }
  done(std::move(results));
}

inline void FakeBroker::CreateTopics(std::vector<broker::NewTopic> topics, broker::ChangeMode,
                                     broker::Callback<std::vector<broker::TopicResult>> done) {
  std::vector<broker::TopicResult> results;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& from : topics) {
      broker::TopicResult result{.name = from.name, .partitions = std::max(from.partitions, 1)};
      if (topics_.contains(from.name)) {
        result.outcome = {model::ErrorCode::kTopicAlreadyExists, "there is such a topic: choose another name"};
      } else if (from.configs.contains("no.such.config")) {
        result.outcome = {model::ErrorCode::kInvalidConfig, "no.such.config is not a config of topics"};
      } else {
        topics_[from.name].resize(static_cast<size_t>(result.partitions));
      }
      results.push_back(std::move(result));
    }
  }
  done(std::move(results));
}

inline void FakeBroker::DeleteTopics(std::vector<std::string> names,
                                     broker::Callback<std::vector<broker::TopicResult>> done) {
  std::vector<broker::TopicResult> results;
  {
    const std::lock_guard lock(mutex_);
    for (const std::string& name : names) {
      results.push_back({.name = name, .outcome = topics_.erase(name) == 0 ? UnknownTopic() : broker::Outcome()});
    }
  }
  done(std::move(results));
}

inline void FakeBroker::DescribeTopics(std::vector<std::string> names,
                                       broker::Callback<std::vector<broker::TopicDescription>> done) {
  std::vector<broker::TopicDescription> topics;
  {
    const std::lock_guard lock(mutex_);
    if (names.empty()) {
      for (const auto& [name, logs] : topics_) names.push_back(name);
    }
    for (const std::string& name : names) {
      broker::TopicDescription topic{.name = name};
      const auto found = topics_.find(name);
      if (found == topics_.end()) topic.outcome = UnknownTopic();
      for (size_t i = 0; found != topics_.end() && i < found->second.size(); ++i) {
        const model::PartitionId id(static_cast<int32_t>(i));
        topic.partitions.push_back({.partition = id,
                                    .leader = LeaderOf({name, id}),
                                    .log_start = model::Offset(found->second[i].log_start),
                                    .high_watermark = model::Offset(found->second[i].end)});
      }
      topic.configs.push_back({"retention.ms", "604800000", broker::ConfigEntry::Source::kDefault});
      topics.push_back(std::move(topic));
    }
  }
  done(std::move(topics));
}

inline void FakeBroker::AlterTopics(std::vector<broker::AlterTopic> changes, broker::ChangeMode,
                                    broker::Callback<std::vector<broker::TopicResult>> done) {
  std::vector<broker::TopicResult> results;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& change : changes) {
      broker::TopicResult result{.name = change.name};
      const auto found = topics_.find(change.name);
      if (found == topics_.end()) {
        result.outcome = UnknownTopic();
      } else if (change.partitions > 0) {
        found->second.resize(static_cast<size_t>(change.partitions));
      }
      results.push_back(std::move(result));
    }
  }
  done(std::move(results));
}

inline void FakeBroker::CommitOffsets(broker::CommitOffsetsRequest request,
                                      broker::Callback<std::vector<broker::CommitOffsetResult>> done) {
  std::vector<broker::CommitOffsetResult> results;
  group::CommitCommand command{.group = request.group};
  for (auto& offset : request.offsets) {
    results.push_back({.partition = offset.partition});
    command.items.push_back({offset.partition, offset.offset, offset.metadata});
  }
  fake_groups_.Commit(std::move(command), [&](std::vector<broker::Outcome> outcomes) {
    for (size_t i = 0; i < outcomes.size(); ++i) results[i].outcome = outcomes[i];
  });
  done(std::move(results));
}

// What the group has committed. Answered on the calling thread, as the fake groups do.
inline std::vector<broker::GroupOffset> FakeBroker::StoredOffsets(const std::string& group) {
  std::vector<broker::GroupOffset> stored;
  fake_groups_.FetchOffsets({{group, std::nullopt}}, broker::StableOffsets::kAsTheyAre,
                            [&](std::vector<broker::GroupOffsets> groups) { stored = std::move(groups[0].offsets); });
  return stored;
}

inline void FakeBroker::FetchOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                                     broker::Callback<absl::StatusOr<std::vector<broker::CommittedOffset>>> done) {
  std::vector<broker::CommittedOffset> offsets;
  if (group.empty()) return done(InvalidArgument("group: expected a name, got none"));
  for (const broker::GroupOffset& offset : StoredOffsets(group)) {
    const bool asked = partitions.empty() || std::count(partitions.begin(), partitions.end(), offset.partition) > 0;
    if (asked) offsets.push_back({offset.partition, offset.offset, offset.metadata, offset.commit_time_ms});
  }
  done(std::move(offsets));
}

inline void FakeBroker::ListGroups(broker::Callback<std::vector<std::string>> done) {
  std::vector<std::string> names;
  fake_groups_.List([&](absl::StatusOr<std::vector<group::GroupListing>> groups) {
    for (const group::GroupListing& listing : *groups) names.push_back(listing.group);
  });
  done(std::move(names));
}

inline void FakeBroker::DescribeLag(std::string group, broker::Callback<std::vector<broker::GroupLag>> done) {
  std::vector<broker::GroupLag> lags;
  const std::vector<broker::GroupOffset> stored = StoredOffsets(group);
  {
    const std::lock_guard lock(mutex_);
    for (const broker::GroupOffset& offset : stored) {
      const Log* const log = Find(offset.partition);
      if (log == nullptr) continue;
      const int64_t behind = log->end - offset.offset.value();
      lags.push_back({group, offset.partition, offset.offset, model::Offset(log->end), behind, 0.5});
    }
  }
  done(std::move(lags));
}

inline void FakeBroker::DescribeCluster(broker::Callback<broker::ClusterDescription> done) {
  broker::ClusterDescription cluster{.cluster_id = "fake",
                                     .controller = model::NodeId(1),
                                     .nodes = {{.id = model::NodeId(1), .grpc = "127.0.0.1:1", .admin = "127.0.0.1:2"}},
                                     .version = "0.1",
                                     .start_time_ms = 7};
  {
    const std::lock_guard lock(mutex_);
    if (!nodes_.empty()) cluster.nodes = nodes_;
  }
  done(std::move(cluster));
}

inline void FakeBroker::SubmitJob(broker::NewJob job, broker::Callback<absl::StatusOr<broker::JobDescription>> done) {
  if (job.sql == "nonsense") return done(InvalidArgument("1:1: expected a statement, got 'nonsense'"));
  std::unique_lock lock(mutex_);
  if (jobs_.contains(job.name)) {
    lock.unlock();
    return done(AlreadyExists("job ", job.name, " exists: delete it first"));
  }
  broker::JobDescription described{.name = job.name, .state = broker::JobState::kRunning, .sql = job.sql};
  described.inputs.push_back({.partition = {"in", model::PartitionId(0)}, .offset = model::Offset(5)});
  jobs_[job.name] = described;
  lock.unlock();
  done(std::move(described));
}

// State that fits everything but what says "other keys".
inline void FakeBroker::UpgradeJob(broker::JobUpgrade upgrade,
                                   broker::Callback<absl::StatusOr<broker::JobUpgraded>> done) {
  std::unique_lock lock(mutex_);
  const auto it = jobs_.find(upgrade.name);
  absl::Status status = absl::OkStatus();
  if (it == jobs_.end()) status = NotFound("no job ", upgrade.name);
  if (status.ok() && upgrade.sql == "other keys" && upgrade.drop_state.empty()) {
    status = FailedPrecondition("GroupAggregate#4: keys were others");
  }
  broker::JobUpgraded upgraded;
  if (status.ok()) {
    if (upgrade.mode == broker::JobUpgrade::Mode::kApply) {
      it->second.sql = upgrade.sql;
      ++it->second.revision;
    }
    upgraded.job = it->second;
    upgraded.changes.push_back(upgrade.drop_state.empty() ? "keeps its state: GroupAggregate#4"
                                                          : StrCat("loses its state: ", upgrade.drop_state.front()));
  }
  lock.unlock();
  status.ok() ? done(std::move(upgraded)) : done(status);
}

inline absl::Status FakeBroker::JobStatus(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return jobs_.contains(name) ? absl::OkStatus() : NotFound("no job ", name, ": see the list of jobs");
}
inline void FakeBroker::StartJob(std::string name, broker::Callback<absl::Status> done) { done(JobStatus(name)); }
inline void FakeBroker::StopJob(std::string name, broker::Callback<absl::Status> done) { done(JobStatus(name)); }
inline void FakeBroker::DeleteJob(std::string name, broker::Callback<absl::Status> done) {
  absl::Status status = JobStatus(name);
  {
    const std::lock_guard lock(mutex_);
    jobs_.erase(name);
  }
  done(std::move(status));
}
inline void FakeBroker::ListJobs(broker::Callback<std::vector<broker::JobDescription>> done) {
  std::vector<broker::JobDescription> jobs;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, job] : jobs_) jobs.push_back(job);
  }
  done(std::move(jobs));
}
inline void FakeBroker::DescribeJob(std::string name, broker::Callback<absl::StatusOr<broker::JobDescription>> done) {
  if (absl::Status status = JobStatus(name); !status.ok()) return done(std::move(status));
  broker::JobDescription job;
  {
    const std::lock_guard lock(mutex_);
    job = jobs_[name];
  }
  done(std::move(job));
}
inline void FakeBroker::JobLogs(std::string name,
                                broker::Callback<absl::StatusOr<std::vector<broker::JobLogLine>>> done) {
  if (absl::Status status = JobStatus(name); !status.ok()) return done(std::move(status));
  done(std::vector<broker::JobLogLine>{{3, "started"}});
}
inline void FakeBroker::ExplainJob(std::string sql, broker::Callback<absl::StatusOr<std::string>> done) {
  if (sql == "nonsense") return done(InvalidArgument("1:1: expected a statement, got 'nonsense'"));
  done("plan of " + sql);
}

}  // namespace leat::rpc
