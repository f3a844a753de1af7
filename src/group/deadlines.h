// The timers of many groups in one queue: each is named by what it is for, set again freely, and taken when due. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/time.h"

namespace leat::group {

enum class TimerKind {
  kSession,    // of a member, which is gone when it passes
  kPendingId,  // of a member that was given an id and has not come back with it
  kJoin,       // of a group's rebalance: who has not joined is gone when it passes
  kSync,       // of a generation: who has not asked for its assignment is gone when it passes
};
struct TimerName {
  TimerKind kind;
  std::string group;
  std::string member;  // empty for the timers of a group
  friend auto operator<=>(const TimerName&, const TimerName&) = default;
};

class Deadlines {
 public:
  void Set(const TimerName& name, Instant when) {
    Cancel(name);
    due_.emplace(when, name);
    when_.emplace(name, when);
  }
  void Cancel(const TimerName& name) {
    const auto it = when_.find(name);
    if (it == when_.end()) return;
    due_.erase({it->second, name});
    when_.erase(it);
  }
  Instant Next() const { return due_.empty() ? Instant::Max() : due_.begin()->first; }
  // Takes the first one that is due, if there is one.
  std::optional<TimerName> TakeDue(Instant now) {
    if (due_.empty() || due_.begin()->first > now) return std::nullopt;
    TimerName name = due_.begin()->second;
    Cancel(name);
    return name;
  }
  size_t size() const { return when_.size(); }

 private:
  std::set<std::pair<Instant, TimerName>> due_;
  std::map<TimerName, Instant> when_;
};

}  // namespace leat::group
