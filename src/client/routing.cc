#include "client/routing.h"

#include <algorithm>

#include "client/clock.h"
#include "leat/v1/admin.grpc.pb.h"

namespace leat::client {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Milliseconds(500);

using Look = absl::FunctionRef<absl::StatusOr<std::string>(bool again)>;  // finds the broker's address

// Calls until the outcome is one of the right broker, or the time is over.
absl::Status AskUntilRight(Connection::Impl& connection, Repeat repeat, Look look, CallAt call, std::string_view what) {
  const Instant deadline = MonotonicNow() + connection.options.request_timeout;
  absl::Duration pause = kFirstPause;
  for (bool again = false;; again = true) {
    const absl::StatusOr<std::string> address = look(again);
    absl::Status status = address.status();
    if (address.ok()) {
      const absl::StatusOr<v1::Outcome> outcome = call(*address);
      if (!outcome.ok() && repeat == Repeat::kUnsafe) return outcome.status();
      status = outcome.ok() ? FromOutcome(*outcome, what) : outcome.status();
      if (outcome.ok() && !AskedTheWrongBroker(static_cast<model::ErrorCode>(outcome->code()))) return status;
    }
    if (!absl::IsUnavailable(status) || MonotonicNow() + pause >= deadline) return status;
    connection.Pause(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

}  // namespace

absl::Status RefreshLeaders(Connection::Impl& connection, const std::vector<std::string>& topics) {
  v1::TopicNames request;
  for (const std::string& topic : topics) request.add_names(topic);
  v1::DescribeTopicsResponse response;
  LEAT_RETURN_IF_ERROR(connection.Invoke(Repeat::kSafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
    response.Clear();
    return v1::Admin::NewStub(channel)->DescribeTopics(context, request, &response);
  }));
  connection.Learn(response);
  return absl::OkStatus();
}

absl::Status AskLeader(Connection::Impl& connection, const TopicPartition& partition, CallAt call,
                       std::string_view what) {
  bool known = !connection.LeaderOf(partition).empty();
  const auto look = [&](bool again) -> absl::StatusOr<std::string> {
    if (again || !known) LEAT_RETURN_IF_ERROR(RefreshLeaders(connection, {partition.topic}));
    known = true;
    return connection.LeaderOf(partition);
  };
  return AskUntilRight(connection, Repeat::kSafe, look, call, what);
}

absl::StatusOr<std::string> FindCoordinator(Connection::Impl& connection, Coordinates what, const std::string& name) {
  v1::FindCoordinatorRequest request;
  request.set_kind(what == Coordinates::kGroup ? v1::FindCoordinatorRequest::GROUP
                                               : v1::FindCoordinatorRequest::TRANSACTION);
  request.set_name(name);
  v1::FindCoordinatorResponse response;
  LEAT_RETURN_IF_ERROR(connection.Invoke(Repeat::kSafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
    response.Clear();
    return v1::Admin::NewStub(channel)->FindCoordinator(context, request, &response);
  }));
  LEAT_RETURN_IF_ERROR(FromOutcome(response.outcome(), StrCat("coordinator of '", name, "'")));
  return response.grpc();
}

absl::Status AskCoordinator(Connection::Impl& connection, const Coordinated& asked, CallAt call,
                            std::string_view what) {
  const auto look = [&](bool again) -> absl::StatusOr<std::string> {
    const std::string key = StrCat(asked.kind == Coordinates::kGroup ? "group " : "transaction ", asked.name);
    std::optional<std::string> address = again ? std::nullopt : connection.CoordinatorOf(key);
    if (!address) {
      LEAT_ASSIGN_OR_RETURN(address, FindCoordinator(connection, asked.kind, asked.name));
      connection.NoteCoordinator(key, *address);
    }
    return *address;
  };
  return AskUntilRight(connection, asked.repeat, look, call, what);
}

}  // namespace leat::client
