// The documentation that is made from the table of keys. Pure.
#pragma once

#include <string>

namespace leat::config {

std::string RenderReference();  // docs/config.md
std::string
RenderDefaultYaml();  // config/broker.yaml: every key with its comment and default; it loads as the defaults

}  // namespace leat::config
