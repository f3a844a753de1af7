// `data_dir/broker.properties`: which processes have run on this directory, so that the controller can tell a restart
// from a copied or rolled-back disk, and an orderly stop from a crash.
#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "env/disk.h"
#include "model/uuid.h"

namespace leat::broker {

// One process on one directory.
struct Life {
  model::Uuid directory;    // of the data directory; made with it
  model::Uuid incarnation;  // of this process
  // Of earlier processes, newest last: all that the cluster may know as the last one.
  std::vector<model::Uuid> earlier;
  // The broker epoch under which the process before this one stopped in order; -1: it did not.
  int64_t clean_shutdown_epoch = -1;
};

// A new life. It is on disk when this returns, and no other process can take the orderly stop of the one before for its
// own. kDataLoss: the file is damaged.
absl::StatusOr<Life> BeginLife(env::Disk& disk, const std::string& data_dir, Random& random);
// The cluster knows this life: those before it are forgotten once they are many.
absl::Status ConfirmLife(env::Disk& disk, const std::string& data_dir, Life* life);
// Everything is closed and on disk; the registration had this epoch.
absl::Status EndLife(env::Disk& disk, const std::string& data_dir, const Life& life, int64_t epoch);

}  // namespace leat::broker
