#include "stream/exec/vector.h"

#include "base/strings.h"

namespace leat::exec {

void ErrorSink::Add(size_t row, std::string_view reason) {
  std::string text;
  if (position_.line > 0) text = StrCat("line ", position_.line, ", column ", position_.column, ": ");
  text.append(reason);
  errors_->push_back({static_cast<uint32_t>(row), std::move(text)});
}

std::optional<std::string> Binding::ConstantText(size_t i) const {
  if (i >= constants.size() || constants[i] == nullptr || constants[i]->IsNull(0)) return std::nullopt;
  if (constants[i]->type().storage() != data::Storage::kText) return std::nullopt;
  return std::string(constants[i]->values<std::string_view>()[0]);
}

absl::Status NoKernel(const Binding& binding) {
  std::string types;
  for (size_t i = 0; i < binding.count(); ++i) {
    StrAppend(&types, i == 0 ? "" : ", ", binding.arg(i).ToString());
  }
  const plan::Position& position = binding.call.position;
  const std::string place =
      position.line > 0 ? StrCat("line ", position.line, ", column ", position.column, ": ") : std::string();
  return Unimplemented(place, plan::GetFunctionInfo(binding.call.function).name, "(", types, ") to ",
                       binding.call.type.ToString(), " is not supported; cast the arguments to other types");
}

std::vector<uint8_t> StrictValidity(const KernelCall& call) {
  std::vector<uint8_t> valid;
  for (const Vector& arg : call.args) {
    if (!arg.column->has_nulls()) continue;
    if (arg.constant) return std::vector<uint8_t>(call.rows, 0);
    const std::span<const uint8_t> other = arg.column->validity();
    if (valid.empty()) {
      valid.assign(other.begin(), other.end());
      continue;
    }
    for (size_t row = 0; row < call.rows; ++row) valid[row] &= other[row];
  }
  return valid;
}

data::ColumnPtr AllNull(const data::Type& type, size_t rows) { return data::Constant(type, data::Value::Null(), rows); }

}  // namespace leat::exec
