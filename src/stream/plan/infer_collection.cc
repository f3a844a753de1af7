// The types of calls that make ARRAY, MAP and ROW or take them apart.
#include "base/strings.h"
#include "stream/plan/inference.h"

namespace leat::plan {

using data::Type;
using data::TypeKind;
using F = FunctionId;

namespace {

const Type& ElementOf(const Type& array) { return (*array.fields)[0].type; }

bool AnyNullable(std::span<const Type> types) {
  for (const Type& type : types) {
    if (type.nullable) return true;
  }
  return false;
}

Type WithNull(Type type, bool nullable) {
  type.nullable = nullable;
  type.rowtime = false;
  type.proctime = false;
  return type;
}

absl::Status NoCommonType(FunctionId id, std::span<const Type> types) {
  std::string all;
  for (const Type& type : types) StrAppend(&all, all.empty() ? "" : ", ", type.AsNullable().ToString());
  return InvalidArgument("the values of ", GetFunctionInfo(id).name, " have no common type: ", all, "; CAST them");
}

absl::StatusOr<Type> Unify(FunctionId id, std::span<const Type> types) {
  const auto common = CommonType(types);
  if (!common || common->kind == TypeKind::kNull) return NoCommonType(id, types);
  return *common;
}

absl::StatusOr<Type> InferMapOf(std::span<const Type> arguments, std::vector<Type>* casts) {
  if (arguments.size() % 2 != 0) return InvalidArgument("MAP takes pairs of key and value, got ", arguments.size());
  std::vector<Type> keys;
  std::vector<Type> values;
  for (size_t i = 0; i < arguments.size(); ++i) (i % 2 == 0 ? keys : values).push_back(arguments[i]);
  LEAT_ASSIGN_OR_RETURN(const Type key, Unify(F::kMapOf, keys));
  LEAT_ASSIGN_OR_RETURN(const Type value, Unify(F::kMapOf, values));
  for (size_t i = 0; i < arguments.size(); ++i) (*casts)[i] = i % 2 == 0 ? key : value;
  return data::Map(key, value).AsNotNull();
}

absl::StatusOr<Type> InferItem(std::span<const Type> arguments, std::vector<Type>* casts) {
  const Type& from = arguments[0];
  if (from.kind == TypeKind::kArray) {
    if (!arguments[1].IsInteger()) {
      return InvalidArgument("an ARRAY's elements have a place from 1, got [", arguments[1].AsNullable().ToString(),
                             "]");
    }
    (*casts)[1] = WithNull(data::Int(), arguments[1].nullable);
    return ElementOf(from).AsNullable();
  }
  if (from.kind == TypeKind::kMap) {
    const Type& key = ElementOf(from);
    if (!CanCastImplicitly(arguments[1], key)) {
      return InvalidArgument("the MAP's keys are ", key.AsNullable().ToString(), ", got [",
                             arguments[1].AsNullable().ToString(), "]");
    }
    (*casts)[1] = WithNull(key, arguments[1].nullable);
    return (*from.fields)[1].type.AsNullable();
  }
  return InvalidArgument("[ ] is for ARRAY and MAP, got ", from.AsNullable().ToString());
}

// (array, element): both brought to the common type of the elements, which is returned.
absl::StatusOr<Type> UnifyElement(FunctionId id, std::span<const Type> arguments, std::vector<Type>* casts) {
  const Type pair[] = {ElementOf(arguments[0]), arguments[1]};
  LEAT_ASSIGN_OR_RETURN(const Type element, Unify(id, pair));
  (*casts)[0] = WithNull(data::Array(element), arguments[0].nullable);
  (*casts)[1] = WithNull(element, arguments[1].nullable || arguments[1].kind == TypeKind::kNull);
  return element;
}

absl::StatusOr<Type> UnifyAll(FunctionId id, std::span<const Type> arguments, std::vector<Type>* casts) {
  LEAT_ASSIGN_OR_RETURN(const Type common, Unify(id, arguments));
  for (size_t i = 0; i < arguments.size(); ++i) (*casts)[i] = WithNull(common, arguments[i].nullable);
  return WithNull(common, AnyNullable(arguments));
}

absl::StatusOr<Type> InferExtreme(FunctionId id, const Type& array) {
  const Type& element = ElementOf(array);
  if (element.kind == TypeKind::kRow || element.IsCollection()) {
    return InvalidArgument(GetFunctionInfo(id).name, " needs elements that have an order, got ",
                           element.AsNullable().ToString());
  }
  return element.AsNullable();
}

Type EntriesOf(const Type& map) {
  return data::Array(data::Row({{"key", (*map.fields)[0].type}, {"value", (*map.fields)[1].type}}).AsNotNull());
}

}  // namespace

absl::StatusOr<Type> InferCollectionCall(FunctionId id, std::span<const Type> arguments, std::vector<Type>* casts) {
  switch (id) {
    case F::kRowOf: {
      std::vector<data::Field> fields;
      for (const Type& type : arguments) {
        if (type.kind == TypeKind::kNull) return InvalidArgument("NULL in ROW has no type; write CAST(NULL AS ..)");
        fields.push_back({StrCat("EXPR$", fields.size()), WithNull(type, type.nullable)});
      }
      return data::Row(std::move(fields)).AsNotNull();
    }
    case F::kArrayOf: {
      LEAT_ASSIGN_OR_RETURN(const Type element, Unify(id, arguments));
      casts->assign(arguments.size(), element);
      return data::Array(element).AsNotNull();
    }
    case F::kMapOf:
      return InferMapOf(arguments, casts);
    case F::kItem:
      return InferItem(arguments, casts);
    case F::kElement:
      return ElementOf(arguments[0]).AsNullable();
    case F::kArrayContains:
      LEAT_RETURN_IF_ERROR(UnifyElement(id, arguments, casts).status());
      return WithNull(data::Boolean(), arguments[0].nullable);
    case F::kArrayPosition:
      LEAT_RETURN_IF_ERROR(UnifyElement(id, arguments, casts).status());
      return WithNull(data::Int(), AnyNullable(arguments));
    case F::kArrayAppend:
    case F::kArrayPrepend:
    case F::kArrayRemove: {
      LEAT_ASSIGN_OR_RETURN(const Type element, UnifyElement(id, arguments, casts));
      return WithNull(data::Array(element), arguments[0].nullable);
    }
    case F::kArrayConcat:
    case F::kArrayUnion:
    case F::kMapUnion:
      return UnifyAll(id, arguments, casts);
    case F::kArraySort:
      LEAT_RETURN_IF_ERROR(InferExtreme(id, arguments[0]).status());
      return WithNull(arguments[0], AnyNullable(arguments));
    case F::kArrayMax:
    case F::kArrayMin:
      return InferExtreme(id, arguments[0]);
    case F::kMapEntries:
      return WithNull(EntriesOf(arguments[0]), arguments[0].nullable);
    case F::kMapFromArrays:
      return WithNull(data::Map(ElementOf(arguments[0]), ElementOf(arguments[1])), AnyNullable(arguments));
    case F::kMapKeys:
      return WithNull(data::Array((*arguments[0].fields)[0].type), arguments[0].nullable);
    case F::kMapValues:
      return WithNull(data::Array((*arguments[0].fields)[1].type), arguments[0].nullable);
    case F::kSplit:
      return WithNull(data::Array(data::String()), AnyNullable(arguments));
    case F::kStrToMap:
      return WithNull(data::Map(data::String(), data::String()), AnyNullable(arguments));
    default:
      return Internal("the type of ", GetFunctionInfo(id).name, " is not found by its arguments");
  }
}

}  // namespace leat::plan
