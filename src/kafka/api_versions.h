// The answer to a client that does not know yet what is spoken here.
#pragma once

#include <cstdint>

#include "kafka/apis.h"

namespace leat::kafka {

// ApiVersions in a version that is too new: UNSUPPORTED_VERSION with everything that is served, in the layout of
// version 0, which every client reads.
Answer RefuseVersion(int32_t correlation_id);

}  // namespace leat::kafka
