// ListConfigResources (74): what DescribeConfigs can be asked about.
#include <algorithm>

#include "base/strings.h"
#include "kafka/admin_support.h"
#include "kafka/cluster_view.h"
#include "kafka/handlers.h"
#include "wire/messages/list_config_resources.h"

namespace leat::kafka {

using wire::ListConfigResourcesRequest;
using wire::ListConfigResourcesResponse;

void HandleListConfigResources(Call& call, const ListConfigResourcesRequest& request,
                               Reply<ListConfigResourcesResponse> reply) {
  ListConfigResourcesResponse response;
  const auto asked = [&](ResourceType type) {
    const auto number = static_cast<int8_t>(type);
    const auto& types = request.resource_types;
    // Version 0 asks for client metrics alone, an empty list for everything.
    if (call.version == 0) return type == ResourceType::kClientMetrics;
    return types.empty() || std::find(types.begin(), types.end(), number) != types.end();
  };
  for (const int8_t type : request.resource_types) {
    const bool known = type == 2 || type == 4 || type == 8 || type == 16 || type == 32;
    if (!known) response.error_code = Code(model::ErrorCode::kUnsupportedVersion);
  }
  const auto add = [&](ResourceType type, std::string name) {
    auto& resource = response.config_resources.emplace_back();
    resource.resource_name = std::move(name);
    resource.resource_type = static_cast<int8_t>(type);
  };
  if (response.error_code == 0 && asked(ResourceType::kTopic)) {
    for (const meta::TopicPtr& topic : call.broker.ImageOn(call.shard)->Topics())
      add(ResourceType::kTopic, topic->name);
  }
  if (response.error_code == 0 && asked(ResourceType::kBroker)) {
    const ClusterView view(call, call.broker.ImageOn(call.shard));
    for (const ClusterView::Node& node : view.Nodes(ClusterView::Fenced::kLeaveOut)) {
      add(ResourceType::kBroker, StrCat(node.id));
    }
  }
  reply(std::move(response));
}

}  // namespace leat::kafka
