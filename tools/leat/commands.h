// Every group of commands adds itself to the tool. What a callback needs lives as long as its command.
#pragma once

#include "tools/leat/context.h"

namespace leat::tool {

void AddTopicCommands(CLI::App* app, Context* context);
void AddProduceCommand(CLI::App* app, Context* context);
void AddConsumeCommand(CLI::App* app, Context* context);
void AddOffsetsCommand(CLI::App* app, Context* context);
void AddGroupCommands(CLI::App* app, Context* context);
void AddLagCommand(CLI::App* app, Context* context);
void AddDlqCommands(CLI::App* app, Context* context);
void AddClusterCommands(CLI::App* app, Context* context);
void AddHealthCommand(CLI::App* app, Context* context);
void AddJobCommands(CLI::App* app, Context* context);
void AddDatagenCommands(CLI::App* app, Context* context);
void AddCompletionCommand(CLI::App* app, Context* context);

}  // namespace leat::tool
