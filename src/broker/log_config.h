// Between the configs of a topic (meta) and the options of its logs.
#pragma once

#include "log/options.h"
#include "meta/topic_config.h"

namespace leat::broker {

// The broker's log defaults as configs: what holds for a topic that says nothing itself.
meta::Configs DefaultConfigs(const log::LogOptions& defaults);
log::LogOptions TopicLogOptions(const meta::Configs& configs, const log::LogOptions& defaults);
// The log that coordinators keep: always synced, never removed by age or size.
log::LogOptions InternalLogOptions();

}  // namespace leat::broker
