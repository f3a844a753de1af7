// The subscription that Kafka's consumers send as the metadata of a protocol (ConsumerProtocolSubscription). Groups
// carry it unread; only "does a member read this topic" looks inside. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leat::group {

// nullopt if the bytes are something else.
std::optional<std::vector<std::string>> SubscribedTopics(std::string_view metadata);

}  // namespace leat::group
