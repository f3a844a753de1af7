// What must hold between keys that are each fine alone. Pure.
#pragma once

#include <string>
#include <vector>

#include "config/options.h"

namespace leat::config {

struct Conflict {
  std::string key;      // the one to complain about
  std::string message;  // what was expected and what came
};

// Copies of a topic made without a number of its own: topics.replication_factor, and what its 0 stands for.
int64_t ReplicationFactorOf(const BrokerOptions& options);

std::vector<Conflict> FindConflicts(const BrokerOptions& options);

}  // namespace leat::config
