// How the leader of a group shares the partitions out: the assignors that Kafka's consumers know as "range" and
// "roundrobin". Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "leat/client/consumer.h"

namespace leat::client {

struct AssignedMember {
  std::string id;
  std::string instance;  // empty: none
  std::vector<std::string> topics;
};
using Assignments = std::map<std::string, std::vector<TopicPartition>>;  // by member id; every member is in it

std::string_view AssignorName(ConsumerOptions::Assignor assignor);

// `partitions`: how many each topic has; a topic that is missing has none. kInvalidArgument: an unknown assignor.
absl::StatusOr<Assignments> AssignPartitions(std::string_view assignor, const std::vector<AssignedMember>& members,
                                             const std::map<std::string, int32_t>& partitions);

}  // namespace leat::client
