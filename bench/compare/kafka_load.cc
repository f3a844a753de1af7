// kafka_load: load over Kafka's protocol from one thread with requests encoded beforehand, so that the client costs
// next to nothing and the server's own cost and tail latency show. Works against anything that speaks the protocol, one
// broker or a cluster. Prints JSON; exits with 1 if a request failed.
#include <absl/strings/str_join.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>

#include "base/strings.h"
#include "bench/compare/load_client.h"
#include "bench/compare/load_probe.h"
#include "bench/compare/load_requests.h"
#include "bench/compare/load_run.h"

namespace leat::load {
namespace {

constexpr int kCreateTimeoutMs = 60'000;
constexpr int kTryAgainUs = 5000;

// The error code; nothing if nobody answers.
std::optional<int16_t> TryCreate(const std::string& at, const NewTopic& topic) {
  LoadClient client;
  for (const std::string& address : SplitAddresses(at)) {
    if (!client.Connect(address)) continue;
    const std::optional<std::string> answer = client.Ask(CreateTopicFrame(topic), kCreateTimeoutMs);
    if (answer) return ReadCreateTopicAnswer(*answer).error;
  }
  return std::nullopt;
}

// Makes the topic; one that is there already is fine. A cluster that is starting may not take it yet.
int Create(const std::string& at, const NewTopic& topic, double patience_seconds) {
  constexpr int16_t kExists = 36;
  const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(patience_seconds);
  std::optional<int16_t> error;
  while (true) {
    error = TryCreate(at, topic);
    if (error == 0 || error == kExists || std::chrono::steady_clock::now() >= until) break;
    ::usleep(kTryAgainUs);
  }
  if (!error) {
    std::fprintf(stderr, "kafka_load: nobody answers at %s\n", at.c_str());
    return 1;
  }
  std::printf("{\"error\":%d}\n", *error);
  return error == 0 || error == kExists ? 0 : 1;
}

// Who leads, as JSON.
int Where(const LoadOptions& options) {
  const std::optional<ClusterView> view = LookAtQuorum(SplitAddresses(options.at), options.topic);
  if (!view) {
    std::fprintf(stderr, "kafka_load: nobody answers at %s\n", options.at.c_str());
    return 1;
  }
  std::vector<std::string> leaders;
  std::vector<std::string> in_sync;
  for (const ClusterView::Partition& partition : view->partitions) {
    leaders.push_back(StrCat(partition.leader));
    in_sync.push_back(StrCat(partition.in_sync.size()));
  }
  std::printf("{\"controller\":%d,\"brokers\":%zu,\"leaders\":[%s],\"in_sync\":[%s]}\n", view->controller,
              view->brokers.size(), absl::StrJoin(leaders, ",").c_str(), absl::StrJoin(in_sync, ",").c_str());
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Load over Kafka's protocol, for measuring a broker");
  app.require_subcommand(1);
  LoadOptions options;
  NewTopic topic;
  ProbeOptions probed;
  bool changes = false;
  double patience = 0;
  CLI::App* create = app.add_subcommand("create", "make a topic");
  CLI::App* produce = app.add_subcommand("produce", "send record batches");
  CLI::App* fetch = app.add_subcommand("fetch", "read from the start, again and again");
  CLI::App* where = app.add_subcommand("where", "who leads the topic's partitions and the quorum");
  CLI::App* probe = app.add_subcommand("probe", "one small write after the other; tells of times without any");
  for (CLI::App* command : {create, produce, fetch, where, probe}) {
    command->add_option("--at", options.at, "addresses of the brokers: IPv4:PORT,IPv4:PORT");
    command->add_option("--topic", options.topic)->required();
    command->add_option("--partitions", options.partitions, "of the topic; connections are spread over them");
  }
  create->add_option("--configs", topic.configs, "name=value,name=value");
  create->add_option("--copies", topic.copies, "of each partition");
  create->add_option("--patience", patience, "seconds to try for");
  probe->add_option("--partition", probed.partition, "of the records");
  probe->add_flag("--changes", changes, "of the topic's config, in place of records");
  probe->add_option("--gap-ms", probed.gap_ms, "what is told: so long without an acknowledgement");
  probe->add_option("--interval-us", probed.interval_us, "between an acknowledgement and the next write");
  probe->add_option("--timeout-ms", probed.timeout_ms, "without an answer, then another broker is asked");
  probe->add_option("--seconds", probed.seconds);
  for (CLI::App* command : {produce, fetch}) {
    command->add_option("--connections", options.connections);
    command->add_option("--seconds", options.seconds, "to measure");
    command->add_option("--warm", options.warm_seconds, "seconds before that");
    command->add_option("--pid", options.pids, "processes of the server, whose cost is told")->delimiter(',');
  }
  for (CLI::App* command : {produce, probe}) {
    command->add_option("--records", options.batch.records, "in a batch");
    command->add_option("--size", options.batch.value_bytes, "bytes of a record's value");
  }
  produce->add_option("--depth", options.depth, "requests under way on a connection");
  produce->add_option("--acks", options.acks);
  produce->add_option("--rate", options.rate, "requests per second in an open loop; 0: closed loop");
  fetch->add_option("--max-bytes", options.max_bytes);
  CLI11_PARSE(app, argc, argv);
  if (create->parsed()) {
    topic.name = options.topic;
    topic.partitions = options.partitions;
    return Create(options.at, topic, patience);
  }
  if (where->parsed()) return Where(options);
  if (probe->parsed()) {
    probed.addresses = SplitAddresses(options.at);
    probed.topic = options.topic;
    probed.batch = options.batch;
    probed.what = changes ? ProbeOptions::What::kChanges : ProbeOptions::What::kWrites;
    return RunProbe(probed);
  }
  const LoadResult result = produce->parsed() ? RunProduce(options) : RunFetch(options);
  std::printf("%s\n", ResultJson(options, result).c_str());
  return result.errors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace leat::load

int main(int argc, char** argv) { return leat::load::Main(argc, argv); }
