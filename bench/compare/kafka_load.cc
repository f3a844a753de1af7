// kafka_load: load over Kafka's protocol from one thread with requests encoded beforehand, so that the client costs
// next to nothing and the server's own cost and tail latency show. Works against anything that speaks the protocol.
// Prints one JSON line; exits with 1 if a request failed.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "bench/compare/load_connection.h"
#include "bench/compare/load_run.h"

namespace leat::load {
namespace {

// Makes the topic; one that is there already is fine.
int Create(const LoadOptions& options, const std::string& configs) {
  constexpr int16_t kExists = 36;
  LoadConnection connection(options.at);
  connection.Send(CreateTopicFrame(options.topic, options.partitions, configs), 0);
  int16_t error = 0;
  bool answered = false;
  while (!answered) {
    if (!connection.Receive([&](std::string_view frame, int64_t) {
          error = ReadCreateTopicAnswer(frame).error;
          answered = true;
        })) {
      std::fprintf(stderr, "kafka_load: the server closed the connection\n");
      return 1;
    }
    ::usleep(1000);
  }
  std::printf("{\"error\":%d}\n", error);
  return error == 0 || error == kExists ? 0 : 1;
}

int Main(int argc, char** argv) {
  CLI::App app("Load over Kafka's protocol, for measuring a broker");
  app.require_subcommand(1);
  LoadOptions options;
  std::string configs;
  CLI::App* create = app.add_subcommand("create", "make a topic");
  CLI::App* produce = app.add_subcommand("produce", "send record batches");
  CLI::App* fetch = app.add_subcommand("fetch", "read from the start, again and again");
  for (CLI::App* command : {create, produce, fetch}) {
    command->add_option("--at", options.at, "address of the broker: IPv4:PORT");
    command->add_option("--topic", options.topic)->required();
    command->add_option("--partitions", options.partitions, "of the topic; connections are spread over them");
  }
  create->add_option("--configs", configs, "name=value,name=value");
  for (CLI::App* command : {produce, fetch}) {
    command->add_option("--connections", options.connections);
    command->add_option("--seconds", options.seconds, "to measure");
    command->add_option("--warm", options.warm_seconds, "seconds before that");
    command->add_option("--pid", options.pids, "processes of the server, whose cost is told")->delimiter(',');
  }
  produce->add_option("--depth", options.depth, "requests under way on a connection");
  produce->add_option("--records", options.batch.records, "in a batch");
  produce->add_option("--size", options.batch.value_bytes, "bytes of a record's value");
  produce->add_option("--acks", options.acks);
  produce->add_option("--rate", options.rate, "requests per second in an open loop; 0: closed loop");
  fetch->add_option("--max-bytes", options.max_bytes);
  CLI11_PARSE(app, argc, argv);
  if (create->parsed()) return Create(options, configs);
  const LoadResult result = produce->parsed() ? RunProduce(options) : RunFetch(options);
  std::printf("%s\n", ResultJson(options, result).c_str());
  return result.errors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace leat::load

int main(int argc, char** argv) { return leat::load::Main(argc, argv); }
