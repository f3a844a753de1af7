#include "tools/leat/job_log.h"

#include <algorithm>

namespace leat::tool {

size_t FirstNewLine(const std::vector<client::JobLogLine>& before, const std::vector<client::JobLogLine>& now) {
  const auto same = [](const client::JobLogLine& a, const client::JobLogLine& b) {
    return a.time_ms == b.time_ms && a.text == b.text;
  };
  // The longest end of `before` that `now` begins with.
  for (size_t common = std::min(before.size(), now.size()); common > 0; --common) {
    const auto tail = before.end() - static_cast<std::ptrdiff_t>(common);
    if (std::equal(tail, before.end(), now.begin(), same)) return common;
  }
  return 0;
}

}  // namespace leat::tool
