// A partition of the metadata image as the replication core wants to see it. Pure; any thread.
#pragma once

#include <optional>

#include "log/options.h"
#include "meta/image.h"
#include "replication/types.h"

namespace leat::broker {

// nullopt: the partition has no replicas; it was made before there were brokers. `options`: of the topic's logs.
std::optional<replication::PartitionView> ViewOf(const meta::Image& image, const meta::PartitionKey& key,
                                                 const log::LogOptions& options);

}  // namespace leat::broker
