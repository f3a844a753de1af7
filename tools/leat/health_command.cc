// `leat health`: the health check of containers, of scripts and of people.
#include <absl/time/clock.h>

#include <boost/json/parse.hpp>

#include "base/status.h"
#include "tools/leat/commands.h"
#include "tools/leat/http_get.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(200);

struct HealthOptions {
  std::string admin = "127.0.0.1:9096";
  std::string timeout = "5s";
  bool wait = false;
};

// What the broker says of itself, for people.
std::string ReasonsOf(const std::string& body) {
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse(body, error);
  const boost::json::value* message = error ? nullptr : parsed.find_pointer("/error/message", error);
  std::string text = message != nullptr && message->is_string() ? std::string(message->as_string()) : body;
  text.erase(text.find_last_not_of(" \n") + 1);
  return text;
}

absl::Status Check(const HealthOptions& options, const Context& context, absl::Duration timeout) {
  LEAT_ASSIGN_OR_RETURN(const HttpAnswer answer, HttpGet(options.admin, "/health/ready", timeout));
  if (answer.status != 200) {
    return FailedPrecondition(options.admin, " answers ", answer.status, ": ", ReasonsOf(answer.body));
  }
  Print(context.json() ? answer.body : "ready\n");
  return absl::OkStatus();
}

absl::Status Wait(const HealthOptions& options, const Context& context, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  for (;;) {
    const absl::Duration left = std::max(deadline - absl::Now(), absl::Milliseconds(1));
    const absl::Status status = Check(options, context, left);
    if (status.ok() || absl::Now() + kPollInterval >= deadline) return status;
    if (Interrupted()) return Cancelled("interrupted while waiting");
    absl::SleepFor(kPollInterval);
  }
}

}  // namespace

void AddHealthCommand(CLI::App* app, Context* context) {
  CLI::App* command = AddCommand(
      app, {.name = "health",
            .description = "Ask the broker's admin listener whether it takes reads and writes; exit code 0 if it does",
            .examples = "  leat health\n"
                        "  leat health --wait --timeout 30s && echo up\n"
                        "  leat health --admin broker-1:9096 -o json"});
  auto options = std::make_shared<HealthOptions>();
  command->add_option("--admin", options->admin, "the broker's admin listener, HOST:PORT")
      ->envname("LEAT_ADMIN")
      ->check(AddressProblem)
      ->capture_default_str();
  command->add_option("--timeout", options->timeout, "how long to wait for the answer")
      ->check([](const std::string& text) { return std::string(Message(ParseDurationText(text).status())); })
      ->capture_default_str();
  command->add_flag("--wait", options->wait, "ask again until it is ready or --timeout is over");
  command->callback([=] {
    context->command = [=] {
      context->unreachable_hint =
          StrCat("asked ", options->admin, "; --admin HOST:PORT or LEAT_ADMIN names another admin listener");
      const absl::Duration timeout = ParseDurationText(options->timeout).value_or(absl::Seconds(5));
      if (!options->wait) return Check(*options, *context, timeout);
      InstallInterrupt();
      return Wait(*options, *context, timeout);
    };
  });
}

}  // namespace leat::tool
