// What the broker core can be told; filled from the configuration.
#pragma once

#include <string>

#include "base/time.h"
#include "log/options.h"
#include "model/ids.h"
#include "stream/run/options.h"

namespace leat::broker {

struct Limits {
  size_t inflight_bytes =
      size_t{256} << 20;  // of produce requests not yet answered; above it: THROTTLING_QUOTA_EXCEEDED
  size_t fetch_max_bytes = size_t{50} << 20;  // of one fetch reply
  Duration fetch_max_wait = absl::Seconds(30);
  int32_t topics = 10000;
  int32_t partitions_per_topic = 1000;
};

struct Options {
  model::NodeId node_id{1};
  std::string data_dir = "./leat-data";
  log::LogOptions log_defaults;
  Duration checkpoint_interval = absl::Seconds(60);  // of the log directory's recovery points
  Duration retention_check_interval = absl::Minutes(5);
  bool auto_create_topics = true;  // on produce and on a job's sink topics
  int32_t default_partitions = 1;
  Limits limits;
  run::Options jobs;
};

}  // namespace leat::broker
