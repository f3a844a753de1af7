// What everybody who takes part in one simulation shares.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/sim/client_link.h"
#include "tests/sim/cluster.h"
#include "tests/sim/history.h"

namespace leat::nodes {

struct Stage {
  sim::SimWorld& world;
  const Plan& plan;
  Cluster& cluster;
  ClientLink& link;
  History& history;
  std::function<void(const std::string&)> trace;
  bool working = true;                              // clients begin new work
  std::vector<model::TopicPartition> partitions{};  // whose records are checked

  // Runs the closure later, unless `owner` was dropped before.
  void Later(const void* owner, Duration delay, std::function<void()> closure) {
    world.Schedule(world.Now() + delay, owner, [closure = std::move(closure)] { closure(); });
  }
};

// Somebody who works on the cluster.
class Actor {
 public:
  virtual ~Actor() = default;
  virtual void Start() = 0;
  // Nothing of it is under way any more, after it was told to begin nothing new.
  virtual bool settled() const = 0;
  // It has done its work at least once since Mark: empty; else what is wrong.
  virtual void Mark() = 0;
  virtual std::string WhyNotWorking() const = 0;
};

// An error that says: try again, perhaps elsewhere. The request may have been carried out all the same.
bool MayBeTriedAgain(model::ErrorCode code);
// A topic of this simulation, with its partitions.
model::TopicPartition PartitionOf(const std::string& topic, int partition);

}  // namespace leat::nodes
