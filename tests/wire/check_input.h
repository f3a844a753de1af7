// What every input of the fuzzer, and of its replay without one, must do.
#pragma once

#include <string_view>

#include "base/status.h"

namespace leat::wire {

// The first byte is the key of an API, plus 128 for its response, and the second the version; the rest is the body. A
// first byte of 255 means that the rest is a request with its header. Bytes that decode also encode; what that makes
// decodes, and encodes to itself. Returns what was wrong; input that does not decode is fine.
absl::Status CheckInput(std::string_view input);

}  // namespace leat::wire
