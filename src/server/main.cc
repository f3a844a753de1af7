// leatd: reads its configuration, runs one node until SIGTERM or SIGINT.
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>
#include <future>

#include "base/logging.h"
#include "config/load.h"
#include "config/render.h"
#include "env/disk.h"
#include "runtime/footprint.h"
#include "runtime/posix_disk.h"
#include "runtime/service_manager.h"
#include "runtime/signals.h"
#include "server/node.h"

namespace {

constexpr std::chrono::seconds kGiveBackEvery(60);  // looking takes tens of milliseconds of a large heap

constexpr char kFooter[] = R"(Examples:
  leatd                                        an embedded broker: loopback only, data in ./leat-data
  leatd --config broker.yaml                   every key is in config/broker.yaml, with unit, default and range
  leatd --set data_dir=/var/lib/leat --set listeners.grpc=127.0.0.1:0
  leatd --config broker.yaml --check-config    says what is wrong with it, and ends

When it is ready it prints one line of JSON on stdout:
  {"event":"ready","grpc":"127.0.0.1:9095","kafka":"127.0.0.1:9092","admin":"127.0.0.1:9096","pid":1}
Logs go to stderr. SIGTERM and SIGINT end it in order; a second one at once. Under systemd (Type=notify) it says when it
is ready and when it stops.)";

struct Arguments {
  std::string config;
  std::vector<std::string> set;
  std::string ready_file;
  std::string metrics_reference;
  bool check_config = false;
  bool print_default_config = false;
  bool print_config_reference = false;
};

int Fail(const absl::Status& status) {
  std::fprintf(stderr, "leatd: %s\n", std::string(leat::Message(status)).c_str());
  return 1;
}

std::string ReadyLine(const leat::server::Addresses& addresses) {
  boost::json::object line{
      {"event", "ready"}, {"grpc", addresses.grpc}, {"kafka", addresses.kafka}, {"admin", addresses.admin}};
  if (!addresses.internal.empty()) line["internal"] = addresses.internal;
  line["pid"] = static_cast<int64_t>(getpid());
  return boost::json::serialize(line);
}

// Requests and answers of some hundred KiB come and go at a high rate. By glibc's defaults their memory would go back
// to the system each time, and each page of it would fault when it is needed again.
void KeepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

// A manager that cannot be told is no reason to end: the broker works, and the manager will say what it missed.
void Tell(std::string_view state) {
  if (const absl::Status told = leat::runtime::TellServiceManager(state); !told.ok()) {
    leat::LogWarning("server", leat::Message(told));
  }
}

int Run(const leat::config::BrokerOptions& options, const Arguments& arguments) {
  leat::InitLogging(options.logging.level);
  KeepFreedMemory();
  std::promise<int> stop;
  leat::server::Node node(options);  // has no threads yet
  const leat::runtime::StopSignals signals([&](int signal) {
    stop.set_value(signal);
    node.GiveUpStarting();
  });
  const absl::StatusOr<leat::server::Addresses> addresses = node.Start();
  if (absl::IsCancelled(addresses.status())) {
    leat::LogInfo("server", "signal ", stop.get_future().get(), ": stopped before the start was through");
    return 0;
  }
  if (!addresses.ok()) return Fail(addresses.status());
  const std::string line = ReadyLine(*addresses);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
  leat::runtime::PosixDisk disk;
  if (!arguments.ready_file.empty()) {
    if (const absl::Status written = leat::env::WriteFileAtomically(disk, arguments.ready_file, line + "\n");
        !written.ok()) {
      const absl::Status stopped = node.Stop();
      return Fail(leat::Annotate(written, "--ready-file"));
    }
  }
  Tell("READY=1");
  leat::runtime::GiveBackStartMemory();
  std::future<int> stopping = stop.get_future();
  while (stopping.wait_for(kGiveBackEvery) == std::future_status::timeout) leat::runtime::GiveBackFreeMemory();
  const int signal = stopping.get();
  leat::LogInfo("server", "signal ", signal, ": stopping");
  Tell("STOPPING=1");
  absl::Status stopped = node.Stop();
  if (!arguments.metrics_reference.empty()) {
    stopped.Update(leat::env::WriteFileAtomically(disk, arguments.metrics_reference, node.MetricsReference()));
  }
  return stopped.ok() ? 0 : Fail(stopped);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"leatd, the Leat broker: a durable log, and streaming SQL jobs inside it.", "leatd"};
  app.footer(kFooter);
  app.set_version_flag("--version", LEAT_VERSION);
  Arguments arguments;
  app.add_option("--config", arguments.config, "configuration file (YAML)");
  app.add_option("--set", arguments.set, "key=value: sets one key; may be given again, and wins over the file");
  app.add_option("--ready-file", arguments.ready_file, "also write the ready line to this file");
  app.add_flag("--check-config", arguments.check_config, "check the configuration and end");
  app.add_flag("--print-default-config", arguments.print_default_config,
               "print config/broker.yaml: every key with its default");
  app.add_flag("--print-config-reference", arguments.print_config_reference, "print docs/config.md");
  app.add_option("--metrics-reference", arguments.metrics_reference,
                 "when it ends, write what docs/metrics.md says of every metric of this run to this file");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;  // --help and --version end here too
  }
  if (arguments.print_default_config || arguments.print_config_reference) {
    std::fputs(
        (arguments.print_default_config ? leat::config::RenderDefaultYaml() : leat::config::RenderReference()).c_str(),
        stdout);
    return 0;
  }
  leat::runtime::PosixDisk disk;
  const absl::StatusOr<leat::config::BrokerOptions> options =
      leat::config::LoadBrokerOptions(disk, arguments.config, arguments.set);
  if (!options.ok()) {
    std::fprintf(stderr, "%s\n", std::string(leat::Message(options.status())).c_str());
    return 2;
  }
  if (arguments.check_config) {
    std::puts("the configuration is good");
    return 0;
  }
  return Run(*options, arguments);
}
