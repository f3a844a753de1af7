// `data_dir/meta.properties`, in Kafka's text form: whose data this directory holds.
#pragma once

#include <map>
#include <string>

#include "base/random.h"
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

// Reads the file, or makes it for `node` with a new cluster id. kFailedPrecondition: the directory belongs to another
// node or a newer format; kDataLoss: the file is damaged. The messages say what to do.
absl::StatusOr<MetaProperties> LoadOrCreateMetaProperties(env::Disk& disk, const std::string& data_dir,
                                                          model::NodeId node, Random& random);

}  // namespace leat::broker
