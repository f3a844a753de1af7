// What brokers ask the active controller, and what it answers.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/status.h"
#include "meta/broker_sessions.h"
#include "meta/command.h"
#include "meta/partition_commands.h"
#include "model/uuid.h"

namespace leat::coordinator {

// A broker's process introduces itself.
struct RegisterRequest {
  meta::RegisterBroker command;
  friend bool operator==(const RegisterRequest&, const RegisterRequest&) = default;
};
struct RegisterReply {
  int64_t broker_epoch = -1;
  friend bool operator==(const RegisterReply&, const RegisterReply&) = default;
};

struct HeartbeatRequest {
  meta::Heartbeat heartbeat;
  friend bool operator==(const HeartbeatRequest&, const HeartbeatRequest&) = default;
};
struct HeartbeatReply {
  meta::HeartbeatAnswer answer;
  friend bool operator==(const HeartbeatReply&, const HeartbeatReply&) = default;
};

// A leader wants other in-sync sets. An attempt is refused unless it is above the last one of its partition and leader
// epoch; what was seen is remembered for as long as the controller is the active one, and `controller_epoch` says whom
// the request is for.
struct AlterPartitionsRequest {
  struct Item {
    meta::AlterPartition command;  // all of one broker and broker epoch
    int64_t attempt = 0;
    friend bool operator==(const Item&, const Item&) = default;
  };
  int32_t controller_epoch = 0;
  std::vector<Item> items;
  friend bool operator==(const AlterPartitionsRequest&, const AlterPartitionsRequest&) = default;
};
struct AlterPartitionsReply {
  struct Result {
    absl::Status status;
    meta::Partition state;  // as it is then, if OK
    friend bool operator==(const Result&, const Result&) = default;
  };
  std::vector<Result> results;  // of each item
  friend bool operator==(const AlterPartitionsReply&, const AlterPartitionsReply&) = default;
};

// Changes that somebody asked a broker for. The same request (client and sequence) is carried out once by the
// controller of one epoch, however often it arrives.
struct ChangeRequest {
  int32_t controller_epoch = 0;
  model::Uuid client;
  int64_t sequence = 0;
  meta::ChangeMode mode = meta::ChangeMode::kApply;
  std::vector<meta::Command> commands;
  friend bool operator==(const ChangeRequest&, const ChangeRequest&) = default;
};
struct ChangeReply {
  std::vector<meta::CommandResult> results;  // of each command
  friend bool operator==(const ChangeReply&, const ChangeReply&) = default;
};

using ControllerRequest = std::variant<RegisterRequest, HeartbeatRequest, AlterPartitionsRequest, ChangeRequest>;

struct ControllerReply {
  // Of the whole request; then there is no body. NOT_CONTROLLER: nothing was done, another node is to be asked.
  // STALE_CONTROLLER_EPOCH: nothing was done, the request is for another epoch than `controller_epoch`.
  absl::Status status;
  meta::NodeId leader = meta::kNobody;  // with NOT_CONTROLLER, if it is known
  int32_t controller_epoch = 0;         // of who answers
  model::Offset end{0};                 // of the metadata log: what the answer says is below it
  std::variant<std::monostate, RegisterReply, HeartbeatReply, AlterPartitionsReply, ChangeReply> body;
  friend bool operator==(const ControllerReply&, const ControllerReply&) = default;
};

// Commands in one request.
inline constexpr size_t kMostCommands = 20'000;
// In-sync sets in one request.
inline constexpr size_t kMostAlterPartitions = 20'000;

}  // namespace leat::coordinator
