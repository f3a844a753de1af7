// The assignor that Kafka's consumers know as "cooperative-sticky" (KIP-54, KIP-429): as even as the subscriptions
// allow, and no partition moves that need not. One that moves is given to nobody in the round in which its owner still
// has it: the owner finds it missing, gives it back and joins again, and the next round hands it on. Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/assignors.h"

namespace leat::client {

// As AssignPartitions. A partition that two members say they own is the one's of the newer generation; nobody's if they
// are of the same.
Assignments AssignCooperativeSticky(const std::vector<AssignedMember>& members,
                                    const std::map<std::string, int32_t>& partitions);

}  // namespace leat::client
