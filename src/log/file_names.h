// The names of the files of a partition folder, as Kafka has them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/ids.h"

namespace leat::log {

inline constexpr std::string_view kLogSuffix = ".log";
inline constexpr std::string_view kOffsetIndexSuffix = ".index";
inline constexpr std::string_view kTimeIndexSuffix = ".timeindex";
inline constexpr std::string_view kAbortedIndexSuffix = ".txnindex";
inline constexpr std::string_view kSnapshotSuffix = ".snapshot";
inline constexpr std::string_view kDeletedFolderSuffix = "-delete";
// Behind the suffix of a file that compaction has not finished, and of one that is to replace what it was made from.
inline constexpr std::string_view kCleanedSuffix = ".cleaned";
inline constexpr std::string_view kSwapSuffix = ".swap";
inline constexpr std::string_view kEpochFile = "leader-epoch-checkpoint";
inline constexpr std::string_view kRecoveryPointFile = "recovery-point-offset-checkpoint";
inline constexpr std::string_view kCleanerFile = "cleaner-offset-checkpoint";
inline constexpr std::string_view kGapsFile = "compacted-offset-checkpoint";
inline constexpr std::string_view kWatermarkFile = "replication-offset-checkpoint";
// While it is there the log is being emptied, to begin again at the offset that it says.
inline constexpr std::string_view kRestartFile = "restart-offset-checkpoint";
inline constexpr std::string_view kLogStartFile = "log-start-offset-checkpoint";

// folder/00000000000000000042.log: the base offset in 20 digits, then the suffix.
std::string SegmentPath(std::string_view folder, model::Offset base, std::string_view suffix);
// The base offset of a name that is 20 digits and `suffix`, else nullopt.
std::optional<model::Offset> ParseSegmentName(std::string_view name, std::string_view suffix);

}  // namespace leat::log
