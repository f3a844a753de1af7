// CAST of ROW, ARRAY, MAP and MULTISET: value by value into the same kind, or into text.
#include <algorithm>

#include "base/strings.h"
#include "stream/data/batch.h"
#include "stream/exec/cast.h"
#include "stream/exec/collection.h"

namespace leat::exec {
namespace {

using data::CollectionReader;
using data::CollectionWriter;
using data::Storage;
using data::Type;

// The CAST of one part; null: the part is taken as it is.
absl::StatusOr<Kernel> PartCast(const Binding& whole, const Type& from, const Type& to) {
  if (data::SameIgnoringNullability(from, to)) return Kernel();
  plan::Expression call;
  call.kind = plan::Expression::Kind::kCall;
  call.function = plan::FunctionId::kCast;
  call.type = to;
  call.type.nullable = true;
  call.arguments = {plan::Input(0, from)};
  Binding part{call, {nullptr}};
  if (whole.count() > 1) {
    call.arguments.push_back(whole.call.arguments[1]);
    part.constants.push_back(whole.constants[1]);
  }
  return MakeCastKernel(part);
}

// Runs a part's cast over a column; rows that fail get their reason, at failed[row].
data::ColumnPtr RunPart(const Kernel& cast, const data::ColumnPtr& column, const Type& to, const KernelCall& call,
                        std::vector<RowError>* failed) {
  if (!cast || column->size() == 0) return column;
  ErrorSink errors({}, failed);
  const Type type = to.AsNullable();
  const Vector args[] = {{column, false}};
  return cast({type, args, column->size(), call.context, errors});
}

Kernel CastRow(std::vector<Kernel> casts, std::vector<Type> types) {
  return [casts = std::move(casts), types = std::move(types)](const KernelCall& call) -> data::ColumnPtr {
    const data::Column& row_column = *call.args[0].column;
    std::vector<data::ColumnPtr> children;
    std::vector<RowError> failed;
    for (size_t i = 0; i < casts.size(); ++i) {
      children.push_back(RunPart(casts[i], row_column.children()[i], types[i], call, &failed));
    }
    auto out = std::make_shared<data::Column>(call.type);
    out->SetChildren(std::move(children), call.rows);
    if (row_column.has_nulls()) {
      out->SetValidity({row_column.validity().begin(), row_column.validity().end()});
    }
    for (const RowError& error : failed) {
      call.errors.Add(error.row, error.reason);
      out->SetNull(error.row);
    }
    return out;
  };
}

// The values of all rows as one column each, cast at once, and put together again.
Kernel CastCollection(std::vector<Kernel> casts, std::vector<Type> from, std::vector<Type> to) {
  return [casts = std::move(casts), from = std::move(from), to = std::move(to)](const KernelCall& call) {
    const View<std::string_view> values(call.args[0]);
    const size_t parts = casts.size();
    std::vector<std::shared_ptr<data::Column>> flat;
    for (const Type& type : from) flat.push_back(std::make_shared<data::Column>(type.AsNullable()));
    std::vector<size_t> ends;
    for (size_t row = 0; row < call.rows; ++row) {
      if (!values.IsNull(row)) {
        CollectionReader reader(values[row], from);
        for (size_t i = 0; !reader.done(); ++i) data::AppendCellTo(reader.Next(), flat[i % parts].get());
      }
      ends.push_back(flat[0]->size());
    }
    std::vector<data::ColumnPtr> cast;
    std::vector<RowError> failed;
    for (size_t i = 0; i < parts; ++i) cast.push_back(RunPart(casts[i], flat[i], to[i], call, &failed));
    std::vector<uint8_t> bad(call.rows, 0);
    for (const RowError& error : failed) {
      const size_t row = static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), error.row) - ends.begin());
      if (bad[row] == 0) call.errors.Add(row, error.reason);
      bad[row] = 1;
    }
    return WriteCollections(call, [&](size_t row, CollectionWriter& writer) {
      if (values.IsNull(row) || bad[row] != 0) return false;
      for (size_t at = row == 0 ? 0 : ends[row - 1]; at < ends[row]; ++at) {
        for (const data::ColumnPtr& part : cast) writer.Add(*part, at);
      }
      return true;
    });
  };
}

// The type with TIMESTAMP for TIMESTAMP_LTZ.
Type LocalType(Type type) {
  if (type.kind == data::TypeKind::kTimestampLtz) type.kind = data::TypeKind::kTimestamp;
  if (type.fields == nullptr) return type;
  std::vector<data::Field> fields = *type.fields;
  for (data::Field& field : fields) field.type = LocalType(field.type);
  type.fields = std::make_shared<const std::vector<data::Field>>(std::move(fields));
  return type;
}

Kernel Print() {
  return [](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    for (size_t row = 0; row < call.rows; ++row) {
      if (call.args[0].IsNull(row)) {
        out->AppendNull();
      } else {
        out->AppendText(data::FormatCell(*call.args[0].column, row));
      }
    }
    return out;
  };
}

}  // namespace

bool IsNestedCast(const Type& from, const Type& to) {
  return from.storage() == Storage::kRow || from.IsCollection() || to.storage() == Storage::kRow || to.IsCollection();
}

absl::StatusOr<Kernel> MakeNestedCast(const Binding& binding) {
  const Type& from = binding.arg(0);
  const Type& to = binding.call.type;
  if (to.IsCharacter()) {
    // A shorter text would be cut, which is text's own CAST.
    if (to.length != data::kMaxLength) return NoKernel(binding);
    const Type local = LocalType(from);
    if (binding.count() < 2 || local == from) return Print();
    LEAT_ASSIGN_OR_RETURN(Kernel to_local, PartCast(binding, from, local));
    return Kernel([to_local = std::move(to_local), local, print = Print()](const KernelCall& call) {
      const Vector args[] = {{to_local({local, call.args.first(1), call.rows, call.context, call.errors}), false}};
      return print({call.type, args, call.rows, call.context, call.errors});
    });
  }
  if (from.kind != to.kind || from.fields->size() != to.fields->size()) return NoKernel(binding);
  const bool row = from.storage() == Storage::kRow;
  std::vector<Type> from_types;
  std::vector<Type> to_types;
  for (const data::Field& field : *from.fields) from_types.push_back(field.type);
  for (const data::Field& field : *to.fields) to_types.push_back(field.type);
  if (!row) {
    from_types = data::CellTypes(from);
    to_types = data::CellTypes(to);
  }
  std::vector<Kernel> casts;
  for (size_t i = 0; i < from_types.size(); ++i) {
    LEAT_ASSIGN_OR_RETURN(Kernel cast, PartCast(binding, from_types[i], to_types[i]));
    casts.push_back(std::move(cast));
  }
  if (row) return CastRow(std::move(casts), std::move(to_types));
  return CastCollection(std::move(casts), std::move(from_types), std::move(to_types));
}

}  // namespace leat::exec
