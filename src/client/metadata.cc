#include "client/metadata.h"

#include "leat/v1/admin.grpc.pb.h"
#include "leat/v1/log.grpc.pb.h"

namespace leat::client {
namespace {

std::string NameOf(const TopicPartition& partition) { return StrCat(partition.topic, "-", partition.partition); }

absl::Status Short(size_t expected, int got) {
  return Internal("expected the broker's answer for ", expected, " partitions, got ", got);
}

}  // namespace

absl::StatusOr<int32_t> PartitionCount(Connection::Impl& connection, const std::string& topic) {
  v1::TopicNames request;
  request.add_names(topic);
  v1::DescribeTopicsResponse response;
  const auto stub = v1::Admin::NewStub(connection.channel);
  LEAT_RETURN_IF_ERROR(connection.Invoke(Repeat::kSafe, [&](::grpc::ClientContext* context) {
    response.Clear();
    return stub->DescribeTopics(context, request, &response);
  }));
  if (response.topics_size() != 1) return Short(1, response.topics_size());
  LEAT_RETURN_IF_ERROR(FromOutcome(response.topics(0).outcome(), StrCat("topic ", topic)));
  if (response.topics(0).partitions().empty()) return Unavailable("topic ", topic, " has no partitions yet");
  return response.topics(0).partitions_size();
}

absl::StatusOr<std::vector<int64_t>> ListOffsets(Connection::Impl& connection,
                                                 const std::vector<TopicPartition>& partitions, OffsetSpec spec,
                                                 int64_t timestamp_ms) {
  v1::ListOffsetsRequest request;
  for (const TopicPartition& partition : partitions) {
    auto* to = request.add_partitions();
    to->set_topic(partition.topic);
    to->set_partition(partition.partition);
    switch (spec) {
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
    to->set_timestamp_ms(timestamp_ms);
  }
  v1::ListOffsetsResponse response;
  const auto stub = v1::Log::NewStub(connection.channel);
  LEAT_RETURN_IF_ERROR(connection.Invoke(Repeat::kSafe, [&](::grpc::ClientContext* context) {
    response.Clear();
    return stub->ListOffsets(context, request, &response);
  }));
  std::map<TopicPartition, int64_t> found;
  for (const auto& result : response.partitions()) {
    const TopicPartition partition{result.topic(), result.partition()};
    LEAT_RETURN_IF_ERROR(FromOutcome(result.outcome(), NameOf(partition)));
    found[partition] = result.offset();
  }
  std::vector<int64_t> offsets;
  for (const TopicPartition& partition : partitions) {
    const auto it = found.find(partition);
    if (it == found.end()) return Short(partitions.size(), response.partitions_size());
    offsets.push_back(it->second);
  }
  return offsets;
}

absl::StatusOr<std::vector<int64_t>> CommittedOffsets(Connection::Impl& connection, const std::string& group,
                                                      const std::vector<TopicPartition>& partitions) {
  v1::FetchOffsetsRequest request;
  request.set_group(group);
  for (const TopicPartition& partition : partitions) {
    auto* to = request.add_partitions();
    to->set_topic(partition.topic);
    to->set_partition(partition.partition);
  }
  v1::FetchOffsetsResponse response;
  const auto stub = v1::Admin::NewStub(connection.channel);
  LEAT_RETURN_IF_ERROR(connection.Invoke(Repeat::kSafe, [&](::grpc::ClientContext* context) {
    response.Clear();
    return stub->FetchOffsets(context, request, &response);
  }));
  std::map<TopicPartition, int64_t> found;
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
  v1::CommitOffsetsResponse response;
  const auto stub = v1::Admin::NewStub(connection.channel);
  LEAT_RETURN_IF_ERROR(connection.Invoke(Repeat::kSafe, [&](::grpc::ClientContext* context) {
    response.Clear();
    return stub->CommitOffsets(context, request, &response);
  }));
  for (const auto& result : response.results()) {
    LEAT_RETURN_IF_ERROR(
        FromOutcome(result.outcome(), StrCat("commit of ", NameOf({result.topic(), result.partition()}))));
  }
  return absl::OkStatus();
}

}  // namespace leat::client
