#include "broker/listeners.h"

#include "base/strings.h"

namespace leat::broker {

std::string KafkaListener(std::string_view name) { return StrCat(kKafkaListenerPrefix, name); }

const meta::Listener* FindListener(const meta::Broker& broker, std::string_view name) {
  for (const meta::Listener& listener : broker.registration.listeners) {
    if (listener.name == name) return &listener;
  }
  return nullptr;
}

std::string AddressOf(const meta::Listener& listener) {
  const bool bare = listener.host.find(':') != std::string::npos;
  return bare ? StrCat("[", listener.host, "]:", listener.port) : StrCat(listener.host, ":", listener.port);
}

}  // namespace leat::broker
