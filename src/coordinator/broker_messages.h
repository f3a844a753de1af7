// What one broker asks another to do, and its answer, as bytes (proto/leat/internal/broker.proto). Any thread.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/status.h"
#include "log/producer_state.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "model/uuid.h"
#include "txn/core.h"

namespace leat::coordinator {

// To the leader of the partition: append the marker, and answer once it is committed.
struct MarkerMessage {
  model::TopicPartition partition;
  log::ProducerState::Marker marker;
};
// To the coordinator of the transactional id: does the partition belong to the open transaction? With the rules of
// kEpochPerTransaction it is added if it does not yet.
struct CheckMessage {
  txn::Identity producer;
  model::TopicPartition partition;
  txn::Version version = txn::Version::kClassic;
};
// To the leader of the controllers' quorum: an operator wants this node to vote, or to vote no more. Answered when the
// new set of voters is committed. A zero directory: of the node's disk as it is known there.
struct VoterMessage {
  enum class Change : uint8_t { kAdd, kRemove };
  Change change = Change::kAdd;
  model::NodeId node;
  model::Uuid directory;
};
using BrokerMessage = std::variant<MarkerMessage, CheckMessage, VoterMessage>;

struct BrokerAnswer {
  model::ErrorCode code = model::ErrorCode::kNone;
  std::string message;
};

std::string EncodeBrokerMessage(const BrokerMessage& message);
std::string EncodeBrokerAnswer(const BrokerAnswer& answer);
// kInvalidArgument: not a message, or a number in it cannot be meant. kUnimplemented: a kind that this program does not
// know (from a newer one).
absl::StatusOr<BrokerMessage> DecodeBrokerMessage(std::string_view bytes);
absl::StatusOr<BrokerAnswer> DecodeBrokerAnswer(std::string_view bytes);

}  // namespace leat::coordinator
