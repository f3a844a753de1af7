#include "tools/leat/planned_events.h"

#include <absl/strings/str_format.h>
#include <absl/time/time.h>

#include <utility>

#include "base/strings.h"

namespace leat::tool {

namespace {

constexpr uint64_t kArrivalsSeed = 0x9e3779b97f4a7c15;  // another sequence than that of the events

}  // namespace

PlannedEvents::PlannedEvents(const PlanOptions& options)
    : options_(options), random_(options.seed), arrivals_(options.seed ^ kArrivalsSeed) {}

int64_t PlannedEvents::StartOf(uint64_t index) const {
  return options_.start_seconds + static_cast<int64_t>(static_cast<double>(index) / options_.rate);
}

bool PlannedEvents::Next(std::string* out) {
  while (planned_ < options_.count && (waiting_.empty() || waiting_.top().arrival_seconds > StartOf(planned_))) {
    Plan(planned_, StartOf(planned_));
    if (++planned_ == options_.count) Finish();
  }
  if (waiting_.empty()) return false;
  last_ = waiting_.top();
  waiting_.pop();
  StrAppend(out, last_.line, "\n");
  return true;
}

std::string PlannedEvents::TakeTruth() { return std::exchange(truth_, {}); }

void PlannedEvents::Add(int64_t seconds, std::string key, std::string line) {
  const auto most = static_cast<uint64_t>(options_.max_delay_seconds);
  const bool twice = arrivals_.Unit() < options_.duplicates;
  int64_t arrival = seconds;
  if (arrivals_.Unit() < options_.out_of_order) arrival += 1 + static_cast<int64_t>(arrivals_.Below(most));
  if (twice) Push(seconds + static_cast<int64_t>(arrivals_.Below(most + 1)), key, line);
  Push(arrival, std::move(key), std::move(line));
}

void PlannedEvents::Push(int64_t arrival_seconds, std::string key, std::string line) {
  waiting_.push(
      {.arrival_seconds = arrival_seconds, .number = added_++, .key = std::move(key), .line = std::move(line)});
}

void PlannedEvents::AddTruth(std::string_view line) { StrAppend(&truth_, line, "\n"); }

std::string SecondsText(int64_t seconds) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixSeconds(seconds), absl::UTCTimeZone());
}

std::string CentsText(uint64_t cents) { return absl::StrFormat("%d.%02d", cents / 100, cents % 100); }

std::string HexText(uint64_t value) { return absl::StrFormat("%016x", value); }

}  // namespace leat::tool
