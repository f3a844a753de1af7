#include "tools/leat/start_position.h"

#include <absl/strings/numbers.h>

#include <algorithm>

#include "base/status.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

absl::StatusOr<ResetTarget> ParseResetTarget(const std::vector<std::string>& words) {
  using Kind = ResetTarget::Kind;
  const std::string& kind = words.at(0);
  if (words.size() == 1 && kind == "earliest") return ResetTarget{.kind = Kind::kEarliest};
  if (words.size() == 1 && kind == "latest") return ResetTarget{.kind = Kind::kLatest};
  if (words.size() == 2 && kind == "offset") {
    ResetTarget target{.kind = Kind::kOffset};
    if (!absl::SimpleAtoi(words[1], &target.value) || target.value < 0) {
      return InvalidArgument("expected an offset from 0 on, got '", words[1], "'");
    }
    return target;
  }
  if (words.size() == 2 && kind == "time") {
    LEAT_ASSIGN_OR_RETURN(const int64_t time_ms, ParseTimeText(words[1]));
    return ResetTarget{.kind = Kind::kTime, .value = time_ms};
  }
  return InvalidArgument("expected earliest, latest, offset N or time T, got '", kind, words.size() > 1 ? " " : "",
                         words.size() > 1 ? words[1] : "", "'");
}

absl::StatusOr<std::map<client::TopicPartition, int64_t>> PositionsOf(client::Consumer* consumer,
                                                                      const ResetTarget& target) {
  LEAT_ASSIGN_OR_RETURN(const auto ranges, consumer->Offsets());
  if (target.kind == ResetTarget::Kind::kTime) LEAT_RETURN_IF_ERROR(consumer->SeekToTime(target.value));
  std::map<client::TopicPartition, int64_t> positions;
  for (const auto& [partition, range] : ranges) {
    switch (target.kind) {
      case ResetTarget::Kind::kEarliest:
        positions[partition] = range.begin;
        break;
      case ResetTarget::Kind::kLatest:
        positions[partition] = range.end;
        break;
      case ResetTarget::Kind::kTime:
        positions[partition] = consumer->Position(partition);
        break;
      case ResetTarget::Kind::kOffset:
        if (target.value < range.begin || target.value > range.end) {
          return OutOfRange("offset ", target.value, " is not in ", partition.topic, "-", partition.partition,
                            ", which has ", range.begin, " to ", range.end);
        }
        positions[partition] = target.value;
    }
  }
  return positions;
}

absl::Status SeekToTail(client::Consumer* consumer, int64_t count) {
  LEAT_ASSIGN_OR_RETURN(const auto ranges, consumer->Offsets());
  for (const auto& [partition, range] : ranges) {
    LEAT_RETURN_IF_ERROR(consumer->Seek(partition, std::max(range.begin, range.end - count)));
  }
  return absl::OkStatus();
}

}  // namespace leat::tool
