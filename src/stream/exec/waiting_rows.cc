#include "stream/exec/waiting_rows.h"

#include <algorithm>
#include <array>
#include <limits>

#include "stream/data/gather.h"
#include "stream/data/key_codec.h"
#include "stream/exec/calendar.h"
#include "stream/exec/change_output.h"

namespace leat::exec {
namespace {

constexpr int64_t kStepMs = 64;

int64_t StepOf(int64_t time_ms) { return FloorDiv(time_ms, kStepMs); }
state::Namespace NamespaceOf(int64_t step) { return step * kStepMs; }

// By time, those of one time as they lie.
void SortStep(int64_t step, std::vector<WaitingRows::Row>* rows) {
  const auto earlier = [](const WaitingRows::Row& a, const WaitingRows::Row& b) { return a.time_ms < b.time_ms; };
  if (std::ranges::is_sorted(*rows, earlier)) return;
  const auto place = [&](const WaitingRows::Row& row) { return static_cast<size_t>(row.time_ms - step * kStepMs); };
  std::array<size_t, kStepMs + 1> begins{};
  for (const WaitingRows::Row& row : *rows) ++begins[place(row) + 1];
  for (size_t i = 1; i < begins.size(); ++i) begins[i] += begins[i - 1];
  std::vector<WaitingRows::Row> sorted(rows->size());
  for (const WaitingRows::Row& row : *rows) sorted[begins[place(row)]++] = row;
  rows->swap(sorted);
}

}  // namespace

void KeyedRows::AddKey(std::string_view key) {
  keys.append(key);
  key_end.push_back(static_cast<uint32_t>(keys.size()));
}

absl::StatusOr<WaitingRows> WaitingRows::Open(state::StateTable& table, data::SchemaPtr schema, size_t max_bytes) {
  WaitingRows made(table, std::move(schema), max_bytes);
  LEAT_ASSIGN_OR_RETURN(auto ns, table.NextNamespace(std::numeric_limits<int64_t>::min()));
  while (ns) {
    made.only_in_table_.insert(*ns);
    if (*ns == std::numeric_limits<int64_t>::max()) break;
    LEAT_ASSIGN_OR_RETURN(ns, table.NextNamespace(*ns + 1));
  }
  return made;
}

// One row that waits long keeps all that came with it: the memory is given back with the last of them.
std::shared_ptr<const KeyedRows> WaitingRows::Charged(KeyedRows rows) {
  struct Account {
    Account(KeyedRows held, std::shared_ptr<size_t> of) : rows(std::move(held)), total(std::move(of)) {
      bytes = rows.batch.rows * sizeof(Row) + rows.batch.MemoryBytes() + rows.keys.capacity();
      *total += bytes;
    }
    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;
    ~Account() { *total -= bytes; }
    KeyedRows rows;
    std::shared_ptr<size_t> total;
    size_t bytes = 0;
  };
  const auto account = std::make_shared<Account>(std::move(rows), bytes_);
  return {account, &account->rows};
}

void WaitingRows::Hold(Step* step, const Row& row, const std::shared_ptr<const KeyedRows>& owner) {
  if (step->owners.empty() || step->owners.back() != owner) step->owners.push_back(owner);
  step->rows.push_back(row);
}

absl::Status WaitingRows::Add(KeyedRows rows, std::span<const int64_t> times_ms) {
  if (rows.batch.rows == 0) return absl::OkStatus();
  // Memory that the columns share with others would be kept by rows that wait for it alone.
  for (data::ColumnPtr& column : rows.batch.columns) column = data::WithOwnText(column);
  const std::shared_ptr<const KeyedRows> owner = Charged(std::move(rows));
  Step* step = nullptr;
  int64_t number = 0;
  for (uint32_t row = 0; row < owner->batch.rows; ++row) {
    const int64_t own = StepOf(times_ms[row]);
    if (step == nullptr || own != number) step = &steps_[own];
    number = own;
    Hold(step, {.time_ms = times_ms[row], .rows = owner.get(), .row = row}, owner);
  }
  return *bytes_ < max_bytes_ ? absl::OkStatus() : Spill();
}

absl::Status WaitingRows::Write(int64_t number, Step* step) {
  for (; step->written < step->rows.size(); ++step->written) {
    const Row& row = step->rows[step->written];
    row_.clear();
    EncodeRow(row.rows->batch, row.row, &row_);
    bool inserted = false;
    LEAT_ASSIGN_OR_RETURN(std::string * value, table_->Mutate(NamespaceOf(number), row.key(), &inserted));
    AppendStoredRow(row.time_ms, static_cast<uint8_t>(row.kind()), row_, value);
  }
  return absl::OkStatus();
}

absl::Status WaitingRows::Flush() {
  for (auto step = steps_.begin(); step != steps_.end();) {
    const auto next = std::next(step);
    LEAT_RETURN_IF_ERROR(Write(step->first, &step->second));
    if (only_in_table_.contains(NamespaceOf(step->first))) steps_.erase(step);
    step = next;
  }
  return absl::OkStatus();
}

absl::Status WaitingRows::Spill() {
  LEAT_RETURN_IF_ERROR(Flush());
  for (const auto& [number, step] : steps_) only_in_table_.insert(NamespaceOf(number));
  steps_.clear();
  return absl::OkStatus();
}

absl::Status WaitingRows::Load(int64_t until_ms) {
  while (!only_in_table_.empty() && *only_in_table_.begin() <= until_ms) {
    LEAT_RETURN_IF_ERROR(LoadNamespace(*only_in_table_.begin()));
    only_in_table_.erase(only_in_table_.begin());
  }
  return absl::OkStatus();
}

// Its rows came before those of the step that are in memory.
absl::Status WaitingRows::LoadNamespace(state::Namespace ns) {
  LEAT_ASSIGN_OR_RETURN(const KeyedBytes entries, SortedEntries(*table_, ns));
  KeyedRows loaded;
  loaded.batch.schema = schema_;
  std::vector<std::shared_ptr<data::Column>> columns;
  std::vector<data::Column*> pointers;
  for (const data::Field& field : schema_->fields) {
    columns.push_back(std::make_shared<data::Column>(field.type));
    pointers.push_back(columns.back().get());
  }
  std::vector<int64_t> times_ms;
  for (const auto& [key, bytes] : entries) {
    LEAT_ASSIGN_OR_RETURN(const std::vector<StoredRow> rows, ReadStoredRows(bytes));
    for (const StoredRow& row : rows) {
      if (StepOf(row.time_ms) != StepOf(ns)) return DataLoss("state: a row waits in a step that is not its own");
      LEAT_RETURN_IF_ERROR(data::DecodeKey(row.row, pointers));
      loaded.batch.kinds.push_back(static_cast<data::RowKind>(row.tag));
      loaded.AddKey(key);
      times_ms.push_back(row.time_ms);
    }
  }
  for (auto& column : columns) loaded.batch.columns.push_back(std::move(column));
  loaded.batch.rows = times_ms.size();
  LEAT_RETURN_IF_ERROR(table_->EraseNamespace(ns));
  if (times_ms.empty()) return absl::OkStatus();
  const std::shared_ptr<const KeyedRows> owner = Charged(std::move(loaded));
  Step& step = steps_[StepOf(ns)];
  std::vector<Row> later;
  later.swap(step.rows);
  for (uint32_t row = 0; row < times_ms.size(); ++row) {
    Hold(&step, {.time_ms = times_ms[row], .rows = owner.get(), .row = row}, owner);
  }
  step.rows.insert(step.rows.end(), later.begin(), later.end());
  return absl::OkStatus();
}

// What is due of a step leaves it. What stays is written anew at the next barrier.
absl::StatusOr<WaitingRows::Step> WaitingRows::TakeStep(Steps::iterator step, int64_t until_ms) {
  const int64_t number = step->first;
  Step due = std::move(step->second);
  steps_.erase(step);
  if (due.written > 0) LEAT_RETURN_IF_ERROR(table_->EraseNamespace(NamespaceOf(number)));
  SortStep(number, &due.rows);
  const auto rest = std::ranges::find_if(due.rows, [&](const Row& row) { return row.time_ms > until_ms; });
  if (rest == due.rows.end()) return due;
  Step& stays = steps_[number];
  stays.rows.assign(rest, due.rows.end());
  stays.owners = due.owners;
  due.rows.erase(rest, due.rows.end());
  return due;
}

absl::Status WaitingRows::Take(int64_t until_ms, Visit visit) {
  LEAT_RETURN_IF_ERROR(Load(until_ms));
  const int64_t last = StepOf(until_ms);
  while (!steps_.empty() && steps_.begin()->first <= last) {
    const bool is_last = steps_.begin()->first == last;
    LEAT_ASSIGN_OR_RETURN(const Step due, TakeStep(steps_.begin(), until_ms));
    if (!due.rows.empty()) LEAT_RETURN_IF_ERROR(visit(due.rows, due.owners));
    if (is_last) break;
  }
  return absl::OkStatus();
}

}  // namespace leat::exec
