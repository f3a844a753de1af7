// The lines of a file or of stdin. Not thread-safe.
#pragma once

#include <absl/status/statusor.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace leat::tool {

class LineSource {
 public:
  // "-" is stdin. kNotFound, or kInvalidArgument if the file cannot be read.
  static absl::StatusOr<LineSource> Open(const std::string& path);

  // The next line with its newline (the last may have none), valid until the next call; nullopt at the end, or when the
  // program was interrupted. kInvalidArgument: a line above max_bytes, or a read that failed.
  absl::StatusOr<std::optional<std::string_view>> Next(size_t max_bytes);
  const std::string& name() const { return name_; }  // for errors: "stdin" or the path

 private:
  struct Close {
    void operator()(std::FILE* file) const;
  };

  LineSource(std::string name, std::FILE* file) : name_(std::move(name)), file_(file) {}

  std::string name_;
  std::unique_ptr<std::FILE, Close> file_;
  std::string buffer_;
  size_t begin_ = 0;    // of the next line in buffer_
  size_t scanned_ = 0;  // no newline before this
  bool ended_ = false;
};

}  // namespace leat::tool
