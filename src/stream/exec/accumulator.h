// Accumulators: the running values of a row's aggregates as one flat block of bytes. All zero is the accumulator of no
// rows. MIN and MAX of text hold a pointer to the text, which is owned by whoever owns the block; the stored form
// (docs/internals/stream-state.md) holds the text itself. Immutable; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "stream/data/batch.h"
#include "stream/exec/value_list.h"
#include "stream/plan/plan.h"

namespace leat::exec {

// One aggregate within the block.
struct AggregateSlot {
  enum class Step : uint8_t {
    kCountRows,
    kCount,
    kSumInt32,
    kSumInt64,
    kSumDouble,
    kSumDecimal,
    kExtremeBool,
    kExtremeInt32,
    kExtremeInt64,
    kExtremeDouble,
    kExtremeDecimal,
    kExtremeText,
    kMomentsInt32,
    kMomentsInt64,
    kMomentsDouble,
    kMomentsDecimal,
    kList,
  };
  Step step = Step::kCountRows;
  plan::AggregateKind kind = plan::AggregateKind::kCountStar;
  size_t offset = 0;
  int argument = -1;
  int filter = -1;
  bool distinct = false;  // fed by the distinct values, not by the rows
  bool takes_nulls = false;
  ListKeeps keeps = ListKeeps::kAll;  // kList
  bool different = false;             // kList: the result holds every value once
  std::string separator;              // LISTAGG
  data::Type argument_type;
  data::Type type;
};

// The columns that a slot reads, looked up once per batch.
struct BoundSlot {
  const AggregateSlot* slot = nullptr;
  const void* values = nullptr;
  const uint8_t* valid = nullptr;  // null: no NULLs
  const uint8_t* filter = nullptr;
  const uint8_t* filter_valid = nullptr;
  const data::Column* column = nullptr;  // the argument; null for COUNT(*)

  bool Takes(size_t row) const {
    if (filter != nullptr && (filter[row] == 0 || (filter_valid != nullptr && filter_valid[row] == 0))) return false;
    return valid == nullptr || valid[row] != 0;
  }
};

enum class Sign : int8_t { kAdd = 1, kRetract = -1 };
// Whether the input takes rows back: FIRST_VALUE and LAST_VALUE keep all values then.
enum class InputRows : uint8_t { kInserts, kChanges };

class AccumulatorLayout {
 public:
  // kUnimplemented: an aggregate over a type it does not take.
  static absl::StatusOr<AccumulatorLayout> Make(const std::vector<plan::Aggregate>& aggregates,
                                                const data::Schema& input, InputRows rows = InputRows::kInserts);

  // Of a window's aggregates. Where the input takes rows back, MIN and MAX are fed by the distinct values too, and one
  // more slot behind those of the aggregates counts the rows.
  static absl::StatusOr<AccumulatorLayout> OfWindow(const plan::Node& node);

  size_t bytes() const { return bytes_; }
  // How many rows there are, if the layout counts them; otherwise 1.
  int64_t CountedRows(const char* accumulator) const;
  const std::vector<AggregateSlot>& slots() const { return slots_; }
  bool has_distinct() const;
  // Why the row must not be added, for people; nullopt: it may be.
  std::optional<std::string> Refuses(const std::vector<BoundSlot>& bound, size_t row, const char* accumulator) const;

  std::vector<BoundSlot> Bind(const data::Batch& batch) const;
  static BoundSlot BindColumn(const AggregateSlot& slot, const data::Column& column);

  // Adds the row's value to the slot. REQUIRES: bound.Takes(row); kRetract not for MIN and MAX. Text that is kept is
  // copied to `texts`. False: the value to take back was never there.
  static bool Add(const BoundSlot& bound, size_t row, Sign sign, char* accumulator, data::TextArena& texts);
  // into += from. Texts of MIN and MAX are not copied: the owner of `from` must outlive `into`; lists grow in `texts`.
  void Merge(const char* from, char* into, data::TextArena& texts) const;
  // Behind a copy of the block by memcpy: what the copy points to is not its own.
  void Borrow(char* accumulator) const;
  // Back to no rows, for one slot.
  void Reset(size_t slot, char* accumulator) const;
  // Appends the aggregate's value to the column.
  static void AppendResult(const AggregateSlot& slot, const char* accumulator, data::Column* column);

  // Appends the stored form.
  void Store(const char* accumulator, std::string* out) const;
  // Reads it back; texts point into `stored`. kDataLoss if it is no accumulator of this layout.
  absl::Status Load(std::string_view stored, char* accumulator) const;
  // Copies the texts that the accumulator points to, so that it points into `texts`.
  void OwnTexts(char* accumulator, data::TextArena& texts) const;

 private:
  std::vector<AggregateSlot> slots_;
  size_t bytes_ = 0;
  bool counts_rows_ = false;
};

}  // namespace leat::exec
