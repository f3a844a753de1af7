// `leat job export`.
#pragma once

#include "tools/leat/context.h"

namespace leat::tool {

void AddJobExportCommand(CLI::App* group, Context* context);

}  // namespace leat::tool
