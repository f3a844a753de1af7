// What is new in a job's log since it was last read. Pure.
#pragma once

#include <vector>

#include "leat/client/admin.h"

namespace leat::tool {

// The broker keeps the last lines only, so `now` may lack the head of `before`. The index in `now` of the first line
// behind those that both have.
size_t FirstNewLine(const std::vector<client::JobLogLine>& before, const std::vector<client::JobLogLine>& now);

}  // namespace leat::tool
