#include "config/relations.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/check.h"
#include "base/strings.h"
#include "config/keys.h"
#include "config/values.h"

namespace leat::config {
namespace {

// Complains if low > high; the values are shown as the file would spell them.
template <typename T>
void AtMost(const BrokerOptions& options, const T& low, std::string_view low_key, const T& high,
            std::string_view high_key, std::vector<Conflict>* conflicts) {
  if (low <= high) return;
  const Key* const small = FindKey(low_key);
  const Key* const large = FindKey(high_key);
  LEAT_CHECK(small != nullptr && large != nullptr);
  conflicts->push_back({small->name, StrCat("expected at most ", large->name, ", which is ", large->get(options),
                                            ", got ", small->get(options))});
}

bool SameFixedPort(const std::string& a, const std::string& b) { return a == b && !a.empty() && !a.ends_with(":0"); }

std::string PlainAddress(const std::string& listener) {
  const size_t at = listener.find("://");
  return at == std::string::npos ? listener : listener.substr(at + 3);
}

std::set<std::string> NamesOf(const std::vector<std::string>& listeners, std::string_view key,
                              std::vector<Conflict>* conflicts) {
  std::set<std::string> names;
  for (const std::string& listener : listeners) {
    const absl::StatusOr<NamedAddress> parsed = ParseNamedAddress(listener);
    LEAT_CHECK(parsed.ok()) << "the key's own check let " << listener << " pass";
    if (names.insert(parsed->name).second) continue;
    conflicts->push_back({std::string(key), StrCat("expected each listener's name once, got '", parsed->name,
                                                   "' twice; name them, as in internal://host:9094")});
  }
  return names;
}

void FindKafkaConflicts(const BrokerOptions& options, std::vector<Conflict>* conflicts) {
  const ListenerOptions& listeners = options.listeners;
  for (const std::string& kafka : listeners.kafka) {
    const std::string address = PlainAddress(kafka);
    if (SameFixedPort(listeners.grpc, address)) {
      conflicts->push_back({"listeners.kafka", "expected another address than listeners.grpc's " + listeners.grpc});
    }
    if (SameFixedPort(address, listeners.admin)) {
      conflicts->push_back({"listeners.admin", "expected another address than listeners.kafka's " + address});
    }
  }
  const std::set<std::string> names = NamesOf(listeners.kafka, "listeners.kafka", conflicts);
  for (const std::string& name : NamesOf(options.advertised.kafka, "advertised.kafka", conflicts)) {
    if (names.contains(name)) continue;
    conflicts->push_back({"advertised.kafka", StrCat("expected the name of one of listeners.kafka, got '", name, "'")});
  }
}

bool IsWildcard(const Address& address) { return address.host == "0.0.0.0" || address.host == "::"; }

Address AddressOf(const std::string& text) {
  const absl::StatusOr<Address> address = ParseAddress(text);
  LEAT_CHECK(address.ok()) << "the key's own check let " << text << " pass";
  return *address;
}

std::map<int32_t, Address> VotersOf(const BrokerOptions& options, std::vector<Conflict>* conflicts) {
  std::map<int32_t, Address> voters;
  std::map<std::string, int32_t> nodes;
  for (const std::string& text : options.cluster.voters) {
    const absl::StatusOr<Voter> voter = ParseVoter(text);
    LEAT_CHECK(voter.ok()) << "the key's own check let " << text << " pass";
    if (!voters.emplace(voter->node, voter->address).second) {
      conflicts->push_back({"cluster.voters", StrCat("expected each node once, got node ", voter->node, " twice")});
      continue;
    }
    const auto [same, first] = nodes.emplace(text.substr(text.find('@') + 1), voter->node);
    if (first) continue;
    conflicts->push_back({"cluster.voters", StrCat("expected an address of its own for each node, got ", same->first,
                                                   " for nodes ", same->second, " and ", voter->node)});
  }
  return voters;
}

// A node that is to keep the metadata must be where the others look for it.
void FindOwnVoterConflicts(const BrokerOptions& options, const Address& mine, std::vector<Conflict>* conflicts) {
  const Address listening = AddressOf(options.listeners.internal);
  const std::string& advertised = options.advertised.internal;
  if (!advertised.empty()) {
    const Address told = AddressOf(advertised);
    if (told.host == mine.host && told.port == mine.port) return;
    conflicts->push_back({"advertised.internal", StrCat("expected this node's address in cluster.voters, ", mine.host,
                                                        ":", mine.port, ", got ", advertised)});
  } else if (listening.port != mine.port) {
    conflicts->push_back(
        {"listeners.internal",
         StrCat("expected the port of this node (node_id ", options.node_id, ") in cluster.voters, ", mine.port,
                ", got ", listening.port, "; if the others reach it by another port, say so in advertised.internal")});
  }
}

void FindClusterConflicts(const BrokerOptions& options, std::vector<Conflict>* conflicts) {
  const ClusterOptions& cluster = options.cluster;
  const std::map<int32_t, Address> voters = VotersOf(options, conflicts);
  const std::string& internal = options.listeners.internal;
  if (internal.empty()) {
    if (!voters.empty()) {
      conflicts->push_back({"cluster.voters", "expected listeners.internal too, where the other nodes reach this one"});
    }
    if (!options.advertised.internal.empty()) {
      conflicts->push_back({"advertised.internal", "expected listeners.internal too, which it stands for"});
    }
    return;
  }
  if (!options.advertised.internal.empty() && AddressOf(options.advertised.internal).port == 0) {
    conflicts->push_back({"advertised.internal", "expected a port in 1..65535, got " + options.advertised.internal});
  }
  for (const std::string* other : {&options.listeners.grpc, &options.listeners.admin}) {
    if (!SameFixedPort(internal, *other)) continue;
    conflicts->push_back({"listeners.internal", "expected an address that no other listener has, got " + internal});
  }
  for (const std::string& kafka : options.listeners.kafka) {
    if (!SameFixedPort(internal, PlainAddress(kafka))) continue;
    conflicts->push_back({"listeners.internal", "expected an address that no other listener has, got " + internal});
  }
  if (cluster.secret_file.empty()) {
    conflicts->push_back({"cluster.secret_file",
                          "expected a file with the cluster's secret, because "
                          "listeners.internal is set; without one anybody could join"});
  }
  if (voters.empty()) {
    conflicts->push_back({"cluster.voters",
                          "expected the nodes that keep the cluster's metadata, such as "
                          "1@127.0.0.1:9094, because listeners.internal is set"});
    return;
  }
  if (const auto mine = voters.find(static_cast<int32_t>(options.node_id)); mine != voters.end()) {
    FindOwnVoterConflicts(options, mine->second, conflicts);
  } else if (IsWildcard(AddressOf(internal)) && options.advertised.internal.empty()) {
    conflicts->push_back({"advertised.internal", StrCat("expected an address that the other nodes can connect to, "
                                                        "because listeners.internal is ",
                                                        internal)});
  }
}

void FindCopyConflicts(const BrokerOptions& options, std::vector<Conflict>* conflicts) {
  const TopicOptions& topics = options.topics;
  if (topics.replication_factor > 1 && options.cluster.voters.empty()) {
    conflicts->push_back({"topics.replication_factor",
                          StrCat("expected 0 or 1, because this broker is alone (cluster.voters is empty), got ",
                                 topics.replication_factor)});
    return;
  }
  const int64_t copies = ReplicationFactorOf(options);
  if (topics.min_insync_replicas <= copies) return;
  conflicts->push_back(
      {"topics.min_insync_replicas",
       StrCat("expected at most the copies that a topic has by topics.replication_factor, ", copies, ", got ",
              topics.min_insync_replicas, ": no write with acks=all could be acknowledged")});
}

}  // namespace

int64_t ReplicationFactorOf(const BrokerOptions& options) {
  if (options.topics.replication_factor > 0) return options.topics.replication_factor;
  const auto voters = static_cast<int64_t>(options.cluster.voters.size());
  return std::clamp<int64_t>(voters, 1, 3);
}

std::vector<Conflict> FindConflicts(const BrokerOptions& options) {
  std::vector<Conflict> conflicts;
#define AT_MOST(low, high) AtMost(options, options.low, #low, options.high, #high, &conflicts)
  AT_MOST(log.max_batch_bytes, log.segment_bytes);
  AT_MOST(log.max_batch_bytes, limits.request_bytes);
  AT_MOST(log.max_batch_bytes, log.max_decompressed_batch_bytes);
  AT_MOST(limits.request_bytes, limits.inflight_bytes);
  AT_MOST(limits.fetch_max_bytes, limits.inflight_bytes);
  AT_MOST(topics.default_partitions, limits.partitions_per_topic);
  AT_MOST(limits.partitions_per_topic, limits.partitions);
  AT_MOST(groups.min_session_timeout, groups.max_session_timeout);
  AT_MOST(jobs.restart_backoff, jobs.restart_backoff_max);
#undef AT_MOST
  const ListenerOptions& listeners = options.listeners;
  if (SameFixedPort(listeners.grpc, listeners.admin)) {
    conflicts.push_back({"listeners.admin", "expected another address than listeners.grpc's " + listeners.grpc});
  }
  FindKafkaConflicts(options, &conflicts);
  FindClusterConflicts(options, &conflicts);
  FindCopyConflicts(options, &conflicts);
  return conflicts;
}

}  // namespace leat::config
