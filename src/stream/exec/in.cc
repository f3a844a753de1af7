// x IN (v1, v2, ..): TRUE if equal to one, else NULL if x or one of them is NULL, else FALSE.
#include <absl/container/flat_hash_set.h>

#include "base/strings.h"
#include "stream/exec/node.h"
#include "stream/exec/storage.h"

namespace leat::exec {
namespace {

// Lists longer than this of constants are looked up in a hash set.
constexpr size_t kScanLimit = 8;

template <typename T>
data::ColumnPtr Finish(const KernelCall& call, std::vector<uint8_t> found, const std::vector<uint8_t>& unknown) {
  const View<T> x(call.args[0]);
  auto out = std::make_shared<data::Column>(call.type);
  const std::span<uint8_t> values = out->Resize<uint8_t>(call.rows);
  std::vector<uint8_t> valid(call.rows, 1);
  bool nulls = false;
  for (size_t row = 0; row < call.rows; ++row) {
    const bool x_null = x.IsNull(row);
    values[row] = !x_null && found[row] != 0;
    valid[row] = !x_null && (found[row] != 0 || unknown[row] == 0);
    nulls = nulls || valid[row] == 0;
  }
  if (nulls) out->SetValidity(std::move(valid));
  return out;
}

template <typename T>
data::ColumnPtr Scan(const KernelCall& call) {
  std::vector<uint8_t> found(call.rows, 0);
  std::vector<uint8_t> unknown(call.rows, 0);
  const View<T> x(call.args[0]);
  for (size_t i = 1; i < call.args.size(); ++i) {
    const View<T> value(call.args[i]);
    for (size_t row = 0; row < call.rows; ++row) {
      if (value.IsNull(row)) {
        unknown[row] = 1;
      } else if (x[row] == value[row]) {
        found[row] = 1;
      }
    }
  }
  return Finish<T>(call, std::move(found), unknown);
}

// What a set of T holds: text is owned.
template <typename T>
using Stored = std::conditional_t<std::is_same_v<T, std::string_view>, std::string, T>;
template <typename T>
struct Hash {
  using is_transparent = void;
  size_t operator()(const T& value) const {
    if constexpr (std::is_same_v<T, std::string_view>) {
      return absl::HashOf(ToAbsl(value));
    } else if constexpr (std::is_same_v<T, data::Int128>) {
      return absl::HashOf(static_cast<uint64_t>(value), static_cast<int64_t>(value >> 64));
    } else {
      return absl::HashOf(value);
    }
  }
};
template <typename T>
using Set = absl::flat_hash_set<Stored<T>, Hash<T>, std::equal_to<>>;

template <typename T>
Kernel Lookup(const Binding& binding) {
  auto set = std::make_shared<Set<T>>();
  bool null_listed = false;
  for (size_t i = 1; i < binding.count(); ++i) {
    const data::Column& value = *binding.constants[i];
    if (value.IsNull(0)) {
      null_listed = true;
    } else {
      set->insert(Stored<T>(value.values<T>()[0]));
    }
  }
  return [set, null_listed](const KernelCall& call) {
    std::vector<uint8_t> found(call.rows, 0);
    const std::vector<uint8_t> unknown(call.rows, null_listed ? 1 : 0);
    const View<T> x(call.args[0]);
    for (size_t row = 0; row < call.rows; ++row) found[row] = set->contains(x[row]);
    return Finish<T>(call, std::move(found), unknown);
  };
}

}  // namespace

absl::StatusOr<Kernel> MakeInKernel(const Binding& binding) {
  const data::Storage storage = binding.arg(0).storage();
  bool all_constant = true;
  for (size_t i = 0; i < binding.count(); ++i) {
    if (binding.arg(i).storage() != storage || storage == data::Storage::kRow) return NoKernel(binding);
    if (binding.arg(i).scale != binding.arg(0).scale) return NoKernel(binding);
    if (i > 0) all_constant = all_constant && binding.constants[i] != nullptr;
  }
  return WithStorage(storage, [&]<typename T>(std::type_identity<T>) -> Kernel {
    if (all_constant && binding.count() > kScanLimit) return Lookup<T>(binding);
    return Scan<T>;
  });
}

}  // namespace leat::exec
