// One fetch under way. It lives on the shard where it began (home) and visits the shards that own its partitions, one
// after the other, so that the bytes left for the answer are always known. While it waits for data it holds none.
#pragma once

#include <memory>
#include <vector>

#include "broker/api.h"
#include "env/shard.h"

namespace leat::broker {

struct FetchOp {
  // The partitions on one shard, as indexes into the request.
  struct Visit {
    size_t shard;
    std::vector<size_t> partitions;
  };

  uint64_t ticket = 0;
  size_t home = 0;
  uint64_t number = 0;  // how many began there before
  FetchRequest request;
  Callback<FetchReply> done;
  Instant began;
  Instant deadline;
  std::unique_ptr<env::Timer> timer;   // the deadline
  std::unique_ptr<env::Timer> reread;  // a pause before the next pass
  std::vector<Visit> visits;
  size_t visit = 0;     // the next one of this pass
  uint64_t pass = 0;    // which pass the waits belong to
  bool parked = false;  // between passes, waiting for data
  bool hurry = false;   // the deadline passed, or somebody cancelled: answer after the next pass, whatever it finds
  bool failed = false;  // a partition has an error, or diverges: answer after this pass
  size_t bytes = 0;     // found by this pass
  FetchReply reply;
};
using FetchOpPtr = std::shared_ptr<FetchOp>;

}  // namespace leat::broker
