// Which node runs a job: the one that leads partition 0 of the job's changelog topic. And what a node's copy of the
// job's state on its own disk is worth in a new leadership. Shard 0.
//
// The copy (RocksDB) holds the changelog up to some offset. Beside it a small file says of which topic it is, and the
// last epoch in which this node has written to the changelog while it kept the copy. If the log has that epoch, the
// copy is a piece of this log as long as it does not go beyond the epoch's end; else the log was cut since, or the copy
// is of another topic, and it is made anew from the changelog, which costs only time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "broker/api.h"
#include "meta/image.h"
#include "stream/run/log_port.h"
#include "stream/run/options.h"

namespace leat::broker {

class BrokerImpl;

struct JobLeadership {
  LeadershipFence fence;
  bool replicated = false;  // other nodes have copies of the changelog; else the fence's epoch is -1
  friend bool operator==(const JobLeadership&, const JobLeadership&) = default;
};

model::TopicPartition ChangelogOf(const std::string& job);
// Who is to run the job, by the image. kNotFound: it has no changelog; kUnavailable: nobody leads it now.
absl::StatusOr<model::NodeId> JobOwner(const meta::Image& image, const std::string& job, model::NodeId self);
// nullopt: not this node.
std::optional<JobLeadership> LeadershipHere(const meta::Image& image, const std::string& job, model::NodeId self);

// What is to become of the folder.
struct StateOnDisk {
  int64_t usable_until = INT64_MAX;  // a copy that goes beyond this changelog offset is of no use
  bool drop = false;
};
// Looks at the file beside the folder, and at the log. `done` on shard 0.
void JudgeState(BrokerImpl& broker, const run::Options& options, const std::string& job, const JobLeadership& leads,
                Callback<absl::StatusOr<StateOnDisk>> done);
// Of the file beside the folder `job` in options.state_dir.
std::string LeadershipFile(const run::Options& options, const std::string& job);

// The port of one run: its appends to the changelog are refused as soon as the leadership is over. The first one that
// is acknowledged is noted in the file, after the answer. `broker` and `base` outlive it.
std::unique_ptr<run::LogPort> MakeFencedPort(BrokerImpl& broker, run::LogPort& base, const run::Options& options,
                                             const std::string& job, const JobLeadership& leads);

}  // namespace leat::broker
