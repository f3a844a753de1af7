// The stored form of accumulators, and whose memory it is that they point to.
#include <bit>
#include <cstring>

#include "base/strings.h"
#include "stream/exec/accumulator.h"
#include "stream/exec/accumulator_slots.h"

namespace leat::exec {
namespace {

using Step = AggregateSlot::Step;

static_assert(std::endian::native == std::endian::little, "accumulators are stored: their byte order is fixed");

// The first byte of every stored accumulator: the version of the form.
constexpr char kStoredForm = 1;

}  // namespace

void AccumulatorLayout::Borrow(char* accumulator) const {
  for (const AggregateSlot& slot : slots_) {
    if (slot.step != Step::kList) continue;
    auto list = Get<ListSlot>(accumulator + slot.offset);
    list.capacity = 0;
    Put(list, accumulator + slot.offset);
  }
}

std::optional<std::string> AccumulatorLayout::Refuses(const std::vector<BoundSlot>& bound, size_t row,
                                                      const char* accumulator) const {
  for (const BoundSlot& one : bound) {
    if (one.slot->kind != plan::AggregateKind::kJsonObjectAgg || !one.Takes(row)) continue;
    const std::string_view object = one.column->values<std::string_view>()[row];
    if (HasJsonName(accumulator + one.slot->offset, object)) {
      return StrCat("JSON_OBJECTAGG: the group has the name of ", object, " already");
    }
  }
  return std::nullopt;
}

void AccumulatorLayout::Store(const char* accumulator, std::string* out) const {
  out->push_back(kStoredForm);
  const size_t start = out->size();
  out->append(accumulator, bytes_);
  for (const AggregateSlot& slot : slots_) {
    if (slot.step == Step::kList) {
      auto list = Get<ListSlot>(accumulator + slot.offset);
      out->append(list.view());
      list.bytes = nullptr;
      list.capacity = 0;
      Put(list, out->data() + start + slot.offset);
    } else if (slot.step == Step::kExtremeText) {
      auto text = Get<TextExtreme>(accumulator + slot.offset);
      if (text.size_plus_one > 0) out->append(text.bytes, static_cast<size_t>(text.size_plus_one - 1));
      text.bytes = nullptr;
      Put(text, out->data() + start + slot.offset);
    }
  }
}

absl::Status AccumulatorLayout::Load(std::string_view stored, char* accumulator) const {
  if (stored.size() < 1 + bytes_ || stored[0] != kStoredForm) {
    return DataLoss("state: an accumulator of ", stored.size(), " bytes, expected form ", int{kStoredForm},
                    " and at least ", 1 + bytes_, " bytes; the state was written by another version of this job");
  }
  // Functions without an accumulator leave no memory to point at.
  if (bytes_ > 0) std::memcpy(accumulator, stored.data() + 1, bytes_);
  std::string_view rest = stored.substr(1 + bytes_);
  for (const AggregateSlot& slot : slots_) {
    char* at = accumulator + slot.offset;
    int64_t size = 0;
    if (slot.step == Step::kList) {
      auto list = Get<ListSlot>(at);
      size = list.size;
      list.bytes = rest.data();
      list.capacity = 0;
      Put(list, at);
    } else if (slot.step == Step::kExtremeText) {
      auto text = Get<TextExtreme>(at);
      if (text.size_plus_one == 0) continue;
      size = text.size_plus_one - 1;
      text.bytes = rest.data();
      Put(text, at);
    }
    if (size < 0 || static_cast<uint64_t>(size) > rest.size()) {
      return DataLoss("state: an accumulator's text is cut off");
    }
    rest.remove_prefix(static_cast<size_t>(size));
  }
  if (!rest.empty()) return DataLoss("state: ", rest.size(), " bytes behind an accumulator");
  return absl::OkStatus();
}

void AccumulatorLayout::OwnTexts(char* accumulator, data::TextArena& texts) const {
  for (const AggregateSlot& slot : slots_) {
    char* at = accumulator + slot.offset;
    if (slot.step == Step::kList) {
      auto list = Get<ListSlot>(at);
      list.bytes = texts.Copy(list.view()).data();
      list.capacity = list.size;
      Put(list, at);
    } else if (slot.step == Step::kExtremeText) {
      auto text = Get<TextExtreme>(at);
      if (text.size_plus_one == 0) continue;
      text.bytes = texts.Copy({text.bytes, static_cast<size_t>(text.size_plus_one - 1)}).data();
      Put(text, at);
    }
  }
}

}  // namespace leat::exec
