#include "broker/group_host.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "broker/broker_impl.h"
#include "broker/replica_append.h"
#include "group/offset_records.h"
#include "meta/commands.h"

namespace leat::broker {
namespace {

// Topics that were deleted while nobody coordinated the partition.
std::set<std::string> GoneTopics(const coordinator::GroupCoordinator& groups, const meta::Image& image) {
  std::set<std::string> gone;
  for (const std::string& name : groups.Groups()) {
    const group::OffsetStore::GroupOffsets* offsets = groups.Find(name);
    if (offsets == nullptr) continue;  // all of them pending
    for (const auto& [partition, value] : *offsets) {
      if (image.FindTopic(partition.topic) == nullptr) gone.insert(partition.topic);
    }
  }
  return gone;
}

}  // namespace

GroupHost::GroupHost(BrokerImpl& broker)
    : broker_(broker),
      led_(*broker.shards()[0], std::string(meta::kOffsetsTopic),
           [this](const LedPartition& partition) { return Load(partition); }) {}

absl::StatusOr<std::unique_ptr<coordinator::GroupCoordinator>> GroupHost::Load(const LedPartition& partition) {
  LEAT_ASSIGN_OR_RETURN(auto loaded,
                        coordinator::GroupCoordinator::Open(
                            {partition.log}, broker_.home(),
                            {.groups = broker_.options().groups,
                             .random_seed = broker_.NewSeed(),
                             .append = AppendsTo(*broker_.shards()[0], partition.name,
                                                 partition.replicated ? partition.epoch : model::LeaderEpoch(-1))}));
  if (partition.replicated) {
    for (const std::string& topic : GoneTopics(*loaded, *broker_.image())) loaded->ForgetTopic(topic);
  }
  return loaded;
}

GroupHost::Served GroupHost::Of(std::string_view group) const {
  if (led_.partitions() == 0) {
    return {nullptr, Failed(model::ErrorCode::kCoordinatorNotAvailable, "the broker is starting: try again")};
  }
  const model::PartitionId partition(group::PartitionForGroup(group, led_.partitions()));
  if (coordinator::GroupCoordinator* groups = led_.Find(partition)) return {groups, {}};
  return {nullptr, led_.Refusal(partition)};
}

std::vector<group::GroupListing> GroupHost::List() const {
  std::vector<group::GroupListing> all;
  led_.ForEach([&](const coordinator::GroupCoordinator& groups) {
    std::vector<group::GroupListing> some = groups.List();
    std::move(some.begin(), some.end(), std::back_inserter(all));
  });
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.group < b.group; });
  return all;
}

std::vector<std::string> GroupHost::Groups() const {
  std::vector<std::string> all;
  led_.ForEach([&](const coordinator::GroupCoordinator& groups) {
    std::vector<std::string> some = groups.Groups();
    std::move(some.begin(), some.end(), std::back_inserter(all));
  });
  std::sort(all.begin(), all.end());
  return all;
}

const group::OffsetStore::GroupOffsets* GroupHost::Find(std::string_view group) const {
  const Served served = Of(group);
  return served.groups == nullptr ? nullptr : served.groups->Find(group);
}

void GroupHost::ForgetTopic(std::string_view topic) {
  led_.ForEach([&](coordinator::GroupCoordinator& groups) { groups.ForgetTopic(topic); });
}

void GroupHost::ForgetGroup(std::string_view group, Callback<absl::Status> done) {
  const Served served = Of(group);
  if (served.groups == nullptr) return done(ToStatus(served.refusal));
  served.groups->ForgetGroup(group, std::move(done));
}

void GroupHost::CompleteTxn(model::PartitionId partition, model::ProducerId producer, group::TxnResult result) {
  if (coordinator::GroupCoordinator* groups = led_.Find(partition)) {
    groups->CompleteTxn(model::PartitionId(0), producer, result);
  }
}

}  // namespace leat::broker
