// The names under which a node's registration lists its listeners. Listeners of Kafka's protocol have names of their
// own, given by the configuration, and clients are told the addresses of the listener by the name that they came in by.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "meta/image.h"

namespace leat::broker {

inline constexpr std::string_view kGrpcListener = "grpc";
inline constexpr std::string_view kAdminListener = "admin";
inline constexpr std::string_view kInternalListener = "internal";
// kafka.default: no listener of Kafka's protocol meets one of ours, whatever it is called.
inline constexpr std::string_view kKafkaListenerPrefix = "kafka.";
std::string KafkaListener(std::string_view name);

// Null: the broker has no such listener. Valid while the broker is.
const meta::Listener* FindListener(const meta::Broker& broker, std::string_view name);
std::string AddressOf(const meta::Listener& listener);  // host:port, [host]:port for IPv6

}  // namespace leat::broker
