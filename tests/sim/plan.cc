#include "tests/sim/plan.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace leat::nodes {
namespace {

constexpr std::array<std::string_view, kFamilies> kNames = {
    "crash",        "power",       "pause",       "loss",         "disorder", "cuts",         "slow-links",
    "client-link",  "disk-errors", "disk-full",   "slow-disk",    "clock",    "tiny",         "leader-moves",
    "reassignment", "topic-churn", "leader-acks", "page-cache",   "groups",   "transactions", "jobs",
    "aimed",        "probes",      "observers",   "voter-changes"};

// Seeds stay what they were before there was more.
constexpr uint64_t kSeedsWithoutJobs = 1000, kSeedsWithoutAim = 2000;

bool MayHave(uint64_t seed, Family family) {
  switch (family) {
    case Family::kReassignment:
    case Family::kAimed:
    case Family::kProbes:
    case Family::kVoterChanges:
    case Family::kGroups:
      return seed > kSeedsWithoutAim;
    case Family::kJobs:
      return seed > kSeedsWithoutJobs;
    default:
      return true;
  }
}

}  // namespace

std::string_view NameOf(Family family) { return kNames.at(static_cast<size_t>(family)); }

int FamilyOf(std::string_view name) {
  for (int i = 0; i < kFamilies; ++i) {
    if (kNames.at(static_cast<size_t>(i)) == name) return i;
  }
  return -1;
}

Plan MakePlan(uint64_t seed, const std::set<Family>& without) {
  Plan plan;
  plan.seed = seed;
  for (int i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    // A fifth of the seeds does without it: what is rare is seen better where it is quiet.
    Random chance = plan.Chance(family);
    const bool wanted = family == Family::kJobs ? chance.OneIn(3) : chance.Below(5) != 0;
    if (wanted && MayHave(seed, family) && !without.contains(family)) plan.on.insert(family);
  }
  Random size = plan.Chance(1);
  const uint64_t dice = size.Below(10);
  plan.nodes = dice == 0 ? 1 : dice < 8 ? 3 : dice == 8 ? 4 : 5;
  plan.voters = plan.has(Family::kObservers) ? std::min(plan.nodes, 3) : plan.nodes;
  plan.shards = 1 + static_cast<int>(size.Below(2));
  plan.partitions = 1 + static_cast<int>(size.Below(3));
  plan.producers = 1 + static_cast<int>(size.Below(2));
  plan.chaos = absl::Milliseconds(size.Between(6000, 14000));
  plan.fault_pause = absl::Milliseconds(size.Between(300, 2000));
  const auto drawn = [&](Family family) {
    Random chance = plan.Chance(family);
    chance.Next();
    return chance;
  };
  if (plan.has(Family::kLoss)) {
    Random chance = drawn(Family::kLoss);
    plan.network.loss = 0.1 * chance.Unit() * chance.Unit();
    plan.network.reset = 0.01 * chance.Unit();
  }
  if (plan.has(Family::kDisorder)) {
    Random chance = drawn(Family::kDisorder);
    plan.network.duplicate = 0.1 * chance.Unit();
    plan.network.reorder = 0.1 * chance.Unit();
    plan.network.stuck = 0.005 * chance.Unit();
    plan.network.min_stuck = absl::Milliseconds(20);
    plan.network.max_stuck = absl::Seconds(chance.Between(1, 20));
    plan.network.mean_delay = absl::Microseconds(chance.Between(200, 5000));
  }
  plan.client_delay = absl::Microseconds(300);
  if (plan.has(Family::kClientLink)) {
    Random chance = drawn(Family::kClientLink);
    plan.client_loss = 0.05 * chance.Unit();
    plan.client_stuck = 0.02 * chance.Unit();
    plan.client_delay = absl::Microseconds(chance.Between(200, 4000));
  }
  if (plan.has(Family::kJobs)) {
    Random chance = drawn(Family::kJobs);
    plan.job_workers = static_cast<int>(chance.Between(1, 3));
    plan.job_interval = absl::Milliseconds(chance.Between(20, 1000));
  }
  if (plan.has(Family::kDiskErrors)) plan.disk_error = 0.15 * drawn(Family::kDiskErrors).Unit();
  plan.checkpoint_interval = absl::Seconds(5);
  if (plan.has(Family::kTiny)) {
    Random chance = drawn(Family::kTiny);
    plan.segment_bytes = chance.Between(2, 64) * 1024;
    plan.checkpoint_interval = absl::Milliseconds(chance.Between(100, 3000));
    plan.fetch_bytes = static_cast<size_t>(chance.Between(200, 20'000));
  }
  return plan;
}

std::string Describe(const Plan& plan) {
  std::string families;
  for (const Family family : plan.on) families += StrCat(" ", NameOf(family));
  return StrCat("seed ", plan.seed, ": ", plan.nodes, " nodes (", plan.voters, " voters) of ", plan.shards, " shards, ",
                plan.partitions, " partitions, ", plan.producers, " producers,", families);
}

}  // namespace leat::nodes
