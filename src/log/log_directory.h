// Opens a log directory with what is known of its page cache, and a rule for bad tails of the caller's choosing.
// LogDirectory::Open knows nothing and always judges them; the other rule shows that the tests notice what it loses.
#pragma once

#include <memory>

#include "log/partition_log.h"
#include "log/recovery.h"

namespace leat::log {

absl::StatusOr<std::unique_ptr<LogDirectory>> OpenLogDirectory(env::Disk& disk, env::Shard& shard,
                                                               const LogDirectory::Options& options,
                                                               PageCache page_cache, TailRule rule = TailRule::kJudge);

}  // namespace leat::log
