#include "leat/client/admin.h"

#include <utility>

#include "client/connection.h"
#include "client/metadata.h"
#include "client/routing.h"
#include "leat/v1/admin.grpc.pb.h"
#include "leat/v1/log.grpc.pb.h"

namespace leat::client {
namespace {

// One call of the Admin service.
template <typename Request, typename Response>
absl::StatusOr<Response> Ask(Connection& connection, Repeat repeat, const Request& request,
                             ::grpc::Status (v1::Admin::Stub::*method)(::grpc::ClientContext*, const Request&,
                                                                       Response*)) {
  Response response;
  LEAT_RETURN_IF_ERROR(connection.impl().Invoke(repeat, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
    response.Clear();
    return (v1::Admin::NewStub(channel).get()->*method)(context, request, &response);
  }));
  return response;
}

absl::Status OneOutcome(const absl::StatusOr<v1::TopicResults>& results, const std::string& name) {
  LEAT_RETURN_IF_ERROR(results.status());
  if (results->topics_size() != 1) {
    return Internal("topic ", name, ": expected one answer from the broker, got ", results->topics_size());
  }
  return FromOutcome(results->topics(0).outcome(), StrCat("topic ", name));
}

using Ids = google::protobuf::RepeatedField<int32_t>;
std::vector<int32_t> ListOf(const Ids& ids) { return {ids.begin(), ids.end()}; }

PartitionInfo PartitionOf(const v1::PartitionDescription& from) {
  PartitionInfo to;
  to.partition = from.partition();
  to.leader = from.leader();
  to.begin_offset = from.log_start_offset();
  to.end_offset = from.high_watermark();
  to.size_bytes = from.size_bytes();
  to.segments = from.segments();
  if (from.outcome().code() != 0) to.error = StrCat(from.outcome().name(), ": ", from.outcome().message());
  to.leader_epoch = from.leader_epoch();
  to.replicas = ListOf(from.replicas());
  to.isr = ListOf(from.isr());
  to.eligible = ListOf(from.eligible());
  to.offline = ListOf(from.offline());
  to.adding = ListOf(from.adding());
  to.removing = ListOf(from.removing());
  return to;
}

TopicInfo TopicOf(const v1::TopicDescription& from) {
  TopicInfo topic{.name = from.name(), .id = from.id(), .internal = from.internal()};
  for (const v1::PartitionDescription& part : from.partitions()) topic.partitions.push_back(PartitionOf(part));
  for (const v1::ConfigEntry& config : from.configs()) {
    topic.configs[config.name()] = {config.value(), config.is_default()};
  }
  return topic;
}

// The broker that was asked knows the offsets of its own copies only; the leaders know the others. Where one does not
// answer, they stay unknown.
void FillOffsets(Connection::Impl& connection, TopicInfo* topic) {
  std::vector<TopicPartition> unknown;
  for (const PartitionInfo& partition : topic->partitions) {
    if (partition.begin_offset < 0 && partition.leader >= 0) unknown.push_back({topic->name, partition.partition});
  }
  if (unknown.empty()) return;
  const auto begins = ListOffsets(connection, unknown, {OffsetSpec::kEarliest});
  const auto ends = ListOffsets(connection, unknown, {OffsetSpec::kLatest});
  for (size_t i = 0; i < unknown.size() && begins.ok() && ends.ok(); ++i) {
    PartitionInfo& partition = topic->partitions.at(static_cast<size_t>(unknown[i].partition));
    partition.begin_offset = begins->at(i);
    partition.end_offset = ends->at(i);
  }
}

absl::Status CheckTopicName(const std::string& name) {
  // No name at all would mean every topic to the broker.
  return name.empty() ? InvalidArgument("topic: expected a name, got none") : absl::OkStatus();
}

}  // namespace

Admin::Admin(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
Admin::~Admin() = default;

absl::Status Admin::CreateTopic(const TopicSpec& spec) {
  LEAT_RETURN_IF_ERROR(CheckTopicName(spec.name));
  v1::CreateTopicsRequest request;
  v1::NewTopic* topic = request.add_topics();
  topic->set_name(spec.name);
  topic->set_partitions(spec.partitions);
  topic->mutable_configs()->insert(spec.configs.begin(), spec.configs.end());
  topic->set_replication_factor(spec.replication_factor);
  for (const std::vector<int32_t>& replicas : spec.assignments) {
    topic->add_assignments()->mutable_replicas()->Add(replicas.begin(), replicas.end());
  }
  return OneOutcome(Ask(*connection_, Repeat::kUnsafe, request, &v1::Admin::Stub::CreateTopics), spec.name);
}

absl::Status Admin::DeleteTopic(const std::string& name) {
  LEAT_RETURN_IF_ERROR(CheckTopicName(name));
  v1::TopicNames request;
  request.add_names(name);
  return OneOutcome(Ask(*connection_, Repeat::kUnsafe, request, &v1::Admin::Stub::DeleteTopics), name);
}

absl::StatusOr<std::vector<TopicInfo>> Admin::ListTopics() {
  LEAT_ASSIGN_OR_RETURN(const v1::DescribeTopicsResponse response,
                        Ask(*connection_, Repeat::kSafe, v1::TopicNames(), &v1::Admin::Stub::DescribeTopics));
  connection_->impl().Learn(response);
  std::vector<TopicInfo> topics;
  for (const v1::TopicDescription& topic : response.topics()) {
    FillOffsets(connection_->impl(), &topics.emplace_back(TopicOf(topic)));
  }
  return topics;
}

absl::StatusOr<TopicInfo> Admin::DescribeTopic(const std::string& name) {
  LEAT_RETURN_IF_ERROR(CheckTopicName(name));
  v1::TopicNames request;
  request.add_names(name);
  LEAT_ASSIGN_OR_RETURN(const v1::DescribeTopicsResponse response,
                        Ask(*connection_, Repeat::kSafe, request, &v1::Admin::Stub::DescribeTopics));
  if (response.topics_size() != 1) {
    return Internal("topic ", name, ": expected one answer from the broker, got ", response.topics_size());
  }
  LEAT_RETURN_IF_ERROR(FromOutcome(response.topics(0).outcome(), StrCat("topic ", name)));
  connection_->impl().Learn(response);
  TopicInfo topic = TopicOf(response.topics(0));
  FillOffsets(connection_->impl(), &topic);
  return topic;
}

absl::Status Admin::AlterTopic(const std::string& name, const std::map<std::string, std::string>& set,
                               const std::vector<std::string>& remove, int32_t partitions) {
  LEAT_RETURN_IF_ERROR(CheckTopicName(name));
  v1::AlterTopicsRequest request;
  v1::AlterTopic* topic = request.add_topics();
  topic->set_name(name);
  topic->mutable_set()->insert(set.begin(), set.end());
  for (const std::string& config : remove) topic->add_remove(config);
  topic->set_partitions(partitions);
  return OneOutcome(Ask(*connection_, Repeat::kUnsafe, request, &v1::Admin::Stub::AlterTopics), name);
}

absl::StatusOr<int64_t> Admin::DeleteRecords(const TopicPartition& partition, int64_t before_offset) {
  v1::DeleteRecordsRequest request;
  auto* to = request.add_partitions();
  to->set_topic(partition.topic);
  to->set_partition(partition.partition);
  to->set_before_offset(before_offset);
  const std::string what = StrCat("delete records of ", partition.topic, "-", partition.partition);
  int64_t begin = -1;
  const absl::Status done = AskLeader(
      connection_->impl(), partition,
      [&](const std::string& address) -> absl::StatusOr<v1::Outcome> {
        v1::DeleteRecordsResponse response;
        LEAT_RETURN_IF_ERROR(connection_->impl().InvokeAt(
            address, Repeat::kSafe, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
              response.Clear();
              return v1::Log::NewStub(channel)->DeleteRecords(context, request, &response);
            }));
        if (response.partitions_size() != 1) {
          return Internal(what, ": expected one answer, got ", response.partitions_size());
        }
        begin = response.partitions(0).log_start_offset();
        return response.partitions(0).outcome();
      },
      what);
  LEAT_RETURN_IF_ERROR(done);
  return begin;
}

absl::StatusOr<std::vector<std::string>> Admin::ListGroups() {
  LEAT_ASSIGN_OR_RETURN(const v1::ListGroupsResponse response,
                        Ask(*connection_, Repeat::kSafe, v1::ListGroupsRequest(), &v1::Admin::Stub::ListGroups));
  return std::vector<std::string>(response.groups().begin(), response.groups().end());
}

absl::StatusOr<std::vector<CommittedOffset>> Admin::GroupOffsets(const std::string& group) {
  LEAT_ASSIGN_OR_RETURN(const v1::FetchOffsetsResponse response, FetchGroupOffsets(connection_->impl(), group, {}));
  std::vector<CommittedOffset> offsets;
  for (const v1::CommittedOffset& from : response.offsets()) {
    offsets.push_back({{from.topic(), from.partition()}, from.offset(), from.metadata()});
  }
  return offsets;
}

absl::Status Admin::CommitGroupOffset(const std::string& group, const TopicPartition& partition, int64_t offset) {
  return CommitOffsets(connection_->impl(), group, {{partition, offset}});
}

absl::StatusOr<std::vector<GroupLag>> Admin::Lag(const std::string& group) {
  v1::DescribeLagRequest request;
  request.set_group(group);
  LEAT_ASSIGN_OR_RETURN(const v1::DescribeLagResponse response,
                        Ask(*connection_, Repeat::kSafe, request, &v1::Admin::Stub::DescribeLag));
  std::vector<GroupLag> lags;
  for (const v1::GroupLag& from : response.lags()) {
    lags.push_back({.group = from.group(),
                    .partition = {from.topic(), from.partition()},
                    .committed = from.committed(),
                    .end_offset = from.high_watermark(),
                    .lag_records = from.lag_records(),
                    .lag_seconds = from.lag_seconds(),
                    .status = from.status()});
  }
  return lags;
}

}  // namespace leat::client
