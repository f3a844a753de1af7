// Calls that have to come to one certain broker: the leader of a partition, the coordinator of a group or of a
// transactional id. Who that is is asked when nobody has said yet, and again when the broker that was asked says that
// it is not, or does not answer; until the request timeout.
#pragma once

#include <absl/functional/function_ref.h>

#include <string>
#include <string_view>
#include <vector>

#include "client/connection.h"
#include "leat/v1/common.pb.h"

namespace leat::client {

// Makes the call at the broker with this address (Connection::Impl::InvokeAt), and gives its outcome.
using CallAt = absl::FunctionRef<absl::StatusOr<v1::Outcome>(const std::string& address)>;

// `what` begins the messages of errors.
absl::Status AskLeader(Connection::Impl& connection, const TopicPartition& partition, CallAt call,
                       std::string_view what);
// Asks the brokers who leads the partitions of these topics; Connection::Impl::LeaderOf knows then.
absl::Status RefreshLeaders(Connection::Impl& connection, const std::vector<std::string>& topics);

enum class Coordinates { kGroup, kTransaction };
// The coordinator's address; empty: any broker, because there is one only. kUnavailable: there is none now.
absl::StatusOr<std::string> FindCoordinator(Connection::Impl& connection, Coordinates what, const std::string& name);
struct Coordinated {
  Coordinates kind = Coordinates::kGroup;
  std::string name;
  Repeat repeat = Repeat::kSafe;
};
absl::Status AskCoordinator(Connection::Impl& connection, const Coordinated& asked, CallAt call, std::string_view what);

}  // namespace leat::client
