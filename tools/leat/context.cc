#include "tools/leat/context.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_split.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>

#include "base/status.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

volatile std::sig_atomic_t interrupted = 0;

void OnSignal(int) { interrupted = 1; }

}  // namespace

std::shared_ptr<client::Connection> Context::connection() {
  if (!connection_) {
    connection_ = client::Connection::Open(
        {.address = address, .request_timeout = ParseDurationText(request_timeout).value_or(absl::Seconds(10))});
  }
  return connection_;
}

std::string AddressProblem(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  const bool good = colon != std::string::npos && colon > 0 &&
                    absl::SimpleAtoi(ToAbsl(std::string_view(address).substr(colon + 1)), &port) && port > 0 &&
                    port <= 65535;
  return good ? "" : StrCat("expected HOST:PORT, such as 127.0.0.1:9095, got '", address, "'");
}

std::string AddressesProblem(const std::string& addresses) {
  for (const absl::string_view address : absl::StrSplit(addresses, ',')) {
    if (std::string problem = AddressProblem(std::string(ToStd(address))); !problem.empty()) return problem;
  }
  return "";
}

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kOk;
    case absl::StatusCode::kNotFound:
      return kNotFound;
    case absl::StatusCode::kDeadlineExceeded:
      return kTimeout;
    case absl::StatusCode::kUnavailable:
      return kUnreachable;
    default:
      return kFailed;
  }
}

std::string ErrorText(const absl::Status& status, const Context& context) {
  std::string text = StrCat("leat: ", Message(status));
  if (absl::IsUnavailable(status)) {
    StrAppend(&text, "\nleat: ",
              context.unreachable_hint.empty()
                  ? StrCat("asked ", context.address, "; --address HOST:PORT or LEAT_ADDRESS names another broker")
                  : context.unreachable_hint);
  }
  return text;
}

void ThrowUsage(const std::string& message) { throw CLI::ValidationError(message); }

CLI::App* AddCommand(CLI::App* parent, const CommandText& text) {
  CLI::App* command = parent->add_subcommand(text.name, text.description);
  command->footer(StrCat("Examples:\n", text.examples, "\n"));
  return command;
}

CLI::App* AddGroup(CLI::App* parent, const CommandText& text) {
  CLI::App* group = AddCommand(parent, text);
  group->require_subcommand(1);
  return group;
}

CLI::Option* AddRepeated(CLI::App* command, const std::string& name, std::vector<std::string>* values,
                         const std::string& description) {
  return command->add_option(name, *values, description)->allow_extra_args(false)->type_size(1);
}

std::pair<std::string, std::string> SplitAssignment(const std::string& option, const std::string& text) {
  const size_t at = text.find('=');
  if (at == std::string::npos || at == 0) ThrowUsage(StrCat(option, ": expected NAME=VALUE, got '", text, "'"));
  return {text.substr(0, at), text.substr(at + 1)};
}

bool Declined(const std::string& question, bool sure) {
  if (sure || isatty(STDIN_FILENO) == 0) return false;
  std::fprintf(stderr, "%s [y/N] ", question.c_str());
  std::string answer;
  std::getline(std::cin, answer);
  return answer != "y" && answer != "Y" && answer != "yes";
}

void PrintJson(const boost::json::value& value) {
  std::string text = boost::json::serialize(value);
  text += '\n';
  Print(text);
}

void Print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void InstallInterrupt() {
  // Without SA_RESTART: a read that waits for input must come back.
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  // A second Ctrl-C ends the program at once.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool Interrupted() { return interrupted != 0; }

}  // namespace leat::tool
