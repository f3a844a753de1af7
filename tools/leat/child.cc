#include "tools/leat/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

namespace leat::tool {

absl::StatusOr<Child> Child::Start(const std::vector<std::string>& command, const std::string& log_file) {
  std::array<int, 2> pipe_ends{};
  if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return Unavailable("no pipe: ", std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  // A group of its own: a Ctrl-C at the terminal reaches this program, which then stops the others in order.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, words[0], &actions, &attributes, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(pipe_ends[1]);
  if (error == 0) {
    fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK);
    return Child(pid, pipe_ends[0]);
  }
  close(pipe_ends[0]);
  const std::string what = StrCat("cannot start ", command.front(), ": ", std::strerror(error));
  return error == ENOENT ? NotFound(what) : Unavailable(what);
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      output_(std::exchange(other.output_, -1)),
      text_(std::move(other.text_)),
      code_(other.code_) {}

Child::~Child() {
  if (output_ >= 0) close(output_);
  if (pid_ <= 0 || Ended()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

absl::StatusOr<std::optional<std::string>> Child::ReadLine() {
  std::array<char, 4096> piece{};
  for (;;) {
    if (const size_t end = text_.find('\n'); end != std::string::npos) return text_.substr(0, end);
    const ssize_t got = read(output_, piece.data(), piece.size());
    if (got > 0) {
      text_.append(piece.data(), static_cast<size_t>(got));
    } else if (got == 0) {
      return Unavailable("it ended before it was ready");
    } else if (errno != EINTR) {
      return std::optional<std::string>();
    }
  }
}

void Child::Signal(int number) const {
  if (pid_ > 0 && !code_) kill(pid_, number);
}

std::optional<int> Child::Ended() {
  int status = 0;
  if (!code_ && pid_ > 0 && waitpid(pid_, &status, WNOHANG) == pid_) {
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return code_;
}

}  // namespace leat::tool
