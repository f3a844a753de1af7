// `leat job top`.
#pragma once

#include "tools/leat/context.h"

namespace leat::tool {

void AddJobTopCommand(CLI::App* group, Context* context);

}  // namespace leat::tool
