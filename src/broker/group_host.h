// The groups that this node coordinates: those whose partition of the offsets topic it leads. Lives on shard 0.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/led_coordinators.h"
#include "coordinator/group_coordinator.h"

namespace leat::broker {

class BrokerImpl;

class GroupHost {
 public:
  // `broker` owns this.
  explicit GroupHost(BrokerImpl& broker);

  // After every change of who leads; see LedCoordinators.
  absl::Status Follow() { return led_.Follow(); }
  void Close(env::Closure closed) { led_.Close(std::move(closed)); }

  struct Served {
    coordinator::GroupCoordinator* groups = nullptr;  // null: `refusal` says why
    Outcome refusal;
  };
  Served Of(std::string_view group) const;

  // Of all groups that are coordinated here, by name.
  std::vector<group::GroupListing> List() const;
  std::vector<std::string> Groups() const;                                     // that have committed offsets
  const group::OffsetStore::GroupOffsets* Find(std::string_view group) const;  // null: none
  void ForgetTopic(std::string_view topic);
  void ForgetGroup(std::string_view group, Callback<absl::Status> done);
  // The producer's marker is committed in this partition of the offsets topic. To be called before anybody is told.
  // Who is not served here yet learns of it from the log.
  void CompleteTxn(model::PartitionId partition, model::ProducerId producer, group::TxnResult result);

 private:
  absl::StatusOr<std::unique_ptr<coordinator::GroupCoordinator>> Load(const LedPartition& partition);

  BrokerImpl& broker_;
  LedCoordinators<coordinator::GroupCoordinator> led_;
};

}  // namespace leat::broker
