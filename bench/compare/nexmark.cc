// nexmark: the events and the clock of the stream engine's benchmark (nexmark.py).
//   nexmark events  writes events, event n to FOLDER/nexmark.(n mod PARTITIONS), and the channels' versions beside them
//   nexmark latency sends bids at a fixed rate and tells after what time each came back from the job's output topic
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/strings.h"
#include "bench/compare/nexmark_events.h"
#include "bench/compare/nexmark_latency.h"

namespace leat::load {
namespace {

std::vector<std::ofstream> Open(const std::string& folder, const std::string& name, int64_t partitions) {
  std::vector<std::ofstream> files;
  for (int64_t i = 0; i < partitions; ++i) {
    files.emplace_back(std::filesystem::path(folder) / StrCat(name, ".", i), std::ios::binary);
    files.back().exceptions(std::ios::failbit | std::ios::badbit);
  }
  return files;
}

// Lines of the files are values; in nexmark_ch.* key, tab, value.
int Write(const NexmarkOptions& options, int64_t count, int64_t partitions, const std::string& folder) {
  NexmarkEvents events(options);
  std::vector<std::ofstream> files = Open(folder, "nexmark", partitions);
  std::string json;
  for (int64_t i = 0; i < count; ++i) {
    events.Next(&json);
    files[static_cast<size_t>(i % partitions)] << json << '\n';
  }
  NexmarkChannels channels(options, count);
  std::vector<std::ofstream> versions = Open(folder, "nexmark_ch", partitions);
  std::string key;
  int64_t hint = 0;
  while (channels.Next(&key, &json, &hint))
    versions[static_cast<size_t>(hint % partitions)] << key << '\t' << json << '\n';
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Nexmark-like events for measuring the stream engine");
  app.require_subcommand(1);
  NexmarkOptions options;
  int64_t count = 1'000;
  int64_t partitions = 4;
  std::string folder;
  CLI::App* events = app.add_subcommand("events", "write events and the channels' versions as lines of JSON");
  events->add_option("--seed", options.seed);
  events->add_option("--events", count);
  events->add_option("--partitions", partitions)->check(CLI::PositiveNumber);
  events->add_option("--events-per-second", options.events_per_second, "of event time")->check(CLI::PositiveNumber);
  events->add_option("--late", options.late_percent, "percent of the events that are up to 3 s late");
  events->add_option("folder", folder)->required();
  LatencyOptions latency;
  CLI::App* clock = app.add_subcommand("latency", "send bids at a fixed rate and wait for each in another topic");
  clock->add_option("--address", latency.address, "of the broker's gRPC listener");
  clock->add_option("--partitions", latency.partitions, "of the topic that is written to")->check(CLI::PositiveNumber);
  clock->add_option("--rate", latency.rate, "bids per second")->check(CLI::PositiveNumber);
  clock->add_option("--seconds", latency.seconds, "to measure");
  clock->add_option("--warm", latency.warm_seconds, "seconds before that");
  clock->add_option("input", latency.input)->required();
  clock->add_option("output", latency.output)->required();
  CLI11_PARSE(app, argc, argv);
  if (app.got_subcommand(events)) return Write(options, count, partitions, folder);
  return MeasureLatency(latency);
}

}  // namespace
}  // namespace leat::load

int main(int argc, char** argv) {
  try {
    return leat::load::Main(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "nexmark: %s\n", e.what());
    return 1;
  }
}
