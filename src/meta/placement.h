// Which brokers get the copies of new partitions: copies of one partition go to different racks where there are
// several, and both copies and leaders are spread evenly, first within the topic, then over the cluster. Ties are
// broken by the caller's Random.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "meta/image.h"
#include "meta/policy.h"

namespace leat::meta {

class Placement {
 public:
  // Candidates are the registered brokers that are not draining; those that are not live come last.
  Placement(const Image& image, Random& random);

  // Replicas of one more partition of the same topic, the preferred leader first; it is live.
  // Error: INVALID_REPLICATION_FACTOR, with what there is.
  absl::StatusOr<NodeList> Place(int32_t replication_factor);
  // A broker for a copy beside those on `staying`; nullopt if every candidate has one.
  std::optional<NodeId> PlaceBeside(const NodeList& staying);

 private:
  struct Candidate {
    NodeId id;
    std::string rack;
    bool active = false;
    size_t copies = 0, leaders = 0;              // in the cluster
    size_t topic_copies = 0, topic_leaders = 0;  // of the partitions placed here
  };
  Candidate* ChooseLeader();
  Candidate* ChooseBeside(const NodeList& chosen);

  Random& random_;
  std::vector<Candidate> candidates_;
  std::map<NodeId, std::string> racks_;  // of all brokers
};

// The new partitions of a topic, as the command assigns them or as the placement chooses.
// Errors: INVALID_REPLICATION_FACTOR, INVALID_REPLICA_ASSIGNMENT.
struct NewPartitions {
  std::string_view topic;
  int32_t count = 1;
  int32_t replication_factor = 1;
  const std::vector<NodeList>* assignments = nullptr;  // empty: the placement chooses
};
absl::StatusOr<std::vector<Partition>> AssignPartitions(const Image& image, const NewPartitions& wanted,
                                                        const Policy& policy, Random& random);

// Replicas named by somebody: at least one, each once, registered brokers, within the limit.
absl::Status CheckReplicas(const Image& image, const NodeList& replicas, const Limits& limits);

}  // namespace leat::meta
