// What can happen to the cluster's metadata. A sequence of these records is the metadata: the image is a function of
// it. Records state facts that were decided before they were written; applying one never asks a question.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "model/ids.h"

namespace leat::meta {

using Configs = std::map<std::string, std::string>;

// The newest set of record kinds and meanings that this program reads and writes.
inline constexpr int32_t kFeatureLevel = 1;

struct ClusterCreated {
  std::string cluster_id;
  friend bool operator==(const ClusterCreated&, const ClusterCreated&) = default;
};
struct FeatureLevel {
  int32_t level = kFeatureLevel;
  friend bool operator==(const FeatureLevel&, const FeatureLevel&) = default;
};
struct TopicCreated {
  model::TopicId id;
  std::string name;
  int32_t partitions = 1;
  Configs configs;  // only what differs from the defaults
  friend bool operator==(const TopicCreated&, const TopicCreated&) = default;
};
struct TopicDeleted {
  model::TopicId id;
  friend bool operator==(const TopicDeleted&, const TopicDeleted&) = default;
};
struct TopicConfigsChanged {
  model::TopicId id;
  Configs configs;  // the whole set after the change
  friend bool operator==(const TopicConfigsChanged&, const TopicConfigsChanged&) = default;
};
struct PartitionsAdded {
  model::TopicId id;
  int32_t total = 0;
  friend bool operator==(const PartitionsAdded&, const PartitionsAdded&) = default;
};
enum class DesiredState { kRunning, kStopped };
struct JobSubmitted {  // desired: running
  std::string name;
  std::string sql;
  int64_t created_ms = 0;
  friend bool operator==(const JobSubmitted&, const JobSubmitted&) = default;
};
struct JobStateChanged {
  std::string name;
  DesiredState desired = DesiredState::kRunning;
  friend bool operator==(const JobStateChanged&, const JobStateChanged&) = default;
};
struct JobDeleted {
  std::string name;
  friend bool operator==(const JobDeleted&, const JobDeleted&) = default;
};

// Producer ids below `end` are spoken for: a coordinator that gives them out has its block in memory only, so that what
// is left of a block when it stops is never used.
struct ProducerIdsReserved {
  int64_t end = 0;
  friend bool operator==(const ProducerIdsReserved&, const ProducerIdsReserved&) = default;
};

using Record = std::variant<ClusterCreated, FeatureLevel, TopicCreated, TopicDeleted, TopicConfigsChanged,
                            PartitionsAdded, JobSubmitted, JobStateChanged, JobDeleted, ProducerIdsReserved>;

}  // namespace leat::meta
