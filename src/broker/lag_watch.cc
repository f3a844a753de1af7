#include "broker/lag_watch.h"

#include <algorithm>

namespace leat::broker {

void LagWatch::Observe(const std::vector<GroupLag>& lags, const std::map<Key, int64_t>& commit_times_ms,
                       int64_t now_ms) {
  std::erase_if(judges_, [&](const auto& item) { return !commit_times_ms.contains(item.first); });
  for (const GroupLag& lag : lags) {
    const Key key{lag.group, lag.partition};
    const auto time = commit_times_ms.find(key);
    auto judge = judges_.find(key);
    if (time == commit_times_ms.end()) continue;
    if (judge == judges_.end()) {
      if (judges_.size() >= kMostJudged) continue;
      judge = judges_.emplace(key, group::LagJudge(group::LagJudge::Options{})).first;
    }
    judge->second.Observe({.time_ms = now_ms,
                           .committed = lag.committed,
                           .commit_time_ms = time->second,
                           .lag_records = lag.lag_records});
  }
}

std::vector<GroupStatus> LagWatch::Troubled(const std::vector<std::string>& groups, int64_t now_ms) const {
  std::vector<GroupStatus> troubled;
  for (const auto& [key, judge] : judges_) {
    const auto& [group, partition] = key;
    if (!groups.empty() && std::find(groups.begin(), groups.end(), group) == groups.end()) continue;
    const ConsumerStatus status = judge.Status(now_ms);
    if (status != ConsumerStatus::kOk) troubled.push_back({.group = group, .partition = partition, .status = status});
  }
  return troubled;
}

}  // namespace leat::broker
