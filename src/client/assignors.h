// How the leader of a group shares the partitions out: the assignors that Kafka's consumers know as "range",
// "roundrobin" and "cooperative-sticky". Pure; any thread.
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
  std::vector<TopicPartition> owned = {};  // that it goes on reading while the group is shared out anew
  int32_t generation = -1;                 // in which it got them; -1: it does not say
};
using Assignments = std::map<std::string, std::vector<TopicPartition>>;  // by member id; every member is in it

// Static members keep their place in the order when they come back under another id.
std::vector<const AssignedMember*> InOrder(const std::vector<AssignedMember>& members);

std::string_view AssignorName(ConsumerOptions::Assignor assignor);

// `partitions`: how many each topic has; a topic that is missing has none. kInvalidArgument: an unknown assignor.
absl::StatusOr<Assignments> AssignPartitions(std::string_view assignor, const std::vector<AssignedMember>& members,
                                             const std::map<std::string, int32_t>& partitions);

}  // namespace leat::client
