// Looks again and again at the groups that this node coordinates, and judges those that are behind. Lives on shard 0.
// What it knows is of this node's time as the coordinator: after a fail-over the judgement begins anew.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/api.h"
#include "group/lag_judge.h"

namespace leat::broker {

class LagWatch {
 public:
  // Partitions of groups that are judged; of further ones nothing is said.
  static constexpr size_t kMostJudged = 20'000;

  using Key = std::pair<std::string, model::TopicPartition>;
  // How far what all groups of this node have committed is behind, and when it was. Others are forgotten.
  void Observe(const std::vector<GroupLag>& lags, const std::map<Key, int64_t>& commit_times_ms, int64_t now_ms);
  // Of the groups (empty: all), those that are not ok.
  std::vector<GroupStatus> Troubled(const std::vector<std::string>& groups, int64_t now_ms) const;

 private:
  std::map<Key, group::LagJudge> judges_;
};

}  // namespace leat::broker
