#include "client/metadata.h"

#include <algorithm>
#include <set>

#include "client/clock.h"
#include "client/routing.h"
#include "leat/v1/admin.grpc.pb.h"
#include "leat/v1/log.grpc.pb.h"

namespace leat::client {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Milliseconds(500);

std::string NameOf(const TopicPartition& partition) { return StrCat(partition.topic, "-", partition.partition); }

absl::Status Short(size_t expected, int got) {
  return Internal("expected the broker's answer for ", expected, " partitions, got ", got);
}

}  // namespace

absl::StatusOr<int32_t> PartitionCount(Connection::Impl& connection, const std::string& topic) {
  v1::TopicNames request;
  request.add_names(topic);
  v1::DescribeTopicsResponse response;
  LEAT_RETURN_IF_ERROR(connection.Invoke(Repeat::kSafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
    response.Clear();
    return v1::Admin::NewStub(channel)->DescribeTopics(context, request, &response);
  }));
  if (response.topics_size() != 1) return Short(1, response.topics_size());
  LEAT_RETURN_IF_ERROR(FromOutcome(response.topics(0).outcome(), StrCat("topic ", topic)));
  if (response.topics(0).partitions().empty()) return Unavailable("topic ", topic, " has no partitions yet");
  connection.Learn(response);
  return response.topics(0).partitions_size();
}

namespace {

using Found = std::map<TopicPartition, int64_t>;

v1::ListOffsetsRequest RequestOf(const std::vector<TopicPartition>& partitions, const OffsetQuery& query) {
  v1::ListOffsetsRequest request;
  if (query.isolation == ConsumerOptions::Isolation::kReadCommitted) request.set_isolation(v1::READ_COMMITTED);
  for (const TopicPartition& partition : partitions) {
    auto* to = request.add_partitions();
    to->set_topic(partition.topic);
    to->set_partition(partition.partition);
    switch (query.spec) {
      case OffsetSpec::kEarliest:
        to->set_spec(v1::ListOffsetsRequest::EARLIEST);
        break;
      case OffsetSpec::kLatest:
        to->set_spec(v1::ListOffsetsRequest::LATEST);
        break;
      case OffsetSpec::kTimestamp:
        to->set_spec(v1::ListOffsetsRequest::TIMESTAMP);
        break;
    }
    to->set_timestamp_ms(query.timestamp_ms);
  }
  return request;
}

// Of partitions that one broker leads; those for which it is, or has become, the wrong one are left out.
absl::StatusOr<Found> ListAt(Connection::Impl& connection, const std::string& address,
                             const v1::ListOffsetsRequest& request) {
  v1::ListOffsetsResponse response;
  LEAT_RETURN_IF_ERROR(
      connection.InvokeAt(address, Repeat::kSafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
        response.Clear();
        return v1::Log::NewStub(channel)->ListOffsets(context, request, &response);
      }));
  Found found;
  for (const auto& result : response.partitions()) {
    const TopicPartition partition{result.topic(), result.partition()};
    if (AskedTheWrongBroker(static_cast<model::ErrorCode>(result.outcome().code()))) continue;
    LEAT_RETURN_IF_ERROR(FromOutcome(result.outcome(), NameOf(partition)));
    found[partition] = result.offset();
  }
  return found;
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> ListOffsets(Connection::Impl& connection,
                                                 const std::vector<TopicPartition>& partitions,
                                                 const OffsetQuery& query) {
  const Instant deadline = MonotonicNow() + connection.options.request_timeout;
  Found found;
  for (absl::Duration pause = kFirstPause; found.size() < std::set(partitions.begin(), partitions.end()).size();
       pause = std::min(pause * 2, kLongestPause)) {
    std::map<std::string, std::vector<TopicPartition>> by_leader;
    std::set<std::string> topics;
    for (const TopicPartition& partition : partitions) {
      if (!found.contains(partition)) by_leader[connection.LeaderOf(partition)].push_back(partition);
    }
    absl::Status failure;
    for (const auto& [address, some] : by_leader) {
      const absl::StatusOr<Found> here = ListAt(connection, address, RequestOf(some, query));
      if (here.ok()) {
        found.insert(here->begin(), here->end());
      } else if (absl::IsUnavailable(here.status())) {
        failure = here.status();
      } else {
        return here.status();
      }
      for (const TopicPartition& partition : some) {
        if (!found.contains(partition)) topics.insert(partition.topic);
      }
    }
    if (topics.empty()) break;
    if (MonotonicNow() + pause >= deadline) {
      return failure.ok() ? Unavailable("no broker leads all of ", *topics.begin(), " now: try again") : failure;
    }
    connection.Pause(pause);
    LEAT_RETURN_IF_ERROR(RefreshLeaders(connection, {topics.begin(), topics.end()}));
  }
  std::vector<int64_t> offsets;
  for (const TopicPartition& partition : partitions) offsets.push_back(found.at(partition));
  return offsets;
}

absl::StatusOr<v1::FetchOffsetsResponse> FetchGroupOffsets(Connection::Impl& connection, const std::string& group,
                                                           const std::vector<TopicPartition>& partitions) {
  v1::FetchOffsetsRequest request;
  request.set_group(group);
  for (const TopicPartition& partition : partitions) {
    auto* to = request.add_partitions();
    to->set_topic(partition.topic);
    to->set_partition(partition.partition);
  }
  v1::FetchOffsetsResponse response;
  const auto ask = [&](const std::string& address) -> absl::StatusOr<v1::Outcome> {
    LEAT_RETURN_IF_ERROR(
        connection.InvokeAt(address, Repeat::kSafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
          response.Clear();
          return v1::Admin::NewStub(channel)->FetchOffsets(context, request, &response);
        }));
    return v1::Outcome();
  };
  LEAT_RETURN_IF_ERROR(AskCoordinator(connection, {.name = group}, ask, StrCat("group ", group)));
  return response;
}

absl::StatusOr<std::vector<int64_t>> CommittedOffsets(Connection::Impl& connection, const std::string& group,
                                                      const std::vector<TopicPartition>& partitions) {
  LEAT_ASSIGN_OR_RETURN(const v1::FetchOffsetsResponse response, FetchGroupOffsets(connection, group, partitions));
  Found found;
  for (const auto& offset : response.offsets()) found[{offset.topic(), offset.partition()}] = offset.offset();
  std::vector<int64_t> offsets;
  for (const TopicPartition& partition : partitions) {
    const auto it = found.find(partition);
    offsets.push_back(it == found.end() ? -1 : it->second);
  }
  return offsets;
}

absl::Status CommitOffsets(Connection::Impl& connection, const std::string& group,
                           const std::vector<std::pair<TopicPartition, int64_t>>& offsets) {
  v1::CommitOffsetsRequest request;
  request.set_group(group);
  for (const auto& [partition, offset] : offsets) {
    auto* to = request.add_offsets();
    to->set_topic(partition.topic);
    to->set_partition(partition.partition);
    to->set_offset(offset);
  }
  const auto ask = [&](const std::string& address) -> absl::StatusOr<v1::Outcome> {
    v1::CommitOffsetsResponse response;
    LEAT_RETURN_IF_ERROR(
        connection.InvokeAt(address, Repeat::kSafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
          response.Clear();
          return v1::Admin::NewStub(channel)->CommitOffsets(context, request, &response);
        }));
    for (const auto& result : response.results()) {
      if (result.outcome().code() == 0) continue;
      v1::Outcome outcome = result.outcome();
      outcome.set_message(StrCat(NameOf({result.topic(), result.partition()}), ": ", outcome.message()));
      return outcome;
    }
    return v1::Outcome();
  };
  return AskCoordinator(connection, {.name = group}, ask, "commit");
}

}  // namespace leat::client
