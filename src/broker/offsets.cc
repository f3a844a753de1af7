// The committed offsets of groups: CommitOffsets, FetchOffsets, ListGroups.
#include "broker/broker_impl.h"
#include "broker/outcomes.h"

namespace leat::broker {
namespace {

// OK, or why an offset of this partition cannot be committed.
Outcome CheckTarget(const meta::Image& image, const model::TopicPartition& partition) {
  const meta::TopicPtr topic = image.FindTopic(partition.topic);
  if (topic != nullptr && partition.partition.value() >= 0 && partition.partition.value() < topic->partitions)
    return {};
  return Failed(model::ErrorCode::kUnknownTopicOrPartition, StrCat("partition ", partition.partition, " of topic '",
                                                                   partition.topic.substr(0, 300), "' does not exist"));
}

CommittedOffset Committed(const model::TopicPartition& partition, const group::OffsetValue& value) {
  return {partition, value.offset, value.metadata, value.commit_time_ms};
}

}  // namespace

void BrokerImpl::CommitOffsets(CommitOffsetsRequest request, Callback<std::vector<CommitOffsetResult>> done) {
  home().Post([this, request = std::move(request), done = std::move(done)]() mutable {
    std::vector<CommitOffsetResult> results;
    group::CommitCommand command;
    command.group = std::move(request.group);
    std::vector<size_t> accepted;  // of each item of the command, its place in the results
    const bool serving = shards_[0]->phase == Phase::kServing;
    for (CommitOffset& commit : request.offsets) {
      const Outcome outcome = serving ? CheckTarget(*image(), commit.partition) : shards_[0]->Refusal();
      results.push_back({commit.partition, outcome});
      if (!outcome.ok()) continue;
      accepted.push_back(results.size() - 1);
      command.items.push_back({std::move(commit.partition), commit.offset, std::move(commit.metadata)});
    }
    if (command.items.empty()) {
      done(std::move(results));
      return;
    }
    groups_->CommitOffsets(command,
                           [this, results = std::move(results), accepted = std::move(accepted), began = home().Now(),
                            done = std::move(done)](std::vector<group::CommitDecision::Outcome> outcomes) mutable {
                             for (size_t k = 0; k < outcomes.size(); ++k) {
                               results[accepted[k]].outcome = {outcomes[k].code, std::move(outcomes[k].message)};
                             }
                             broker_metrics_.commit_seconds.Observe(Seconds(home().Now() - began));
                             done(std::move(results));
                           });
  });
}

void BrokerImpl::FetchOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                              Callback<absl::StatusOr<std::vector<CommittedOffset>>> done) {
  home().Post([this, group = std::move(group), partitions = std::move(partitions), done = std::move(done)]() mutable {
    if (shards_[0]->phase != Phase::kServing) {
      done(ToStatus(shards_[0]->Refusal()));
      return;
    }
    if (group.empty()) {
      done(InvalidArgument("expected a group id of 1 to 255 bytes, got none"));
      return;
    }
    const group::OffsetStore::GroupOffsets* stored = groups_->Find(group);
    std::vector<CommittedOffset> offsets;
    if (partitions.empty() && stored != nullptr) {
      for (const auto& [partition, value] : *stored) offsets.push_back(Committed(partition, value));
    }
    for (model::TopicPartition& partition : partitions) {
      const auto it = stored == nullptr ? group::OffsetStore::GroupOffsets::const_iterator() : stored->find(partition);
      const bool known = stored != nullptr && it != stored->end();
      offsets.push_back(known ? Committed(partition, it->second) : CommittedOffset{.partition = std::move(partition)});
    }
    done(std::move(offsets));
  });
}

void BrokerImpl::ListGroups(Callback<std::vector<std::string>> done) {
  home().Post([this, done = std::move(done)]() mutable {
    done(shards_[0]->phase == Phase::kServing ? groups_->Groups() : std::vector<std::string>());
  });
}

void BrokerImpl::ForgetGroup(const std::string& group, Callback<absl::Status> done) {
  groups_->ForgetGroup(group, std::move(done));
}

}  // namespace leat::broker
