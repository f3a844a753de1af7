// The bank of planted defects: each must be caught by the simulation within 2,000 seeds, one that needs three messages
// out of order within 10,000. The cores are compiled into
// this program once more, with the switch; see src/replication/planted.h.
//   leat_replication_planted            all defects; the last column is the first seed that caught it
//   leat_replication_planted N SEEDS    defect N alone
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "replication/planted.h"
#include "tests/replication/sim_cluster.h"

namespace leat::replication {

Defect planted_defect = Defect::kNone;

namespace {

const char* Name(Defect defect) {
  switch (defect) {
    case Defect::kNone:
      return "none";
    case Defect::kTruncateByHighWatermark:
      return "truncate by high watermark";
    case Defect::kAckBeforeMinInSync:
      return "acknowledge before min.insync";
    case Defect::kAcceptStaleBrokerEpoch:
      return "accept a stale broker epoch";
    case Defect::kIgnorePendingIsr:
      return "ignore the pending in-sync set";
    case Defect::kAnswerEpochAboveAsked:
      return "answer an epoch above the asked one";
    case Defect::kTrustLeaderHighWatermark:
      return "trust the leader's high watermark";
    case Defect::kCompareOffsetsOnly:
      return "compare offsets only";
    case Defect::kInSyncByTime:
      return "in sync by time";
    case Defect::kAskBeforeDurable:
      return "ask for more before it is on disk";
    case Defect::kLeadFromPageCache:
      return "lead class F from the page cache";
    case Defect::kAnswerLatestEarly:
      return "answer the latest offset early";
    case Defect::kRaiseMarkBeforeLogStart:
      return "high watermark before log start";
    case Defect::kTakeAnyRefusal:
      return "take the refusal of any attempt";
    case Defect::kForgetUnanswered:
      return "forget an unanswered proposal";
    case Defect::kActOnOldImage:
      return "act on an image of another life";
  }
  return "?";
}

// The first seed that fails, 0 if none does.
uint64_t FirstCaught(Defect defect, uint64_t seeds, std::string* failure) {
  planted_defect = defect;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const sim::Result result = sim::Cluster(seed).Run();
    if (result.failure.empty()) continue;
    *failure = result.failure;
    return seed;
  }
  return 0;
}

// Seeds in which a defect must be caught.
uint64_t Limit(Defect defect) { return defect == Defect::kTakeAnyRefusal ? 10'000 : 2'000; }

int RunBank(int first, int last, std::optional<uint64_t> seeds) {
  int missed = 0;
  for (int i = first; i <= last; ++i) {
    std::string failure;
    const uint64_t seed = FirstCaught(static_cast<Defect>(i), seeds.value_or(Limit(static_cast<Defect>(i))), &failure);
    std::printf("%d %-36s %s\n", i, Name(static_cast<Defect>(i)), seed == 0 ? "MISSED" : failure.c_str());
    if (seed == 0) ++missed;
  }
  std::printf("%d planted, %d missed\n", last - first + 1, missed);
  return missed;
}

}  // namespace
}  // namespace leat::replication

int main(int argc, char** argv) {
  constexpr int kLast = static_cast<int>(leat::replication::Defect::kActOnOldImage);
  if (argc == 3) {
    const int which = std::atoi(argv[1]);
    return leat::replication::RunBank(which, which, std::strtoull(argv[2], nullptr, 10)) == 0 ? 0 : 1;
  }
  return leat::replication::RunBank(1, kLast, std::nullopt) == 0 ? 0 : 1;
}
