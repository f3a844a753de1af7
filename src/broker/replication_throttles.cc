#include "broker/replication_throttles.h"

#include <absl/strings/numbers.h>

#include "base/check.h"

namespace leat::broker {
namespace {

std::optional<uint64_t> RateOf(const meta::Image& image, model::NodeId self, const std::string& name) {
  for (const model::NodeId of : {self, meta::kNobody}) {
    const meta::Configs& configs = image.BrokerConfigs(of);
    const auto it = configs.find(name);
    if (it == configs.end()) continue;
    uint64_t rate = 0;
    LEAT_CHECK(absl::SimpleAtoi(it->second, &rate) && rate > 0) << name << " was checked: " << it->second;
    return rate;
  }
  return std::nullopt;
}

}  // namespace

void ReplicationThrottles::Follow(const meta::Image& image, model::NodeId self, Instant now) {
  leader.SetRate(RateOf(image, self, "leader.replication.throttled.rate"), now);
  follower.SetRate(RateOf(image, self, "follower.replication.throttled.rate"), now);
}

}  // namespace leat::broker
