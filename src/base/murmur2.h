// Murmur2 as Kafka's default partitioner computes it: the same key goes to the same partition as with Kafka's clients.
#pragma once

#include <cstdint>
#include <string_view>

namespace leat {

uint32_t Murmur2(std::string_view bytes);

// Kafka's choice of partition for a key: (murmur2(key) & 0x7fffffff) % partition_count. REQUIRES: partition_count > 0.
int32_t PartitionForKey(std::string_view key, int32_t partition_count);

}  // namespace leat
