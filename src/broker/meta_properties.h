// `data_dir/meta.properties`, in Kafka's text form: whose data this directory holds.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "broker/options.h"
#include "env/disk.h"
#include "model/ids.h"

namespace leat::broker {

// The lines `name=value` of a file in Java's form; others, and those that begin with #, are left out.
using Properties = std::map<std::string, std::string>;
Properties ParseProperties(const std::string& text);

struct MetaProperties {
  std::string cluster_id;
  model::NodeId node_id;
};

std::string NewClusterId(Random& random);

// Reads the file, or makes it for `node`, with `new_cluster_id`. kFailedPrecondition: the directory belongs to another
// node or a newer format; kDataLoss: the file is damaged. The messages say what to do.
absl::StatusOr<MetaProperties> LoadOrCreateMetaProperties(env::Disk& disk, const std::string& data_dir,
                                                          model::NodeId node, const std::string& new_cluster_id);

}  // namespace leat::broker
