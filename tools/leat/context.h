// What every command shares: the options that stand before or after any command, the connection, and how it ends.
#pragma once

#include <absl/status/status.h>

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "leat/client/client.h"

namespace leat::tool {

// The tool's exit codes; docs/cli.md promises them to scripts.
enum ExitCode { kOk = 0, kFailed = 1, kUsage = 2, kNotFound = 3, kTimeout = 4, kUnreachable = 5 };

class Context {
 public:
  // Opened at the first call and shared; opening does not wait for the broker.
  std::shared_ptr<client::Connection> connection();
  bool json() const { return output == "json"; }

  std::string address = "127.0.0.1:9095";
  std::string output = "table";
  std::string request_timeout = "10s";
  // What to say when the broker cannot be reached, by a command that asks somebody else than `address`.
  std::string unreachable_hint;
  // Set while parsing, by the command that was named. Runs after everything was parsed.
  std::function<absl::Status()> command;

 private:
  std::shared_ptr<client::Connection> connection_;
};

// What is wrong with an address that should be HOST:PORT; empty: nothing.
std::string AddressProblem(const std::string& address);
std::string AddressesProblem(const std::string& addresses);  // of several, parted by commas

// The exit code of a command that ended with `status`.
ExitCode ExitCodeOf(const absl::Status& status);
// "leat: ..." for stderr, with a hint where the message alone does not say what to do.
std::string ErrorText(const absl::Status& status, const Context& context);

// Wrong usage found while parsing: ends the tool with exit code 2. For callbacks of options and commands only.
[[noreturn]] void ThrowUsage(const std::string& message);

// A command's name, its one-line description and its examples, one a line.
struct CommandText {
  const char* name;
  const char* description;
  const char* examples;
};
CLI::App* AddCommand(CLI::App* parent, const CommandText& text);
// A command that only holds others.
CLI::App* AddGroup(CLI::App* parent, const CommandText& text);
// An option that may be given again and again, with one value each time.
CLI::Option* AddRepeated(CLI::App* command, const std::string& name, std::vector<std::string>* values,
                         const std::string& description);

// "k=v" into its parts; wrong usage if there is no "=".
std::pair<std::string, std::string> SplitAssignment(const std::string& option, const std::string& text);

// True if a person sits at the terminal and says no. Without a terminal, or with `sure`, the answer is yes.
bool Declined(const std::string& question, bool sure);

// One JSON document and a newline on stdout.
void PrintJson(const boost::json::value& value);
void Print(std::string_view text);  // on stdout

// Set by Ctrl-C and SIGTERM once InstallInterrupt was called: long commands end in order.
void InstallInterrupt();
bool Interrupted();

}  // namespace leat::tool
