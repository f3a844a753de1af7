// The leat tool: topics, records, groups and jobs of a Leat broker from the command line.
#include <cstdio>
#include <exception>

#include "base/status.h"
#include "tools/leat/commands.h"
#include "tools/leat/help.h"
#include "tools/leat/time_text.h"
#include "tools/leat/view_commands.h"

namespace leat::tool {
namespace {

constexpr const char* kFooter = R"(Examples:
  leat topic create clicks --partitions 4
  leat produce clicks --file clicks.csv --key user
  leat consume clicks --from-beginning --exit-at-end
  leat job submit count.sql
  leat lag --group count --wait
  leat --address broker-1:9095 topic list -o json

--address and -o may stand before or after a command. `leat COMMAND --help` has examples of each.
Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 not found, 4 timeout, 5 the broker cannot be reached.
)";

void AddGlobals(CLI::App* app, Context* context) {
  app->add_option("--address,--server", context->address,
                  "gRPC listeners of one broker or several, HOST:PORT,..; one that answers names the others")
      ->envname("LEAT_ADDRESS")
      ->check(AddressesProblem)
      ->capture_default_str();
  app->add_option("-o,--output", context->output, "table: for people; json: for programs")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app->add_option("--request-timeout", context->request_timeout, "how long to try to reach the broker")
      ->check([](const std::string& text) { return std::string(Message(ParseDurationText(text).status())); })
      ->capture_default_str();
  app->set_version_flag("--version", std::string("leat " LEAT_VERSION));
}

int Run(int argc, char** argv) {
  Context context;
  CLI::App app("Drives a Leat broker: topics, records, consumer groups, and streaming SQL jobs.", "leat");
  app.footer(kFooter);
  app.fallthrough();
  app.require_subcommand(1);
  AddGlobals(&app, &context);
  AddTopicCommands(&app, &context);
  AddProduceCommand(&app, &context);
  AddConsumeCommand(&app, &context);
  AddOffsetsCommand(&app, &context);
  AddGroupCommands(&app, &context);
  AddLagCommand(&app, &context);
  AddJobCommands(&app, &context);
  AddDlqCommands(&app, &context);
  AddViewCommands(&app, &context);
  AddClusterCommands(&app, &context);
  AddHealthCommand(&app, &context);
  AddDatagenCommands(&app, &context);
  AddCompletionCommand(&app, &context);
  AddReferenceCommand(&app, &context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "leat: %s\nleat: `%s --help` shows how\n", error.what(), CommandPath(app).c_str());
    return kUsage;
  }
  const absl::Status status = context.command();
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", ErrorText(status, context).c_str());
    return ExitCodeOf(status);
  }
  if (!written) {
    std::fprintf(stderr, "leat: the output could not be written; is the disk full?\n");
    return kFailed;
  }
  return kOk;
}

}  // namespace
}  // namespace leat::tool

int main(int argc, char** argv) {
  try {
    return leat::tool::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "leat: %s\n", error.what());
    return leat::tool::kFailed;
  }
}
