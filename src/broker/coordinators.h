// Which broker coordinates a group or a transactional id: the leader of the partition that its name falls on. Pure.
#pragma once

#include <string_view>

#include "meta/image.h"

namespace leat::broker {

enum class CoordinatorKind { kGroup, kTransaction };

// kNobody: the partition has no leader now, or the topic is not there yet. `self` where the image knows of no replicas,
// because the topic was made before brokers registered and this node has it.
model::NodeId CoordinatorOf(const meta::Image& image, CoordinatorKind kind, std::string_view name, model::NodeId self);

}  // namespace leat::broker
