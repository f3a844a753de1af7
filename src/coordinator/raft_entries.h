// Raft's entries in a partition log: one entry is one batch of one record is one offset. The batch's leader epoch is
// the term, the record's key one byte, the entry's kind; an entry without a payload has no value.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "log/partition_log.h"
#include "raft/types.h"

namespace leat::coordinator {

// The batch as the log takes it: with its offset and leader epoch.
std::string EncodeEntry(const raft::Entry& entry, int64_t wall_ms);
// One whole batch. kDataLoss: it is not an entry; kUnimplemented: of a kind that this program does not know.
absl::StatusOr<raft::Entry> DecodeEntry(std::string_view batch);

// The entries [from, to) as far as the log has them: whole batches up to about max_bytes, at least one if there is one.
absl::StatusOr<std::vector<raft::Entry>> ReadEntries(log::PartitionLog& log, raft::Offset from, raft::Offset to,
                                                     size_t max_bytes);
// Calls `visit` for each of [from, to), in order, until it fails. kDataLoss also if the log has not all of them.
absl::Status VisitEntries(log::PartitionLog& log, raft::Offset from, raft::Offset to,
                          const std::function<absl::Status(raft::Entry)>& visit);

}  // namespace leat::coordinator
