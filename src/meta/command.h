// Everything that somebody may ask to be changed in the metadata, as one type: a broker sends it to the controller,
// which decides it here. What brokers ask for themselves (registrations, heartbeats, in-sync sets) has requests of its
// own, because their answers depend on more than the image.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "meta/brokers.h"
#include "meta/commands.h"
#include "meta/image.h"
#include "meta/partition_commands.h"
#include "meta/policy.h"

namespace leat::meta {

struct SetJobDesired {
  std::string name;
  DesiredState desired = DesiredState::kRunning;
  friend bool operator==(const SetJobDesired&, const SetJobDesired&) = default;
};
struct DeleteJobCommand {
  std::string name;
  friend bool operator==(const DeleteJobCommand&, const DeleteJobCommand&) = default;
};
struct ReserveIds {
  int64_t count = 0;
  friend bool operator==(const ReserveIds&, const ReserveIds&) = default;
};
struct Unregister {
  NodeId broker;
  friend bool operator==(const Unregister&, const Unregister&) = default;
};
// Begins to move a broker's copies away, or stops that. The controller goes on with it as reassignments end.
struct Drain {
  NodeId broker;
  enum class Wish : uint8_t { kStart, kStop } wish = Wish::kStart;
  friend bool operator==(const Drain&, const Drain&) = default;
};
struct RaiseLevel {
  int32_t level = 0;
  friend bool operator==(const RaiseLevel&, const RaiseLevel&) = default;
};

using Command = std::variant<CreateTopic, DeleteTopic, AlterTopic, SubmitJob, SetJobDesired, DeleteJobCommand,
                             ReserveIds, ElectLeader, Reassign, AlterBrokerConfigs, Unregister, Drain, RaiseLevel,
                             GiveUpLeadership, UpgradeJob>;

// Partitions of a draining broker that one decision moves; the controller makes the others later.
inline constexpr size_t kDrainedAtOnce = 200;
// Producer ids that one command may reserve.
inline constexpr int64_t kMostProducerIds = 1'000'000;

absl::StatusOr<Records> Decide(const Image& image, const Command& command, const Policy& policy, Random& random);

// What became of one command.
struct CommandResult {
  absl::Status status;
  // Of the topic that it was about: as it is then, or was if it is gone.
  TopicId topic;
  int32_t partitions = 0;
  int32_t replication_factor = 0;
  Configs configs{};
  int64_t producer_ids_begin = -1;  // ReserveIds: the first of those that are the asker's now
  friend bool operator==(const CommandResult&, const CommandResult&) = default;
};
enum class ChangeMode : uint8_t {
  kApply,
  kValidate,  // the results are those that there would be; no records
};
struct Decisions {
  Records records;
  std::vector<CommandResult> results;  // of each command
};
// Decides them one after the other, each against the image that those before it make; one that is refused leaves
// nothing behind, and the others go on. `in_force`: the last image that is committed, of which `image` is what comes
// next; a topic that is there and gone from `image` is being deleted, and its name is not free yet. Null: `image`
// itself.
Decisions DecideEach(const Image& image, const std::vector<Command>& commands, ChangeMode mode, const Policy& policy,
                     Random& random, const Image* in_force = nullptr);

}  // namespace leat::meta
