// Runs simulations of whole clusters: see docs/reliability.md.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/logging.h"
#include "base/strings.h"
#include "tests/sim/simulation.h"
#include "tools/simrun/bank.h"

namespace leat::nodes {
namespace {

constexpr const char* kUsage =
    "Usage: simrun [--seeds N] [--from S] [--seed S] [--trace] [--until-failure] [--without FAMILY[,FAMILY..]]\n"
    "              [--regressions FILE] [--keep-going] [--bank [--defect NAME | --some N [--choice C]]]\n"
    "  --seeds N          runs N seeds (default 100), from S on (default 1); 2 % of them twice, for equal traces\n"
    "  --seed S           runs one, twice; --trace prints what happens, and the brokers' own log, to stderr\n"
    "  --until-failure    runs on until a seed fails\n"
    "  --without FAMILY   leaves out a family of faults or of work\n"
    "  --regressions FILE runs the seeds of a file: one a line, # begins a comment\n"
    "  --keep-going       does not end with the first failing seed\n"
    "  --bank             runs up to N seeds with each planted defect, and says which seed caught it\n"
    "  --some N           with --bank: N of the defects that are often seen, chosen anew each time, or by --choice C\n"
    "  --defect NAME      with --bank: this one, or several (a,b,c); with --seed: the seed has the defect\n";

struct Arguments {
  uint64_t first = 1, count = 100, some = 0;
  std::optional<uint64_t> choice;
  bool one = false, trace = false, until_failure = false, keep_going = false, help = false, bank = false;
  std::string regressions, defect;
  std::set<Family> without;
};

std::string Replay(uint64_t seed, const std::set<Family>& without) {
  std::string out = StrCat("simrun --seed ", seed);
  for (const Family family : without) StrAppend(&out, " --without ", NameOf(family));
  return out;
}

Result RunOne(uint64_t seed, const std::set<Family>& without, Tracing tracing) {
  return Simulation(seed, without, tracing).Run();
}

// Leaves out one family after the other as long as it fails all the same.
std::set<Family> Minimise(uint64_t seed, std::set<Family> without) {
  for (int i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    if (without.contains(family) || !MakePlan(seed, without).has(family)) continue;
    std::set<Family> fewer = without;
    fewer.insert(family);
    if (!RunOne(seed, fewer, Tracing::kQuiet).failure.empty()) without = fewer;
  }
  return without;
}

bool RunsTwice(const Arguments& arguments, uint64_t seed) { return arguments.one || seed % 50 == 7; }

// True if the seed passed.
bool RunSeed(const Arguments& arguments, uint64_t seed, double* virtual_seconds) {
  const Tracing tracing = arguments.trace ? Tracing::kPrint : Tracing::kQuiet;
  const Result result = RunOne(seed, arguments.without, tracing);
  *virtual_seconds += result.virtual_seconds;
  if (result.failure.empty() && RunsTwice(arguments, seed)) {
    const Result again = RunOne(seed, arguments.without, tracing);
    *virtual_seconds += again.virtual_seconds;
    if (again.trace_hash != result.trace_hash) {
      std::printf("seed %llu is not the same twice\n  %s\n", static_cast<unsigned long long>(seed),
                  Replay(seed, arguments.without).c_str());
      return false;
    }
  }
  if (arguments.one) {
    std::printf(
        "%s\ntrace %016llx, %llu acknowledged, %llu read, %llu faults, %llu transactions, %.1f virtual seconds\n",
        Describe(MakePlan(seed, arguments.without)).c_str(), static_cast<unsigned long long>(result.trace_hash),
        static_cast<unsigned long long>(result.acknowledged), static_cast<unsigned long long>(result.seen),
        static_cast<unsigned long long>(result.faults), static_cast<unsigned long long>(result.transactions),
        result.virtual_seconds);
  }
  if (result.failure.empty()) return true;
  std::printf("seed %llu FAILED at %s\n  %s\n", static_cast<unsigned long long>(seed), result.failure.c_str(),
              Replay(seed, arguments.without).c_str());
  std::fflush(stdout);
  if (arguments.trace) return false;
  const std::set<Family> without = Minimise(seed, arguments.without);
  if (without != arguments.without) {
    const Result small = RunOne(seed, without, Tracing::kQuiet);
    std::printf("  smaller: %s\n           %s\n", Replay(seed, without).c_str(), small.failure.c_str());
  }
  std::fflush(stdout);
  return false;
}

// The seeds to run, in order; those of the file if there is one.
std::optional<std::vector<uint64_t>> SeedsOf(const std::string& path) {
  std::vector<uint64_t> seeds;
  std::ifstream file(path);
  if (!file) {
    std::fprintf(stderr, "simrun: cannot read %s\n", path.c_str());
    return std::nullopt;
  }
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    char* end = nullptr;
    const uint64_t seed = std::strtoull(line.c_str(), &end, 10);
    if (end == line.c_str() || (*end != ' ' && *end != '\0')) {
      std::fprintf(stderr, "simrun: %s: expected a seed at the beginning of '%s'\n", path.c_str(), line.c_str());
      return std::nullopt;
    }
    seeds.push_back(seed);
  }
  return seeds;
}

int RunSeeds(const Arguments& arguments) {
  std::vector<uint64_t> listed;
  if (!arguments.regressions.empty()) {
    std::optional<std::vector<uint64_t>> seeds = SeedsOf(arguments.regressions);
    if (!seeds) return 2;
    listed = *std::move(seeds);
  }
  const uint64_t count = arguments.regressions.empty() ? arguments.count : listed.size();
  // The only look at a clock of this machine: how fast it went.
  const auto begun = std::chrono::steady_clock::now();
  double virtual_seconds = 0;
  uint64_t run = 0, failed = 0;
  while (arguments.until_failure || run < count) {
    const uint64_t seed = arguments.regressions.empty() ? arguments.first + run : listed[run];
    ++run;
    if (!RunSeed(arguments, seed, &virtual_seconds)) ++failed;
    if (failed > 0 && !arguments.keep_going) break;
  }
  const double real = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  std::printf("%llu seeds run, %llu failed, %.0f virtual seconds per real second\n",
              static_cast<unsigned long long>(run), static_cast<unsigned long long>(failed), virtual_seconds / real);
  return failed == 0 ? 0 : 1;
}

bool AddFamilies(std::string_view names, std::set<Family>* out) {
  while (!names.empty()) {
    const size_t comma = std::min(names.find(','), names.size());
    const int family = FamilyOf(names.substr(0, comma));
    if (family < 0) {
      std::string known;
      for (int i = 0; i < kFamilies; ++i) StrAppend(&known, " ", NameOf(static_cast<Family>(i)));
      std::fprintf(stderr, "simrun: there is no family '%s'; there are%s\n",
                   std::string(names.substr(0, comma)).c_str(), known.c_str());
      return false;
    }
    out->insert(static_cast<Family>(family));
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return true;
}

// Another one in each run, so that over many runs all of the bank are tried.
uint64_t AnyChoice() {
  std::ifstream source("/dev/urandom", std::ios::binary);
  uint32_t choice = 0;
  source.read(reinterpret_cast<char*>(&choice), sizeof(choice));
  return choice;
}

int RunBankOf(const Arguments& arguments) {
  if (arguments.some == 0) return RunBank(arguments.defect, arguments.first, arguments.count);
  const uint64_t choice = arguments.choice ? *arguments.choice : AnyChoice();
  std::printf("%llu planted defects, again with --choice %llu\n", static_cast<unsigned long long>(arguments.some),
              static_cast<unsigned long long>(choice));
  std::fflush(stdout);
  return RunBank(SomeOftenSeen(arguments.some, choice), arguments.first, arguments.count);
}

std::optional<Arguments> Parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const auto number = [&](uint64_t* out) {
      char* end = nullptr;
      if (i + 1 >= argc) return false;
      *out = std::strtoull(argv[++i], &end, 10);
      return *end == '\0' && end != argv[i];
    };
    bool good = true;
    if (name == "--seeds") {
      good = number(&arguments.count);
    } else if (name == "--from") {
      good = number(&arguments.first);
    } else if (name == "--seed") {
      good = number(&arguments.first);
      arguments.one = true;
      arguments.count = 1;
    } else if (name == "--trace") {
      arguments.trace = true;
    } else if (name == "--until-failure") {
      arguments.until_failure = true;
    } else if (name == "--keep-going") {
      arguments.keep_going = true;
    } else if (name == "--without") {
      if (!AddFamilies(i + 1 < argc ? argv[++i] : "?", &arguments.without)) return std::nullopt;
    } else if (name == "--regressions") {
      if (i + 1 >= argc) {
        std::fprintf(stderr, "simrun: --regressions needs a file\n%s", kUsage);
        return std::nullopt;
      }
      arguments.regressions = argv[++i];
    } else if (name == "--bank") {
      arguments.bank = true;
    } else if (name == "--some") {
      good = number(&arguments.some);
    } else if (name == "--choice") {
      good = number(&arguments.choice.emplace());
    } else if (name == "--defect") {
      if (i + 1 >= argc) {
        std::fprintf(stderr, "simrun: --defect needs a name\n%s", kUsage);
        return std::nullopt;
      }
      arguments.defect = argv[++i];
    } else if (name == "--help" || name == "-h") {
      arguments.help = true;
    } else {
      std::fprintf(stderr, "simrun: unknown argument '%s'\n%s", argv[i], kUsage);
      return std::nullopt;
    }
    if (good) continue;
    std::fprintf(stderr, "simrun: %s needs a number\n%s", std::string(name).c_str(), kUsage);
    return std::nullopt;
  }
  return arguments;
}

}  // namespace
}  // namespace leat::nodes

int main(int argc, char** argv) {
  using namespace leat::nodes;  // NOLINT
  const std::optional<Arguments> arguments = Parse(argc, argv);
  if (!arguments) return 2;
  if (arguments->help) {
    std::printf("%s", kUsage);
    return 0;
  }
  leat::InitLogging(leat::LogLevel::kInfo);
  if (!arguments->trace) spdlog::get("leat")->set_level(spdlog::level::off);
  if (arguments->bank) return RunBankOf(*arguments);
  if (!arguments->defect.empty()) {
    const auto known = std::ranges::find(Bank(), arguments->defect, &PlantedDefect::name);
    if (known == Bank().end()) {
      std::fprintf(stderr, "simrun: there is no defect '%s' in the bank; simrun --bank --defect ? lists them\n",
                   arguments->defect.c_str());
      return 2;
    }
    Plant(*known);
  }
  return RunSeeds(*arguments);
}
