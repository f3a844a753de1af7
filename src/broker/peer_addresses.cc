#include "broker/peer_addresses.h"

#include <absl/strings/numbers.h>

#include <utility>

#include "base/logging.h"
#include "broker/listeners.h"

namespace leat::broker {
namespace {

// Brokers that are about to join, or have moved; as many as one leader takes as observers.
constexpr size_t kMostLearned = 1000;

const meta::Listener* InternalOf(const meta::BrokerRegistered& registered) {
  for (const meta::Listener& listener : registered.listeners) {
    if (listener.name == kInternalListener) return &listener;
  }
  return nullptr;
}

}  // namespace

std::optional<env::PeerAddress> ParsePeerAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  int32_t port = 0;
  if (colon == std::string_view::npos || !absl::SimpleAtoi(ToAbsl(text.substr(colon + 1)), &port)) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  if (host.empty() || port < 1 || port > 65535) return std::nullopt;
  return env::PeerAddress{std::string(host), static_cast<uint16_t>(port)};
}

PeerAddresses::PeerAddresses(const Options& options, std::function<void()> told)
    : self_(options.node_id.value()), own_(options.internal_address), told_(std::move(told)) {
  for (const VoterAddress& voter : options.voters) configured_[voter.id.value()] = {voter.host, voter.port};
}

void PeerAddresses::Follow(const meta::Image& image) {
  registered_.clear();
  epochs_.clear();
  for (const meta::BrokerPtr& broker : image.Brokers()) {
    const int32_t id = broker->id().value();
    const meta::Listener* at = InternalOf(broker->registration);
    if (at == nullptr) continue;
    registered_[id] = {at->host, static_cast<uint16_t>(at->port)};
    epochs_[id] = broker->epoch();
    const auto learned = learned_.find(id);
    if (learned != learned_.end() && learned->second.since != broker->epoch()) learned_.erase(learned);
  }
}

void PeerAddresses::Expect(const std::map<model::NodeId, meta::BrokerRegistered>& foreseen) {
  for (const auto& [id, registered] : foreseen) {
    if (const meta::Listener* at = InternalOf(registered)) {
      foreseen_[id.value()] = {at->host, static_cast<uint16_t>(at->port)};
    }
  }
}

PeerAddresses::Map PeerAddresses::All() const {
  Map all = configured_;
  for (const auto& [node, told] : learned_) all.emplace(node, told.address);
  all.insert(registered_.begin(), registered_.end());
  all.insert(foreseen_.begin(), foreseen_.end());
  all.erase(self_);
  return all;
}

std::string PeerAddresses::AddressOf(raft::NodeId node) const {
  if (node.value() == self_) return own_;
  const Map all = All();
  const auto found = all.find(node.value());
  if (found == all.end()) return {};
  const bool colons = found->second.host.find(':') != std::string::npos;  // an address of version 6
  return StrCat(colons ? "[" : "", found->second.host, colons ? "]:" : ":", found->second.port);
}

void PeerAddresses::Learn(raft::NodeId node, std::string_view address) {
  const int32_t id = node.value();
  const std::optional<env::PeerAddress> at = ParsePeerAddress(address);
  if (id < 0 || id == self_ || !at || configured_.contains(id)) return;
  const auto registered = registered_.find(id);
  const auto learned = learned_.find(id);
  const bool is_news = learned != learned_.end()         ? learned->second.address != *at
                       : registered != registered_.end() ? registered->second != *at
                                                         : true;
  if (!is_news) return;
  if (learned == learned_.end() && learned_.size() >= kMostLearned) {
    LogWarning("broker", "node ", node, " says that it listens at ", address, ": so do ", learned_.size(),
               " others that have not registered, the limit");
    return;
  }
  LogInfo("broker", "node ", node, " says that it listens at ", address);
  const auto epoch = epochs_.find(id);
  learned_[id] = {*at, epoch == epochs_.end() ? -1 : epoch->second};
  told_();
}

}  // namespace leat::broker
