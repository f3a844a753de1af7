#include "kafka/admin_support.h"

namespace leat::kafka {

ConfigSource SourceOf(const broker::ConfigEntry& entry) {
  switch (entry.source) {
    case broker::ConfigEntry::Source::kTopic:
      return ConfigSource::kTopic;
    case broker::ConfigEntry::Source::kBroker:
      return ConfigSource::kStaticBroker;
    case broker::ConfigEntry::Source::kDefault:
      return ConfigSource::kDefault;
  }
  return ConfigSource::kDefault;
}

}  // namespace leat::kafka
