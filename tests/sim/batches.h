// Walks what a fetch or a log gives: whole batches, one behind the other.
#pragma once

#include <string_view>
#include <vector>

#include "broker/api.h"
#include "model/record_batch.h"
#include "tests/sim/history.h"
#include "tests/sim/job_shapes.h"

namespace leat::nodes {

struct Walked {
  std::vector<History::Record> all;        // what a reader of everything is shown
  std::vector<History::Record> committed;  // and of committed records, with the list of aborted transactions
  std::vector<JobRecord> keyed;            // these with their keys, and deletes as such
  // Of each batch of a committed transaction, in order.
  struct Stamp {
    model::ProducerId producer;
    int16_t epoch = -1;
    int32_t sequence = -1;
  };
  std::vector<Stamp> stamps;
  int64_t next = 0;     // where to go on
  std::string failure;  // damaged, or not behind one another
};
// The records from `from` on. `aborted`: as a fetch answer lists them.
Walked Walk(std::string_view batches, int64_t from, std::vector<model::AbortedTransaction> aborted);

}  // namespace leat::nodes
