// Kafka's small text checkpoints: a version line "0", a line with the count, then one line an entry. The offset
// checkpoints have "topic partition offset" lines; Leat keeps one file per partition, inside its folder, so that shards
// that share a log directory never overwrite each other's entries and a deleted partition takes its entries with it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "env/disk.h"
#include "model/ids.h"

namespace leat::log {

std::string EncodeCheckpoint(const std::vector<std::string>& lines);
// The entry lines. kDataLoss says which line is not as expected.
absl::StatusOr<std::vector<std::string_view>> DecodeCheckpoint(std::string_view text);

std::string EncodeOffsetCheckpoint(const model::TopicPartition& tp, model::Offset offset);
// kDataLoss: malformed, or of another partition.
absl::StatusOr<model::Offset> DecodeOffsetCheckpoint(std::string_view text, const model::TopicPartition& tp);
// nullopt if there is no such file.
absl::StatusOr<std::optional<model::Offset>> ReadOffsetCheckpoint(env::Disk& disk, const std::string& path,
                                                                  const model::TopicPartition& tp);

}  // namespace leat::log
