#include "tools/leat/line_source.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/status.h"
#include "tools/leat/context.h"

namespace leat::tool {

namespace {

constexpr size_t kReadBytes = 256 << 10;

}  // namespace

void LineSource::Close::operator()(std::FILE* file) const {
  if (file != stdin) std::fclose(file);
}

absl::StatusOr<LineSource> LineSource::Open(const std::string& path) {
  if (path == "-") return LineSource("stdin", stdin);
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr && errno == ENOENT)
    return NotFound("no file ", path, "; name another with --file, or - for stdin");
  if (file == nullptr) return InvalidArgument("cannot read ", path, ": ", std::strerror(errno));
  return LineSource(path, file);
}

absl::StatusOr<std::optional<std::string_view>> LineSource::Next(size_t max_bytes) {
  for (;;) {
    const size_t newline = buffer_.find('\n', scanned_);
    const size_t end = newline == std::string::npos ? buffer_.size() : newline + 1;
    if (end - begin_ > max_bytes) return InvalidArgument(name_, ": a line has more than ", max_bytes, " bytes");
    if (newline != std::string::npos || (ended_ && end > begin_)) {
      const std::string_view line = std::string_view(buffer_).substr(begin_, end - begin_);
      begin_ = scanned_ = end;
      return line;
    }
    if (ended_) return std::nullopt;
    buffer_.erase(0, begin_);
    begin_ = 0;
    scanned_ = buffer_.size();
    buffer_.resize(scanned_ + kReadBytes);
    // Not fread: a pipe gives what it has, and a record must not wait for the ones behind it.
    const ssize_t got = ::read(fileno(file_.get()), buffer_.data() + scanned_, kReadBytes);
    const int failure = errno;
    buffer_.resize(scanned_ + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && failure == EINTR && !Interrupted()) continue;
    if (got < 0 && failure != EINTR) return InvalidArgument("cannot read ", name_, ": ", std::strerror(failure));
    ended_ = got <= 0;
    if (Interrupted()) return std::nullopt;
  }
}

}  // namespace leat::tool
