// Metadata (3) and DescribeCluster (60): the brokers, at the addresses of the listener that the client came in by, and
// the topics with who leads and copies their partitions.
#include <utility>

#include "kafka/admin_support.h"
#include "kafka/cluster_view.h"
#include "kafka/handlers.h"
#include "meta/commands.h"
#include "wire/messages/describe_cluster.h"
#include "wire/messages/metadata.h"

namespace leat::kafka {
namespace {

using model::ErrorCode;
using wire::DescribeClusterRequest;
using wire::DescribeClusterResponse;
using wire::MetadataRequest;
using wire::MetadataResponse;
using Topic = MetadataResponse::MetadataResponseTopic;

// Every operation that a client may do on the cluster: all of them, as nothing is forbidden here.
constexpr int32_t kClusterOperations = 0x1FA0;
constexpr int16_t kLookUpById = 12;
constexpr int16_t kListenerErrors = 6;  // from here on clients know LISTENER_NOT_FOUND

struct Describer {
  const ClusterView view;
  const int16_t version;
  const bool operations;  // the client wants to know what it may do

  const meta::Image& image() const { return view.image(); }

  void Fill(const meta::Topic& from, Topic* topic) const {
    topic->name = from.name;
    topic->topic_id = from.id;
    topic->is_internal = meta::IsReservedTopic(from.name);
    topic->partitions.reserve(static_cast<size_t>(from.partitions));
    for (int32_t i = 0; i < from.partitions; ++i) FillPartition(view.PartitionOf(from, i), i, topic);
    if (operations) topic->topic_authorized_operations = kTopicOperations;
  }

 private:
  void FillPartition(ClusterView::Partition from, int32_t index, Topic* topic) const {
    auto& partition = topic->partitions.emplace_back();
    const bool told = from.error != ErrorCode::kListenerNotFound || version >= kListenerErrors;
    partition.error_code = Code(told ? from.error : ErrorCode::kLeaderNotAvailable);
    partition.partition_index = index;
    partition.leader_id = from.leader;
    partition.leader_epoch = from.leader_epoch;
    partition.replica_nodes = std::move(from.replicas);
    partition.isr_nodes = std::move(from.isr);
    partition.offline_replicas = std::move(from.offline);
  }
};

// The answer while it is made: topics that must be created first are filled in last.
struct Lookup {
  MetadataResponse response;
  std::vector<size_t> missing;  // topics of the response
};

Topic& AddError(MetadataResponse* response, ErrorCode code) {
  Topic& topic = response->topics.emplace_back();
  topic.error_code = Code(code);
  return topic;
}

void LookUp(const Describer& describe, const MetadataRequest::MetadataRequestTopic& asked, bool create,
            Lookup* lookup) {
  MetadataResponse* const response = &lookup->response;
  if (asked.topic_id != model::TopicId{}) {
    const meta::TopicPtr topic = describe.image().FindTopic(asked.topic_id);
    if (topic != nullptr) return describe.Fill(*topic, &response->topics.emplace_back());
    Topic& unknown = AddError(response, ErrorCode::kUnknownTopicId);
    unknown.topic_id = asked.topic_id;
    unknown.name = std::nullopt;
    return;
  }
  const std::string name(*asked.name);
  if (const meta::TopicPtr topic = describe.image().FindTopic(name)) {
    return describe.Fill(*topic, &response->topics.emplace_back());
  }
  const bool valid = model::IsValidTopicName(name) && !meta::IsReservedTopic(name);
  if (valid && create) lookup->missing.push_back(response->topics.size());
  AddError(response, valid ? ErrorCode::kUnknownTopicOrPartition : ErrorCode::kInvalidTopic).name = name;
}

// Fills in the topics that have been made; on the call's shard.
void FillCreated(const Describer& describe, const std::vector<broker::TopicResult>& created, Lookup* lookup) {
  for (size_t i = 0; i < lookup->missing.size(); ++i) {
    Topic& topic = lookup->response.topics[lookup->missing[i]];
    if (const meta::TopicPtr made = describe.image().FindTopic(created[i].name)) {
      topic.error_code = 0;
      describe.Fill(*made, &topic);
    } else if (!created[i].outcome.ok()) {
      topic.error_code = Code(created[i].outcome.code);
    } else {
      topic.error_code = Code(ErrorCode::kLeaderNotAvailable);  // made, and gone again
    }
  }
}

void DescribeNodes(const ClusterView& view, const MetadataRequest& request, MetadataResponse* response) {
  for (ClusterView::Node& node : view.Nodes(ClusterView::Fenced::kLeaveOut)) {
    auto& broker = response->brokers.emplace_back();
    broker.node_id = node.id;
    broker.host = std::move(node.host);
    broker.port = node.port;
    broker.rack = std::move(node.rack);
  }
  response->cluster_id = view.image().cluster_id();
  response->controller_id = view.controller();
  if (request.include_cluster_authorized_operations) response->cluster_authorized_operations = kClusterOperations;
}

bool IsMalformed(const Call& call, const MetadataRequest& request) {
  if (!request.topics) return false;
  for (const auto& topic : *request.topics) {
    const bool has_id = topic.topic_id != model::TopicId{};
    // Kafka's own client sends an empty name with an id.
    const bool has_name = has_id ? !topic.name.value_or("").empty() : topic.name.has_value();
    if (has_name == has_id) return true;
    if (has_id && call.version < kLookUpById) return true;
  }
  return false;
}

// On the call's shard.
Describer DescriberOf(const Call& call, const MetadataRequest& request) {
  return {ClusterView(call, call.broker.ImageOn(call.shard)), call.version,
          request.include_topic_authorized_operations};
}

}  // namespace

void HandleMetadata(Call& call, const MetadataRequest& request, Reply<MetadataResponse> reply) {
  const Describer describe = DescriberOf(call, request);
  Lookup lookup;
  DescribeNodes(describe.view, request, &lookup.response);
  if (IsMalformed(call, request)) {
    lookup.response.error_code = Code(ErrorCode::kInvalidRequest);
    for (const auto& topic : *request.topics) {
      Topic& refused = AddError(&lookup.response, ErrorCode::kInvalidRequest);
      refused.name = std::string(topic.name.value_or(""));
      refused.topic_id = topic.topic_id;
    }
    return reply(std::move(lookup.response));
  }
  if (!request.topics || (call.version == 0 && request.topics->empty())) {
    for (const meta::TopicPtr& topic : describe.image().Topics()) {
      describe.Fill(*topic, &lookup.response.topics.emplace_back());
    }
    return reply(std::move(lookup.response));
  }
  const bool create = call.auto_create_topics && request.allow_auto_topic_creation;
  for (const auto& asked : *request.topics) LookUp(describe, asked, create, &lookup);
  if (lookup.missing.empty()) return reply(std::move(lookup.response));

  std::vector<broker::NewTopic> topics;
  for (const size_t i : lookup.missing) topics.push_back({.name = *lookup.response.topics[i].name});
  call.broker.CreateTopics(std::move(topics), [&call, &request, lookup = std::move(lookup), reply = std::move(reply)](
                                                  std::vector<broker::TopicResult> created) mutable {
    // Back to a shard whose metadata may be read, now that it has the topics.
    call.shard.Post([&call, &request, lookup = std::move(lookup), reply = std::move(reply),
                     created = std::move(created)]() mutable {
      FillCreated(DescriberOf(call, request), created, &lookup);
      reply(std::move(lookup.response));
    });
  });
}

void HandleDescribeCluster(Call& call, const DescribeClusterRequest& request, Reply<DescribeClusterResponse> reply) {
  constexpr int8_t kBrokers = 1;
  constexpr int8_t kControllers = 2;
  DescribeClusterResponse response;
  response.endpoint_type = request.endpoint_type;
  if (request.endpoint_type != kBrokers) {
    const bool known = request.endpoint_type == kControllers;
    response.error_code = Code(known ? ErrorCode::kMismatchedEndpointType : ErrorCode::kUnsupportedEndpointType);
    response.error_message = known ? "this is a broker's listener: ask for brokers (endpoint type 1)"
                                   : StrCat("expected endpoint type 1, brokers, got ", +request.endpoint_type);
    return reply(std::move(response));
  }
  const ClusterView view(call, call.broker.ImageOn(call.shard));
  response.cluster_id = view.image().cluster_id();
  response.controller_id = view.controller();
  const auto fenced = request.include_fenced_brokers ? ClusterView::Fenced::kInclude : ClusterView::Fenced::kLeaveOut;
  for (ClusterView::Node& node : view.Nodes(fenced)) {
    auto& broker = response.brokers.emplace_back();
    broker.broker_id = node.id;
    broker.host = std::move(node.host);
    broker.port = node.port;
    broker.rack = std::move(node.rack);
    broker.is_fenced = node.fenced;
  }
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = kClusterOperations;
  reply(std::move(response));
}

}  // namespace leat::kafka
