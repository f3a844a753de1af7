#include "stream/exec/ordered_bag.h"

#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"

namespace leat::exec {
namespace {

using data::Int128;
using data::Storage;

constexpr uint64_t kSignBit = uint64_t{1} << 63;

void AppendOrdered(int64_t value, std::string* out) {
  BytesWriter(out).Write<uint64_t>(static_cast<uint64_t>(value) ^ kSignBit);
}
int64_t ReadOrdered(const char* from) { return static_cast<int64_t>(LoadBigEndian<uint64_t>(from) ^ kSignBit); }

// Negative doubles order backwards: all their bits are turned; of positive ones only the sign.
uint64_t OrderedBits(double value) {
  const auto bits = std::bit_cast<uint64_t>(value == 0 ? 0.0 : value);
  return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit;
}
double FromOrderedBits(uint64_t bits) {
  return std::bit_cast<double>((bits & kSignBit) != 0 ? bits & ~kSignBit : ~bits);
}

int64_t CountAt(std::string_view bag, size_t at) {
  int64_t count = 0;
  std::memcpy(&count, bag.data() + at, sizeof(count));
  return count;
}

}  // namespace

size_t OrderedValueBytes(Storage storage) {
  switch (storage) {
    case Storage::kText:
    case Storage::kRow:
      return 0;
    case Storage::kInt128:
      return sizeof(Int128);
    default:
      return sizeof(int64_t);
  }
}

void EncodeOrdered(const data::Column& column, size_t row, std::string* out) {
  switch (column.type().storage()) {
    case Storage::kBool:
      return AppendOrdered(column.values<uint8_t>()[row], out);
    case Storage::kInt32:
      return AppendOrdered(column.values<int32_t>()[row], out);
    case Storage::kInt64:
      return AppendOrdered(column.values<int64_t>()[row], out);
    case Storage::kDouble:
      return BytesWriter(out).Write<uint64_t>(OrderedBits(column.values<double>()[row]));
    case Storage::kInt128: {
      const Int128 value = column.values<Int128>()[row];
      AppendOrdered(static_cast<int64_t>(value >> 64), out);
      return BytesWriter(out).Write<uint64_t>(static_cast<uint64_t>(value));
    }
    case Storage::kText:
      out->append(column.values<std::string_view>()[row]);
      return;
    case Storage::kRow:
      break;
  }
  LEAT_CHECK(false) << "rows have no order";
}

absl::Status DecodeOrdered(std::string_view bytes, data::Column* column) {
  const Storage storage = column->type().storage();
  const size_t want = OrderedValueBytes(storage);
  if (want != 0 && bytes.size() != want) {
    return DataLoss("state: an ordered value of ", bytes.size(), " bytes, expected ", want);
  }
  switch (storage) {
    case Storage::kBool:
      column->Append<uint8_t>(ReadOrdered(bytes.data()) != 0 ? 1 : 0);
      break;
    case Storage::kInt32:
      column->Append<int32_t>(static_cast<int32_t>(ReadOrdered(bytes.data())));
      break;
    case Storage::kInt64:
      column->Append<int64_t>(ReadOrdered(bytes.data()));
      break;
    case Storage::kDouble:
      column->Append<double>(FromOrderedBits(LoadBigEndian<uint64_t>(bytes.data())));
      break;
    case Storage::kInt128: {
      const auto high = static_cast<Int128>(ReadOrdered(bytes.data()));
      column->Append<Int128>(high * (Int128{1} << 64) + LoadBigEndian<uint64_t>(bytes.data() + sizeof(int64_t)));
      break;
    }
    case Storage::kText:
      column->AppendText(bytes);
      break;
    case Storage::kRow:
      return DataLoss("state: rows have no order");
  }
  return absl::OkStatus();
}

std::string_view OrderedBag::ValueAt(std::string_view bag, size_t at) const {
  if (value_bytes_ > 0) return bag.substr(at, value_bytes_);
  uint32_t size = 0;
  std::memcpy(&size, bag.data() + at, sizeof(size));
  return bag.substr(at + sizeof(size), size);
}

size_t OrderedBag::EntryBytes(std::string_view bag, size_t at) const {
  if (value_bytes_ > 0) return value_bytes_ + sizeof(int64_t);
  return sizeof(uint32_t) + ValueAt(bag, at).size() + sizeof(int64_t);
}

OrderedBag::Place OrderedBag::Find(std::string_view value, std::string_view bag) const {
  if (value_bytes_ == 0) {
    size_t at = 0;
    while (at < bag.size() && ValueAt(bag, at) < value) at += EntryBytes(bag, at);
    return {at, at < bag.size() && ValueAt(bag, at) == value};
  }
  const size_t stride = value_bytes_ + sizeof(int64_t);
  size_t low = 0;
  size_t high = bag.size() / stride;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (ValueAt(bag, middle * stride) < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  const size_t at = low * stride;
  return {at, at < bag.size() && ValueAt(bag, at) == value};
}

bool OrderedBag::Change(std::string_view value, int64_t delta, std::string* bag) const {
  const Place place = Find(value, *bag);
  if (!place.found) {
    if (delta < 0) return false;
    std::string entry;
    const auto size = static_cast<uint32_t>(value.size());
    if (value_bytes_ == 0) entry.append(reinterpret_cast<const char*>(&size), sizeof(size));
    entry.append(value);
    entry.append(reinterpret_cast<const char*>(&delta), sizeof(delta));
    bag->insert(place.at, entry);
    return true;
  }
  const size_t bytes = EntryBytes(*bag, place.at);
  const size_t count_at = place.at + bytes - sizeof(int64_t);
  const int64_t count = CountAt(*bag, count_at) + delta;
  if (count < 0) return false;
  if (count == 0) {
    bag->erase(place.at, bytes);
  } else {
    std::memcpy(bag->data() + count_at, &count, sizeof(count));
  }
  return true;
}

std::optional<std::string_view> OrderedBag::Smallest(std::string_view bag) const {
  if (bag.empty()) return std::nullopt;
  return ValueAt(bag, 0);
}

std::optional<std::string_view> OrderedBag::Largest(std::string_view bag) const {
  if (bag.empty()) return std::nullopt;
  if (value_bytes_ > 0) return ValueAt(bag, bag.size() - value_bytes_ - sizeof(int64_t));
  size_t at = 0;
  while (at + EntryBytes(bag, at) < bag.size()) at += EntryBytes(bag, at);
  return ValueAt(bag, at);
}

}  // namespace leat::exec
