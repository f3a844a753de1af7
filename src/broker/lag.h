// How far groups are behind, of one node and of the cluster. On shard 0.
#pragma once

#include <string>
#include <vector>

#include "broker/api.h"

namespace leat::broker {

class BrokerImpl;

// What the groups (empty: all) that this node coordinates have committed; nothing else is filled in.
std::vector<GroupLag> CommittedHere(const BrokerImpl& broker, std::vector<std::string> groups);
// What of it this node's copies of the partitions say.
void MeasureLagHere(const BrokerImpl& broker, std::vector<GroupLag> items, Callback<std::vector<GroupLag>> done);

// What of it the partitions' leaders say, in any order; lag_records is -1 where the leader does not answer. However
// many there are, no shard is kept busy for long by it, and no message is large.
enum class Unanswered { kSilent, kLogged };
void MeasureLag(BrokerImpl& broker, std::vector<GroupLag> items, Unanswered unanswered,
                Callback<std::vector<GroupLag>> done);

// Asks the groups' coordinators (no groups: all brokers for theirs) and then the partitions' leaders. By group and
// partition, with the status that the coordinator gives.
void ClusterLag(BrokerImpl& broker, std::vector<std::string> groups, Callback<std::vector<GroupLag>> done);

}  // namespace leat::broker
