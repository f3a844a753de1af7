// What an expression yields for a batch, and the loops that kernels are made of. Kernels are loops over plain arrays;
// a value that is the same for all rows stays one value.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "stream/data/column.h"
#include "stream/exec/evaluator.h"
#include "stream/exec/operator.h"
#include "stream/plan/expression.h"

namespace leat::exec {

// One value a row, or (constant) a column of one row that stands for every row.
struct Vector {
  data::ColumnPtr column;
  bool constant = false;

  bool IsNull(size_t row) const { return column->IsNull(constant ? 0 : row); }
};

// A Vector's values as T, without a branch for constants.
template <typename T>
class View {
 public:
  explicit View(const Vector& vector)
      : values_(vector.column->values<T>().data()),
        valid_(vector.column->has_nulls() ? vector.column->validity().data() : nullptr),
        mask_(vector.constant ? 0 : ~size_t{0}) {}
  const T& operator[](size_t row) const { return values_[row & mask_]; }
  bool IsNull(size_t row) const { return valid_ != nullptr && valid_[row & mask_] == 0; }
  bool has_nulls() const { return valid_ != nullptr; }
  bool constant() const { return mask_ == 0; }
  const T* data() const { return values_; }

 private:
  const T* values_;
  const uint8_t* valid_;
  size_t mask_;
};

// Where a kernel says that a row failed; adds the place in the script.
class ErrorSink {
 public:
  ErrorSink(plan::Position position, std::vector<RowError>* errors) : position_(position), errors_(errors) {}
  void Add(size_t row, std::string_view reason);

 private:
  plan::Position position_;
  std::vector<RowError>* errors_;
};

// One call of a kernel. If every argument is constant, rows is 1.
struct KernelCall {
  const data::Type& type;  // of the result
  std::span<const Vector> args;
  size_t rows;
  const Context& context;
  ErrorSink& errors;
};

// Computes the column of call.rows values. Row errors go to call.errors; nothing else can fail.
using Kernel = std::function<data::ColumnPtr(const KernelCall& call)>;

// What is known of a call when it is compiled.
struct Binding {
  const plan::Expression& call;
  std::vector<const data::Column*> constants;  // per argument: its one value if it is constant, else null

  const data::Type& arg(size_t i) const { return call.arguments[i]->type; }
  size_t count() const { return call.arguments.size(); }
  // The text of a constant argument; nullopt if it is not constant or NULL.
  std::optional<std::string> ConstantText(size_t i) const;
};

absl::Status NoKernel(const Binding& binding);  // kUnimplemented: the function and the argument types

// One byte a row, 0 where any argument is NULL; empty if none is.
std::vector<uint8_t> StrictValidity(const KernelCall& call);
data::ColumnPtr AllNull(const data::Type& type, size_t rows);

// result[row] = f(a[row]); f is total and cheap, so it also runs on the unspecified values of NULL rows.
template <typename R, typename A, typename F>
data::ColumnPtr MapAll(const KernelCall& call, F f) {
  auto out = std::make_shared<data::Column>(call.type);
  const std::span<R> values = out->Resize<R>(call.rows);
  const A* a = call.args[0].column->values<A>().data();
  for (size_t row = 0; row < call.rows; ++row) values[row] = f(a[row]);
  out->SetValidity(StrictValidity(call));
  return out;
}

// result[row] = f(a[row], b[row]), with a loop of its own for a constant on either side.
template <typename R, typename A, typename B, typename F>
data::ColumnPtr MapAll2(const KernelCall& call, F f) {
  auto out = std::make_shared<data::Column>(call.type);
  R* values = out->Resize<R>(call.rows).data();
  const View<A> a(call.args[0]);
  const View<B> b(call.args[1]);
  const size_t n = call.rows;
  if (b.constant()) {
    const B right = b[0];
    for (size_t row = 0; row < n; ++row) values[row] = f(a[row], right);
  } else if (a.constant()) {
    const A left = a[0];
    for (size_t row = 0; row < n; ++row) values[row] = f(left, b[row]);
  } else {
    const A* left = a.data();
    const B* right = b.data();
    for (size_t row = 0; row < n; ++row) values[row] = f(left[row], right[row]);
  }
  out->SetValidity(StrictValidity(call));
  return out;
}

// Strict, row by row: f(row, &result, a[row], ..) returns false for a NULL result (an error it reports itself).
template <typename R, typename... A, typename F>
data::ColumnPtr MapRows(const KernelCall& call, F f) {
  auto out = std::make_shared<data::Column>(call.type);
  const std::span<R> values = out->Resize<R>(call.rows);
  std::vector<uint8_t> valid = StrictValidity(call);
  [&]<size_t... I>(std::index_sequence<I...>) {
    const std::tuple<View<A>...> views{View<A>(call.args[I])...};
    for (size_t row = 0; row < call.rows; ++row) {
      R result{};
      const bool present = (valid.empty() || valid[row] != 0) && f(row, &result, std::get<I>(views)[row]...);
      values[row] = result;
      if (present) continue;
      if (valid.empty()) valid.assign(call.rows, 1);
      valid[row] = 0;
    }
  }
  (std::index_sequence_for<A...>{});
  out->SetValidity(std::move(valid));
  return out;
}

// As MapRows for text made anew: f(row, &buffer, ..) fills the empty buffer.
template <typename... A, typename F>
data::ColumnPtr MapText(const KernelCall& call, F f) {
  auto arena = std::make_shared<data::TextArena>();
  std::string buffer;
  auto out = MapRows<std::string_view, A...>(call, [&](size_t row, std::string_view* result, const A&... a) {
    buffer.clear();
    if (!f(row, &buffer, a...)) return false;
    *result = arena->Copy(buffer);
    return true;
  });
  std::const_pointer_cast<data::Column>(out)->KeepAlive(arena);
  return out;
}

// As MapRows for text that is part of an argument's text.
template <typename... A, typename F>
data::ColumnPtr MapView(const KernelCall& call, F f) {
  auto out = std::const_pointer_cast<data::Column>(MapRows<std::string_view, A...>(call, f));
  for (const Vector& arg : call.args) out->KeepAliveFrom(*arg.column);
  return out;
}

}  // namespace leat::exec
