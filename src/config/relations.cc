#include "config/relations.h"

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

}  // namespace

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
  return conflicts;
}

}  // namespace leat::config
