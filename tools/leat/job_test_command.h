// `leat job test`.
#pragma once

#include "tools/leat/context.h"

namespace leat::tool {

void AddJobTestCommand(CLI::App* group, Context* context);

}  // namespace leat::tool
