// The commands of views.
#pragma once

#include "tools/leat/context.h"

namespace leat::tool {

void AddViewCommands(CLI::App* app, Context* context);

}  // namespace leat::tool
