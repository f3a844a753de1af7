// NOT, the IS predicates, and field access.
#include "stream/exec/node.h"

namespace leat::exec {
namespace {

using plan::FunctionId;

// result = f(is null, value) for every row; never NULL.
template <typename F>
Kernel Predicate(F f) {
  return [f](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    const std::span<uint8_t> values = out->Resize<uint8_t>(call.rows);
    const View<uint8_t> arg(call.args[0]);
    for (size_t row = 0; row < call.rows; ++row) values[row] = f(arg.IsNull(row), arg[row] != 0);
    return out;
  };
}

Kernel NullTest(uint8_t if_null) {
  return [if_null](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    const std::span<uint8_t> values = out->Resize<uint8_t>(call.rows);
    for (size_t row = 0; row < call.rows; ++row) {
      values[row] = call.args[0].IsNull(row) ? if_null : static_cast<uint8_t>(1 - if_null);
    }
    return out;
  };
}

absl::StatusOr<Kernel> MakeField(const Binding& binding) {
  const data::Column* index = binding.constants[1];
  if (index == nullptr || index->type().storage() != data::Storage::kInt32) return NoKernel(binding);
  const auto field = static_cast<size_t>(index->values<int32_t>()[0]);
  const data::Type& row_type = binding.arg(0);
  if (row_type.fields == nullptr || field >= row_type.fields->size()) return NoKernel(binding);
  return Kernel([field](const KernelCall& call) -> data::ColumnPtr {
    const data::ColumnPtr& row_column = call.args[0].column;
    const data::ColumnPtr& child = row_column->children()[field];
    if (!row_column->has_nulls()) return child;
    // As the decoders build them, the fields of a NULL are NULL.
    const std::span<const uint8_t> row_valid = row_column->validity();
    bool implied = child->has_nulls();
    for (size_t row = 0; implied && row < call.rows; ++row) implied = child->validity()[row] <= row_valid[row];
    if (implied) return child;
    std::vector<uint32_t> all(call.rows);
    for (uint32_t row = 0; row < call.rows; ++row) all[row] = row;
    auto out = std::const_pointer_cast<data::Column>(data::Gather(child, all));
    for (size_t row = 0; row < call.rows; ++row) {
      if (row_column->IsNull(row)) out->SetNull(row);
    }
    return out;
  });
}

}  // namespace

absl::StatusOr<Kernel> MakeLogicKernel(const Binding& binding) {
  const FunctionId id = binding.call.function;
  if (id == FunctionId::kField) return MakeField(binding);
  if (id == FunctionId::kIsNull) return NullTest(1);
  if (id == FunctionId::kIsNotNull) return NullTest(0);
  if (binding.arg(0).storage() != data::Storage::kBool) return NoKernel(binding);
  switch (id) {
    case FunctionId::kNot:
      return Kernel([](const KernelCall& call) {
        return MapAll<uint8_t, uint8_t>(call, [](uint8_t a) { return static_cast<uint8_t>(a == 0); });
      });
    case FunctionId::kIsTrue:
      return Predicate([](bool null, bool value) { return !null && value; });
    case FunctionId::kIsNotTrue:
      return Predicate([](bool null, bool value) { return null || !value; });
    case FunctionId::kIsFalse:
      return Predicate([](bool null, bool value) { return !null && !value; });
    case FunctionId::kIsNotFalse:
      return Predicate([](bool null, bool value) { return null || value; });
    default:
      return NoKernel(binding);
  }
}

}  // namespace leat::exec
