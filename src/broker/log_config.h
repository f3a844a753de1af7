// Between the configs of a topic (meta) and the options of its logs.
#pragma once

#include <vector>

#include "broker/api.h"
#include "log/options.h"
#include "meta/topic_config.h"

namespace leat::broker {

// The broker's log defaults as configs: what holds for a topic that says nothing itself.
meta::Configs DefaultConfigs(const log::LogOptions& defaults);
// Every topic config with the value in force and where it comes from.
std::vector<ConfigEntry> TopicConfigEntries(const meta::Configs& configs, const log::LogOptions& log_defaults);
log::LogOptions TopicLogOptions(const meta::Configs& configs, const log::LogOptions& defaults);
// The log of the metadata: always synced, never removed by age or size.
log::LogOptions InternalLogOptions();
// The logs of groups and transactions: compacted, and of the class of topics that do not say; an offset that outlives
// the records that it counts would help nobody.
log::LogOptions CoordinatedLogOptions(const log::LogOptions& defaults);

}  // namespace leat::broker
