// The tool's own description, made from its commands: the reference in docs/cli.md and the shells' completion.
#pragma once

#include <string>

#include "tools/leat/context.h"

namespace leat::tool {

// "leat topic create": the commands that were named so far.
std::string CommandPath(const CLI::App& app);
// Every command's help as Markdown. docs/cli.md is this text.
std::string ReferenceMarkdown(const CLI::App& app);
// A script that completes commands and options. REQUIRES: shell is bash, zsh or fish.
std::string CompletionScript(const CLI::App& app, const std::string& shell);

// `leat reference`, which is not listed in the help: prints ReferenceMarkdown.
void AddReferenceCommand(CLI::App* app, Context* context);

}  // namespace leat::tool
