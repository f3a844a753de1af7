// What Kafka's consumers put into a group's opaque bytes (protocol type "consumer"): a member's subscription and its
// assignment. Groups carry them unread; the client library writes and reads them, so that its members and Kafka's share
// a group. Newer versions only append fields. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"

namespace leat::model {

// ConsumerProtocolSubscription version 1, or 2 if it says its generation.
struct ConsumerSubscription {
  std::vector<std::string> topics;
  std::vector<TopicPartition> owned = {};            // version 1 and newer
  std::string user_data = {};                        // of the assignor
  std::optional<int32_t> generation = std::nullopt;  // in which `owned` was assigned; version 2 and newer
};
std::string EncodeSubscription(const ConsumerSubscription& subscription);
std::optional<ConsumerSubscription> DecodeSubscription(std::string_view bytes);  // nullopt: something else

// ConsumerProtocolAssignment version 1.
std::string EncodeAssignment(const std::vector<TopicPartition>& partitions);
std::optional<std::vector<TopicPartition>> DecodeAssignment(std::string_view bytes);  // nullopt: something else

}  // namespace leat::model
