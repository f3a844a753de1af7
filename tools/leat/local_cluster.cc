#include "tools/leat/local_cluster.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/match.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/status.h"
#include "tools/leat/child.h"
#include "tools/leat/table.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr absl::Duration kPollInterval = absl::Milliseconds(20);
constexpr absl::Duration kStopPatience = absl::Seconds(30);
constexpr size_t kSecretBytes = 32;

struct LocalOptions {
  std::string configs = "config/cluster";
  std::string leatd;
  std::string logs = "leat-cluster";
  std::string timeout = "60s";
};

struct Daemon {
  std::string config;
  std::string log;
  Child child;
  json::object ready;  // empty: it is not
  bool told = false;   // that it has ended
};

// The daemon beside this program, else the one in the path.
std::string FindDaemon() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (!error && fs::exists(self.parent_path() / "leatd", error)) return (self.parent_path() / "leatd").string();
  return "leatd";
}

absl::StatusOr<std::vector<fs::path>> FindConfigs(const std::string& folder) {
  std::vector<fs::path> configs;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".yaml") configs.push_back(entry.path());
  }
  if (configs.empty()) {
    return NotFound("no configurations *.yaml in ", folder, ": run this in Leat's folder, or name theirs with ",
                    "--configs");
  }
  std::sort(configs.begin(), configs.end());
  return configs;
}

// The text behind a key of a configuration, whatever it stands under; empty: it is not there.
std::string SettingOf(const fs::path& config, std::string_view key) {
  std::ifstream file(config);
  for (std::string line; std::getline(file, line);) {
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    if (!absl::StartsWith(text, ToAbsl(key))) continue;
    absl::string_view value = absl::StripAsciiWhitespace(text.substr(key.size()));
    value = value.substr(0, value.find(" #"));
    while (!value.empty() && (value.front() == '"' || value.front() == '\'')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == '"' || value.back() == '\'')) value.remove_suffix(1);
    return std::string(ToStd(value));
  }
  return "";
}

// What the nodes know each other by is made once, for this user alone to read.
absl::Status MakeSecret(const fs::path& config) {
  const std::string path = SettingOf(config, "secret_file:");
  std::error_code error;
  if (path.empty() || fs::exists(path, error)) return absl::OkStatus();
  std::string random(kSecretBytes, '\0');
  std::ifstream source("/dev/urandom", std::ios::binary);
  source.read(random.data(), static_cast<std::streamsize>(random.size()));
  if (const fs::path folder = fs::path(path).parent_path(); !folder.empty()) fs::create_directories(folder, error);
  std::ofstream file(path);
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write, error);
  file << absl::Base64Escape(random) << "\n";
  file.close();
  if (source && file && !error) return absl::OkStatus();
  return FailedPrecondition("the cluster's secret ", path, ", which ", config.string(), " names, could not be written");
}

absl::StatusOr<std::vector<Daemon>> StartAll(const LocalOptions& options) {
  LEAT_ASSIGN_OR_RETURN(const std::vector<fs::path> configs, FindConfigs(options.configs));
  for (const fs::path& config : configs) LEAT_RETURN_IF_ERROR(MakeSecret(config));
  const fs::path logs(options.logs);
  std::error_code error;
  fs::create_directories(logs, error);
  const std::string program = options.leatd.empty() ? FindDaemon() : options.leatd;
  std::vector<Daemon> daemons;
  for (const fs::path& config : configs) {
    const std::string log = (logs / StrCat("leatd-", config.stem().string(), ".log")).string();
    LEAT_ASSIGN_OR_RETURN(Child child, Child::Start({program, "--config", config.string()}, log));
    daemons.push_back({config.string(), log, std::move(child), {}, false});
  }
  return daemons;
}

absl::Status Failed(const Daemon& daemon, const std::string& what) {
  return FailedPrecondition("leatd --config ", daemon.config, " ", what, ": its log ", daemon.log, " says why");
}

absl::Status WaitUntilReady(std::vector<Daemon>* daemons, absl::Time deadline) {
  for (size_t ready = 0; ready < daemons->size();) {
    ready = 0;
    for (Daemon& daemon : *daemons) {
      if (daemon.ready.empty()) {
        const absl::StatusOr<std::optional<std::string>> line = daemon.child.ReadLine();
        if (!line.ok()) return Failed(daemon, "ended before it was ready");
        boost::system::error_code error;
        const json::value value = line->has_value() ? json::parse(**line, error) : json::value();
        if (value.is_object()) daemon.ready = value.as_object();
      }
      ready += daemon.ready.empty() ? 0 : 1;
    }
    if (Interrupted()) return Cancelled("interrupted while the brokers started");
    if (ready < daemons->size() && absl::Now() >= deadline) {
      return DeadlineExceeded(ready, " of ", daemons->size(), " brokers are ready: the logs ", daemons->front().log,
                              " .. say what the others wait for");
    }
    if (ready < daemons->size()) absl::SleepFor(kPollInterval);
  }
  return absl::OkStatus();
}

void PrintReady(const Context& context, const std::vector<Daemon>& daemons) {
  json::array list;
  std::string addresses;
  Table table({Right("PID"), Left("GRPC"), Left("KAFKA"), Left("ADMIN"), Left("CONFIG"), Left("LOG")});
  const auto text = [](const Daemon& daemon, const char* name) {
    const json::value* value = daemon.ready.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
  };
  for (const Daemon& daemon : daemons) {
    list.push_back({{"pid", daemon.child.pid()},
                    {"grpc", text(daemon, "grpc")},
                    {"kafka", text(daemon, "kafka")},
                    {"admin", text(daemon, "admin")},
                    {"config", daemon.config},
                    {"log", daemon.log}});
    table.Add({StrCat(daemon.child.pid()), text(daemon, "grpc"), text(daemon, "kafka"), text(daemon, "admin"),
               daemon.config, daemon.log});
    StrAppend(&addresses, addresses.empty() ? "" : ",", text(daemon, "grpc"));
  }
  if (context.json()) {
    PrintJson(json::object{{"event", "ready"}, {"brokers", std::move(list)}});
  } else {
    Print(StrCat(table.Render(), "\nall are ready. In another terminal:  export LEAT_ADDRESS=", addresses,
                 "\nCtrl-C stops them.\n"));
  }
  std::fflush(stdout);
}

// Until Ctrl-C. A broker that ends before is no reason to end the others: that may be what is being tried.
absl::Status Watch(std::vector<Daemon>* daemons) {
  for (size_t gone = 0; !Interrupted(); absl::SleepFor(kPollInterval)) {
    for (Daemon& daemon : *daemons) {
      if (daemon.told || !daemon.child.Ended()) continue;
      daemon.told = true;
      std::fprintf(stderr, "leat: leatd --config %s ended, exit code %d; its log is %s\n", daemon.config.c_str(),
                   *daemon.child.Ended(), daemon.log.c_str());
      if (++gone == daemons->size()) return FailedPrecondition("every broker has ended: their logs say why");
    }
  }
  return absl::OkStatus();
}

// Whoever has removed a broker's data does not want it to be written: that it could not is no failure.
bool DataIsGone(const Daemon& daemon) {
  std::error_code error;
  const std::string folder = SettingOf(daemon.config, "data_dir:");
  return !folder.empty() && !fs::exists(folder, error);
}

// All together, so that none waits for one that has gone. True if those that ran ended in order.
bool StopAll(std::vector<Daemon>* daemons) {
  for (const Daemon& daemon : *daemons) daemon.child.Signal(SIGTERM);
  const absl::Time deadline = absl::Now() + kStopPatience;
  bool in_order = true;
  for (Daemon& daemon : *daemons) {
    while (!daemon.child.Ended() && absl::Now() < deadline) absl::SleepFor(kPollInterval);
    in_order = in_order && (daemon.told || daemon.child.Ended() == 0 || DataIsGone(daemon));
  }
  return in_order;
}

absl::Status Run(Context* context, const LocalOptions& options) {
  InstallInterrupt();
  LEAT_ASSIGN_OR_RETURN(std::vector<Daemon> daemons, StartAll(options));
  const absl::Time deadline = absl::Now() + ParseDurationText(options.timeout).value_or(absl::Minutes(1));
  absl::Status status = WaitUntilReady(&daemons, deadline);
  if (status.ok()) {
    PrintReady(*context, daemons);
    status = Watch(&daemons);
  }
  const bool in_order = StopAll(&daemons);
  if (status.ok() && !in_order) status = FailedPrecondition("not every broker ended in order: their logs say why");
  return status;
}

}  // namespace

void AddStartLocalCommand(CLI::App* group, Context* context) {
  CLI::App* command = AddCommand(
      group, {.name = "start-local",
              .description = "Run a cluster on this machine until Ctrl-C: one leatd for each file of config/cluster",
              .examples = "  leat cluster start-local\n"
                          "  leat cluster start-local --configs my/cluster --logs /tmp/cluster -o json"});
  auto options = std::make_shared<LocalOptions>();
  command->add_option("--configs", options->configs, "the folder with a configuration *.yaml for each broker")
      ->capture_default_str();
  command->add_option("--leatd", options->leatd, "the daemon; by default the one beside this program");
  command->add_option("--logs", options->logs, "the folder for what they log")->capture_default_str();
  command->add_option("--timeout", options->timeout, "how long they may take until they are ready")
      ->check([](const std::string& text) { return std::string(Message(ParseDurationText(text).status())); })
      ->capture_default_str();
  command->callback([=] { context->command = [=] { return Run(context, *options); }; });
}

}  // namespace leat::tool
