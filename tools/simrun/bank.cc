#include "tools/simrun/bank.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "base/random.h"
#include "base/strings.h"
#include "tests/sim/simulation.h"

namespace leat {

namespace replication {
Defect planted_defect = Defect::kNone;
}  // namespace replication

namespace meta {
Bug planted_bug = Bug::kNone;
}  // namespace meta

namespace run {
Defect planted_defect = Defect::kNone;
}  // namespace run

namespace nodes {

using replication::Defect;

const std::vector<PlantedDefect>& Bank() {
  constexpr auto kOften = PlantedDefect::Seen::kOften;
  static const std::vector<PlantedDefect> bank = {
      {"truncate-by-high-watermark", Defect::kTruncateByHighWatermark, {}, {}, kOften},
      {"acknowledge-before-min-insync", Defect::kAckBeforeMinInSync, {}, {}, kOften},
      {"fetch-of-an-earlier-life-counts", Defect::kAcceptStaleBrokerEpoch, {}},
      {"ignore-the-pending-in-sync-set", Defect::kIgnorePendingIsr, {}, {}, kOften},
      {"answer-an-epoch-above-the-asked", Defect::kAnswerEpochAboveAsked, {}},
      {"trust-the-leaders-high-watermark", Defect::kTrustLeaderHighWatermark, {}, {}, kOften},
      {"compare-offsets-only", Defect::kCompareOffsetsOnly, {}, {}, kOften},
      {"in-sync-by-time", Defect::kInSyncByTime, {}, {}, kOften},
      {"ask-for-more-before-it-is-on-disk", Defect::kAskBeforeDurable, {}, {}, kOften},
      {"lead-class-f-from-the-page-cache", Defect::kLeadFromPageCache, {}, {}, kOften},
      {"answer-the-latest-offset-early", Defect::kAnswerLatestEarly, {}, {}, kOften},
      {"raise-the-mark-before-the-log-start", Defect::kRaiseMarkBeforeLogStart, {}},
      {"take-the-refusal-of-any-attempt", Defect::kTakeAnyRefusal, {}},
      {"forget-an-unanswered-proposal", Defect::kForgetUnanswered, {}},
      {"act-on-an-image-of-another-life", Defect::kActOnOldImage, {}},
      {"an-earlier-life-enters-the-in-sync-set", {}, meta::Bug::kAcceptStaleBrokerEpoch},
      {"elect-outside-of-the-in-sync-set", {}, meta::Bug::kElectOutsideIsr, {}, kOften},
      {"partition-epoch-stays", {}, meta::Bug::kForgetPartitionEpoch, {}, kOften},
      {"a-fenced-broker-stays-in-sync", {}, meta::Bug::kKeepFencedInIsr},
      {"unclean-election-although-off", {}, meta::Bug::kUncleanAlthoughOff, {}, kOften},
      {"unclean-replica-stays-eligible", {}, meta::Bug::kKeepUncleanInElr},
      {"leader-epoch-stays", {}, meta::Bug::kForgetLeaderEpoch, {}, kOften},
      {"nobody-takes-up-leaderless-partitions", {}, meta::Bug::kLeaveLeaderless, {}, kOften},
      {"a-reassignment-ends-early", {}, meta::Bug::kFinishReassignmentEarly},
      {"a-job-writes-outside-its-transaction", {}, {}, run::Defect::kOutputOutsideTransaction, kOften},
      {"a-job-restores-all-but-an-epoch", {}, {}, run::Defect::kRestoreSkipsEpoch, kOften},
      {"a-job-logs-positions-without-state", {}, {}, run::Defect::kPositionsWithoutState, kOften},
      {"a-job-applies-state-before-its-commit", {}, {}, run::Defect::kStateBeforeCommit, kOften},
      {"a-job-keeps-its-sequence-numbers", {}, {}, run::Defect::kSequencesStay},
  };
  return bank;
}

void Plant(const PlantedDefect& defect) {
  replication::planted_defect = defect.replication;
  meta::planted_bug = defect.meta;
  run::planted_defect = defect.job;
}

namespace {

struct Attempt {
  uint64_t seeds = 0;   // that were run
  uint64_t last = 0;    // the last one
  std::string failure;  // empty: none of them noticed anything
  std::string said;     // the last line that was not meant for the pipe
};

// Runs in a process of its own, which tells the pipe what it does: a defect that a check of the program notices ends
// it.
[[noreturn]] void RunSeeds(int out, const PlantedDefect& defect, uint64_t first, uint64_t count) {
  dup2(out, STDERR_FILENO);  // what a check says
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  Plant(defect);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    dprintf(out, "seed %llu\n", static_cast<unsigned long long>(seed));
    const std::string failure = Simulation(seed, {}, Tracing::kQuiet).Run().failure;
    if (failure.empty()) continue;
    dprintf(out, "failed %s\n", failure.c_str());
    break;
  }
  _exit(0);
}

Attempt Read(int in) {
  std::string text;
  for (std::array<char, 4096> buffer; true;) {
    const ssize_t got = read(in, buffer.data(), buffer.size());
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<size_t>(got));
  }
  Attempt verdict;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("seed ")) {
      ++verdict.seeds;
      verdict.last = std::strtoull(line.c_str() + 5, nullptr, 10);
    } else if (line.starts_with("failed ")) {
      verdict.failure = line.substr(7);
    } else if (!line.empty()) {
      verdict.said = line;
    }
  }
  return verdict;
}

Attempt Try(const PlantedDefect& defect, uint64_t first, uint64_t count) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return {};
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    RunSeeds(ends[1], defect, first, count);
  }
  close(ends[1]);
  Attempt verdict = child < 0 ? Attempt{} : Read(ends[0]);
  close(ends[0]);
  int status = 0;
  if (child > 0) waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    verdict.failure = StrCat("the end of the program: ", verdict.said.substr(0, 300));
  }
  return verdict;
}

bool Wanted(const std::string& only, const std::string& name) {
  return only.empty() || StrCat(",", only, ",").find(StrCat(",", name, ",")) != std::string::npos;
}

}  // namespace

std::string SomeOftenSeen(uint64_t count, uint64_t choice) {
  std::vector<std::string> names;
  for (const PlantedDefect& defect : Bank()) {
    if (defect.seen == PlantedDefect::Seen::kOften) names.push_back(defect.name);
  }
  Random random(choice);
  std::string chosen;
  for (; count > 0 && !names.empty(); --count) {
    std::swap(names[random.Below(names.size())], names.back());
    StrAppend(&chosen, chosen.empty() ? "" : ",", names.back());
    names.pop_back();
  }
  return chosen;
}

int RunBank(const std::string& only, uint64_t first, uint64_t count) {
  size_t tried = 0, caught = 0;
  for (const PlantedDefect& defect : Bank()) {
    if (!Wanted(only, defect.name)) continue;
    ++tried;
    const Attempt verdict = Try(defect, first, count);
    if (verdict.failure.empty()) {
      std::printf("%-40s not caught in %llu seeds\n", defect.name.c_str(),
                  static_cast<unsigned long long>(verdict.seeds));
    } else {
      ++caught;
      std::printf("%-40s caught by the %llu. seed, %llu, at %s\n", defect.name.c_str(),
                  static_cast<unsigned long long>(verdict.seeds), static_cast<unsigned long long>(verdict.last),
                  verdict.failure.substr(0, 200).c_str());
    }
    std::fflush(stdout);
  }
  const size_t named = only.empty() ? Bank().size() : static_cast<size_t>(std::ranges::count(only, ',')) + 1;
  if (tried != named) {
    std::fprintf(stderr, "simrun: of '%s' not all are defects of the bank; there are\n", only.c_str());
    for (const PlantedDefect& defect : Bank()) std::fprintf(stderr, "  %s\n", defect.name.c_str());
    return 2;
  }
  std::printf("%zu planted defects, %zu caught\n", tried, caught);
  return caught == tried ? 0 : 1;
}

}  // namespace nodes
}  // namespace leat
