// What a seed decides before anything runs: how large the cluster is, which kinds of faults there are and how bad, who
// works on it. Each family has a source of chance of its own, so that switching one off leaves the others as they were.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "tests/support/sim_network.h"

namespace leat::nodes {

enum class Family : uint8_t {
  kCrash,         // processes die and come back
  kPower,         // machines lose what was not synced
  kPause,         // machines stand still, and go on as if nothing had been
  kLoss,          // packets between nodes vanish, connections break
  kDisorder,      // packets between nodes are late, twice, overtaken
  kCuts,          // nodes do not reach each other, in one direction or both
  kSlowLinks,     // the way from one node to another takes long
  kClientLink,    // requests and answers of clients vanish or come late
  kDiskErrors,    // reads, writes and syncs fail
  kDiskFull,      // writes find no room for a while
  kSlowDisk,      // work of a machine's disk takes many times as long
  kClock,         // wall clocks are wrong and jump
  kTiny,          // segments, fetches and intervals are very small
  kLeaderMoves,   // elections are asked for
  kReassignment,  // partitions move to other brokers
  kTopicChurn,    // topics are made, grown and deleted
  kLeaderAcks,    // producers that wait for the leader only
  kPageCache,     // a topic whose records are acknowledged from the page cache
  kGroups,        // consumer groups
  kTransactions,  // transactional producers
  kJobs,          // jobs in SQL; in a third of the seeds above 1,000
  // In seeds above 2,000.
  kAimed,   // faults in the moment in which an in-sync set or a leader changes
  kProbes,  // readers ask for the end of a log as well
  // Of four or five brokers only three vote in the controllers' quorum at first. In all seeds.
  kObservers,
  kVoterChanges,  // voters come and go, and die when they have gone; in seeds above 2,000
};
inline constexpr int kFamilies = static_cast<int>(Family::kVoterChanges) + 1;
std::string_view NameOf(Family family);
// -1: there is none of that name.
int FamilyOf(std::string_view name);

struct Plan {
  uint64_t seed = 0;
  std::set<Family> on;  // some seeds leave out some
  int nodes = 3;
  int voters = 3;      // of them at first
  int shards = 1;      // of each node
  int partitions = 2;  // of each topic
  int producers = 2;
  Duration chaos;        // how long there are faults
  Duration fault_pause;  // on average between two
  // What the families drew.
  sim::NetworkFaults network;
  double client_loss = 0, client_stuck = 0;
  Duration client_delay;  // on average
  double disk_error = 0;  // chance of a fault being one of these
  int64_t segment_bytes = 1 << 20;
  Duration checkpoint_interval;
  size_t fetch_bytes = 1 << 20;
  int job_workers = 1;
  Duration job_interval = absl::Milliseconds(100);  // between checkpoints

  bool has(Family family) const { return on.contains(family); }
  // A source of chance that belongs to one family or purpose, and to this seed.
  Random Chance(uint64_t purpose) const {
    return Random(seed * 0x9e3779b97f4a7c15ULL + purpose * 0xbf58476d1ce4e5b9ULL);
  }
  Random Chance(Family family) const { return Chance(100 + static_cast<uint64_t>(family)); }
};
Plan MakePlan(uint64_t seed, const std::set<Family>& without);
std::string Describe(const Plan& plan);

}  // namespace leat::nodes
