// One line of text for each message and effect: traces, golden scripts, logs. Deterministic.
#pragma once

#include <string>
#include <string_view>

#include "raft/effects.h"

namespace leat::raft {

std::string_view Name(RefusalReason reason);
std::string Describe(const Message& message);  // 1>2 t3 append ...
std::string Describe(const Effect& effect);

}  // namespace leat::raft
