// The committed offsets of groups without membership: CommitOffsets, FetchOffsets, ListGroups. See groups.h for the
// rest.
#include "broker/broker_impl.h"
#include "broker/group_host.h"
#include "broker/outcomes.h"
#include "model/error_status.h"

namespace leat::broker {

void BrokerImpl::CommitOffsets(CommitOffsetsRequest request, Callback<std::vector<CommitOffsetResult>> done) {
  group::CommitCommand command;
  command.group = std::move(request.group);
  std::vector<CommitOffsetResult> results;
  for (CommitOffset& commit : request.offsets) {
    results.push_back({commit.partition, {}});
    command.items.push_back({std::move(commit.partition), commit.offset, std::move(commit.metadata)});
  }
  groups_face_.Commit(std::move(command),
                      [results = std::move(results), done = std::move(done)](std::vector<Outcome> outcomes) mutable {
                        for (size_t i = 0; i < results.size(); ++i) results[i].outcome = std::move(outcomes[i]);
                        done(std::move(results));
                      });
}

void BrokerImpl::FetchOffsets(std::string group, std::vector<model::TopicPartition> partitions,
                              Callback<absl::StatusOr<std::vector<CommittedOffset>>> done) {
  FetchGroupOffsets request{std::move(group), std::nullopt};
  if (!partitions.empty()) request.partitions = std::move(partitions);
  const bool named = !request.group.empty();
  std::vector<FetchGroupOffsets> requests;
  requests.push_back(std::move(request));
  groups_face_.FetchOffsets(std::move(requests), StableOffsets::kAsTheyAre,
                            [this, named, done = std::move(done)](std::vector<GroupOffsets> groups) mutable {
                              if (!named) {
                                done(InvalidArgument("expected a group id of 1 to 255 bytes, got none"));
                                return;
                              }
                              if (!groups[0].outcome.ok()) {
                                const Outcome& outcome = serves() ? groups[0].outcome : shards_[0]->Refusal();
                                done(model::WithCode(ToStatus(outcome), outcome.code));
                                return;
                              }
                              std::vector<CommittedOffset> offsets;
                              for (GroupOffset& offset : groups[0].offsets) {
                                offsets.push_back({std::move(offset.partition), offset.offset,
                                                   std::move(offset.metadata), offset.commit_time_ms});
                              }
                              done(std::move(offsets));
                            });
}

void BrokerImpl::ListGroups(Callback<std::vector<std::string>> done) {
  groups_face_.List([done = std::move(done)](absl::StatusOr<std::vector<group::GroupListing>> groups) mutable {
    std::vector<std::string> names;
    if (groups.ok()) {
      for (group::GroupListing& listing : *groups) names.push_back(std::move(listing.group));
    }
    done(std::move(names));
  });
}

void BrokerImpl::ForgetGroup(const std::string& group, Callback<absl::Status> done) {
  groups_->ForgetGroup(group, std::move(done));
}

}  // namespace leat::broker
