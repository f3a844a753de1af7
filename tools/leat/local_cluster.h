// `leat cluster start-local`: a cluster on one machine, to try things with.
#pragma once

#include "tools/leat/context.h"

namespace leat::tool {

void AddStartLocalCommand(CLI::App* group, Context* context);

}  // namespace leat::tool
