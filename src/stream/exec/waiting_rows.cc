#include "stream/exec/waiting_rows.h"

#include <algorithm>
#include <limits>

#include "stream/exec/calendar.h"

namespace leat::exec {
namespace {

constexpr int64_t kStepMs = 64;

int64_t StepOf(int64_t time_ms) { return FloorDiv(time_ms, kStepMs); }

}  // namespace

void WaitingRows::AddTo(Step* step, const Item& item, std::string_view key, std::string_view row) {
  Item added = item;
  added.at = step->bytes.size();
  added.key_size = static_cast<uint32_t>(key.size());
  added.row_size = static_cast<uint32_t>(row.size());
  step->bytes.append(key);
  step->bytes.append(row);
  step->items.push_back(added);
}

absl::Status WaitingRows::Add(int64_t time_ms, std::string_view key, uint8_t tag, std::string_view row) {
  AddTo(&steps_[StepOf(time_ms)], {.time_ms = time_ms, .tag = tag, .fresh = true}, key, row);
  bytes_ += sizeof(Item) + key.size() + row.size();
  return bytes_ < max_bytes_ ? absl::OkStatus() : Flush();
}

absl::Status WaitingRows::Flush() {
  for (const auto& [number, step] : steps_) {
    for (const Item& item : step.items) {
      bool inserted = false;
      LEAT_ASSIGN_OR_RETURN(std::string * value, table_->Mutate(item.time_ms, step.key(item), &inserted));
      AppendStoredRow(item.time_ms, item.tag, step.row(item), value);
    }
  }
  steps_.clear();
  bytes_ = 0;
  return absl::OkStatus();
}

// What the table holds of those times.
absl::Status WaitingRows::Load(int64_t until_ms) {
  LEAT_ASSIGN_OR_RETURN(auto ns, table_->NextNamespace(std::numeric_limits<int64_t>::min()));
  while (ns && *ns <= until_ms) {
    Step& step = steps_[StepOf(*ns)];
    absl::Status damaged;
    LEAT_RETURN_IF_ERROR(table_->Scan(*ns, [&](std::string_view key, std::string_view value) {
      const absl::StatusOr<std::vector<StoredRow>> rows = ReadStoredRows(value);
      damaged.Update(rows.status());
      if (!rows.ok()) return;
      for (const StoredRow& row : *rows) {
        AddTo(&step, {.time_ms = *ns, .tag = row.tag, .fresh = false}, key, row.row);
        bytes_ += sizeof(Item) + key.size() + row.row.size();
      }
    }));
    LEAT_RETURN_IF_ERROR(damaged);
    LEAT_RETURN_IF_ERROR(table_->EraseNamespace(*ns));
    LEAT_ASSIGN_OR_RETURN(ns, table_->NextNamespace(*ns));
  }
  return absl::OkStatus();
}

absl::Status WaitingRows::Take(int64_t until_ms, Visit visit) {
  LEAT_RETURN_IF_ERROR(Load(until_ms));
  while (!steps_.empty() && steps_.begin()->first <= StepOf(until_ms)) {
    Step due = std::move(steps_.begin()->second);
    const bool whole = steps_.begin()->first < StepOf(until_ms);
    if (whole) {
      steps_.erase(steps_.begin());
    } else {
      Step rest;
      for (const Item& item : due.items) {
        if (item.time_ms > until_ms) AddTo(&rest, item, due.key(item), due.row(item));
      }
      std::erase_if(due.items, [&](const Item& item) { return item.time_ms > until_ms; });
      if (rest.items.empty()) {
        steps_.erase(steps_.begin());
      } else {
        steps_.begin()->second = std::move(rest);
      }
    }
    for (const Item& item : due.items) bytes_ -= sizeof(Item) + item.key_size + item.row_size;
    LEAT_RETURN_IF_ERROR(VisitStep(std::move(due), visit));
    if (!whole) break;
  }
  return absl::OkStatus();
}

absl::Status WaitingRows::VisitStep(Step step, Visit visit) {
  std::ranges::sort(step.items, [&](const Item& a, const Item& b) {
    if (a.time_ms != b.time_ms) return a.time_ms < b.time_ms;
    if (const int order = step.key(a).compare(step.key(b)); order != 0) return order < 0;
    return a.fresh != b.fresh ? b.fresh : a.at < b.at;
  });
  std::vector<StoredRow> rows;
  for (size_t i = 0; i < step.items.size();) {
    const Item& first = step.items[i];
    rows.clear();
    for (; i < step.items.size(); ++i) {
      const Item& item = step.items[i];
      if (item.time_ms != first.time_ms || step.key(item) != step.key(first)) break;
      rows.push_back({.time_ms = item.time_ms, .tag = item.tag, .row = step.row(item)});
    }
    LEAT_RETURN_IF_ERROR(visit(step.key(first), rows));
  }
  return absl::OkStatus();
}

}  // namespace leat::exec
