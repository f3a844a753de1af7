#include "tools/simrun/bank.h"

#include <cstdio>

#include "tests/sim/simulation.h"

namespace leat {

namespace replication {
Defect planted_defect = Defect::kNone;
}  // namespace replication

namespace meta {
Bug planted_bug = Bug::kNone;
}  // namespace meta

namespace nodes {

using replication::Defect;

const std::vector<PlantedDefect>& Bank() {
  static const std::vector<PlantedDefect> bank = {
      {"truncate-by-high-watermark", Defect::kTruncateByHighWatermark, {}},
      {"acknowledge-before-min-insync", Defect::kAckBeforeMinInSync, {}},
      {"fetch-of-an-earlier-life-counts", Defect::kAcceptStaleBrokerEpoch, {}},
      {"ignore-the-pending-in-sync-set", Defect::kIgnorePendingIsr, {}},
      {"answer-an-epoch-above-the-asked", Defect::kAnswerEpochAboveAsked, {}},
      {"trust-the-leaders-high-watermark", Defect::kTrustLeaderHighWatermark, {}},
      {"compare-offsets-only", Defect::kCompareOffsetsOnly, {}},
      {"in-sync-by-time", Defect::kInSyncByTime, {}},
      {"ask-for-more-before-it-is-on-disk", Defect::kAskBeforeDurable, {}},
      {"lead-class-f-from-the-page-cache", Defect::kLeadFromPageCache, {}},
      {"answer-the-latest-offset-early", Defect::kAnswerLatestEarly, {}},
      {"raise-the-mark-before-the-log-start", Defect::kRaiseMarkBeforeLogStart, {}},
      {"take-the-refusal-of-any-attempt", Defect::kTakeAnyRefusal, {}},
      {"forget-an-unanswered-proposal", Defect::kForgetUnanswered, {}},
      {"act-on-an-image-of-another-life", Defect::kActOnOldImage, {}},
      {"an-earlier-life-enters-the-in-sync-set", {}, meta::Bug::kAcceptStaleBrokerEpoch},
      {"elect-outside-of-the-in-sync-set", {}, meta::Bug::kElectOutsideIsr},
      {"partition-epoch-stays", {}, meta::Bug::kForgetPartitionEpoch},
      {"a-fenced-broker-stays-in-sync", {}, meta::Bug::kKeepFencedInIsr},
      {"unclean-election-although-off", {}, meta::Bug::kUncleanAlthoughOff},
      {"unclean-replica-stays-eligible", {}, meta::Bug::kKeepUncleanInElr},
      {"leader-epoch-stays", {}, meta::Bug::kForgetLeaderEpoch},
      {"nobody-takes-up-leaderless-partitions", {}, meta::Bug::kLeaveLeaderless},
  };
  return bank;
}

void Plant(const PlantedDefect& defect) {
  replication::planted_defect = defect.replication;
  meta::planted_bug = defect.meta;
}

void PlantNone() { Plant({}); }

int RunBank(const std::string& only, uint64_t first, uint64_t count) {
  size_t tried = 0, caught = 0;
  for (const PlantedDefect& defect : Bank()) {
    if (!only.empty() && only != defect.name) continue;
    ++tried;
    Plant(defect);
    std::string failure;
    uint64_t seed = first;
    for (; seed < first + count && failure.empty(); ++seed) {
      failure = Simulation(seed, {}, Tracing::kQuiet).Run().failure;
    }
    PlantNone();
    if (failure.empty()) {
      std::printf("%-40s not caught in %llu seeds\n", defect.name.c_str(), static_cast<unsigned long long>(count));
    } else {
      ++caught;
      std::printf("%-40s caught after %llu seeds, by seed %llu at %s\n", defect.name.c_str(),
                  static_cast<unsigned long long>(seed - first), static_cast<unsigned long long>(seed - 1),
                  failure.substr(0, 160).c_str());
    }
    std::fflush(stdout);
  }
  if (tried == 0) {
    std::fprintf(stderr, "simrun: there is no defect '%s'; there are\n", only.c_str());
    for (const PlantedDefect& defect : Bank()) std::fprintf(stderr, "  %s\n", defect.name.c_str());
    return 2;
  }
  std::printf("%zu planted defects, %zu caught\n", tried, caught);
  return caught == tried ? 0 : 1;
}

}  // namespace nodes
}  // namespace leat
