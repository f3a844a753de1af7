// A program that this one started: its first line on stdout, and its end. Not thread-safe. What it writes to stderr
// goes to a file.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"

namespace leat::tool {

class Child {
 public:
  // kNotFound: there is no such program. kUnavailable: it could not be started.
  static absl::StatusOr<Child> Start(const std::vector<std::string>& command, const std::string& log_file);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();  // kills it if it still runs

  // Readable when there is something of the line, or the program has closed it.
  int output() const { return output_; }
  // What has come of the first line is kept; the line once it is whole. kUnavailable: the program ended before.
  absl::StatusOr<std::optional<std::string>> ReadLine();
  void Signal(int number) const;
  // The exit code once it has ended (128 + signal if one ended it).
  std::optional<int> Ended();
  pid_t pid() const { return pid_; }

 private:
  Child(pid_t pid, int output) : pid_(pid), output_(output) {}

  pid_t pid_;
  int output_;
  std::string text_;
  std::optional<int> code_;
};

}  // namespace leat::tool
