// InferCall: the types of calls. What the table of functions.cc says by letters is read here; the rest is by function.
#include <algorithm>
#include <string>

#include "base/strings.h"
#include "stream/plan/inference.h"

namespace leat::plan {

using data::Type;
using data::TypeKind;
using F = FunctionId;

namespace {

bool IsTime(const Type& type) {
  return type.kind == TypeKind::kDate || type.kind == TypeKind::kTime || type.IsTimestamp();
}
bool IsInterval(const Type& type) {
  return type.kind == TypeKind::kIntervalYearMonth || type.kind == TypeKind::kIntervalDayTime;
}
Type WithNull(Type type, bool nullable) {
  type.nullable = nullable;
  type.rowtime = false;
  type.proctime = false;
  return type;
}

std::string_view FamilyName(char family) {
  switch (family) {
    case 'T':
      return "STRING";
    case 'B':
      return "BOOLEAN";
    case 'I':
      return "INT";
    case 'L':
      return "BIGINT";
    case 'D':
      return "DOUBLE";
    case 'N':
      return "a number";
    case 'M':
      return "a time";
    case 'A':
      return "ARRAY";
    case 'P':
      return "MAP";
    case 'C':
      return "a collection";
    default:
      return "any type";
  }
}

// The type that an argument of `type` is cast to for a parameter of this family; nullopt if it does not fit.
std::optional<Type> Fit(char family, const Type& type) {
  if (type.kind == TypeKind::kNull) {
    static constexpr auto kTypeOfNull = [](char f) {
      switch (f) {
        case 'T':
          return data::String();
        case 'B':
          return data::Boolean();
        case 'I':
        case 'N':
          return data::Int();
        case 'L':
          return data::BigInt();
        case 'D':
          return data::Double();
        case 'M':
          return data::Timestamp(3);
        default:
          return data::NullType();
      }
    };
    return kTypeOfNull(family);
  }
  switch (family) {
    case 'T':
      if (!type.IsCharacter()) return std::nullopt;
      return type;
    case 'B':
      if (type.kind != TypeKind::kBoolean) return std::nullopt;
      return type;
    case 'I':
      if (!type.IsInteger()) return std::nullopt;
      return WithNull(data::Int(), type.nullable);
    case 'L':
      if (!type.IsInteger()) return std::nullopt;
      return WithNull(data::BigInt(), type.nullable);
    case 'D':
      if (!type.IsNumeric()) return std::nullopt;
      return WithNull(data::Double(), type.nullable);
    case 'N':
      if (!type.IsNumeric()) return std::nullopt;
      return type;
    case 'M':
      if (!IsTime(type)) return std::nullopt;
      return type;
    case 'A':
      if (type.kind != TypeKind::kArray) return std::nullopt;
      return type;
    case 'P':
      if (type.kind != TypeKind::kMap) return std::nullopt;
      return type;
    case 'C':
      if (!type.IsCollection()) return std::nullopt;
      return type;
    default:
      return type;
  }
}

struct Arity {
  size_t least = 0;
  size_t most = 0;
  bool repeats = false;
};
Arity ArityOf(std::string_view parameters) {
  Arity arity;
  bool optional = false;
  for (const char c : parameters) {
    if (c == '[') {
      optional = true;
    } else if (c == '+') {
      arity.repeats = true;
    } else {
      ++arity.most;
      if (!optional) ++arity.least;
    }
  }
  return arity;
}
char FamilyAt(std::string_view parameters, size_t i) {
  char last = '*';
  size_t n = 0;
  for (const char c : parameters) {
    if (c == '[' || c == '+') continue;
    last = c;
    if (n++ == i) break;
  }
  return last;
}

std::string Came(std::span<const Type> arguments) {
  std::string text = "(";
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0) text += ", ";
    text += arguments[i].AsNullable().ToString();
  }
  return text + ")";
}

absl::Status Mismatch(FunctionId id, std::span<const Type> arguments) {
  return InvalidArgument(GetFunctionInfo(id).name, " takes ", DescribeParameters(id), ", got ", Came(arguments));
}

bool AnyNullable(std::span<const Type> types) {
  return std::any_of(types.begin(), types.end(), [](const Type& t) { return t.nullable || t.kind == TypeKind::kNull; });
}

// --- calls that the letters cannot say ---

absl::StatusOr<Type> InferComparison(FunctionId id, std::span<const Type> arguments, std::vector<Type>* casts) {
  const auto common = ComparisonType(arguments[0], arguments[1]);
  const bool equality =
      id == F::kEqual || id == F::kNotEqual || id == F::kIsDistinctFrom || id == F::kIsNotDistinctFrom;
  const bool ordered = common && common->kind != TypeKind::kRow && !common->IsCollection();
  const bool comparable = common && (equality || ordered);
  if (!comparable) {
    return InvalidArgument("cannot compare ", arguments[0].AsNullable().ToString(), " with ",
                           arguments[1].AsNullable().ToString(), " by ", GetFunctionInfo(id).name,
                           "; CAST one of them");
  }
  for (size_t i = 0; i < 2; ++i) (*casts)[i] = WithNull(*common, arguments[i].nullable);
  return WithNull(data::Boolean(), GetFunctionInfo(id).strict && AnyNullable(arguments));
}

// Brings arguments[first..] with step `step` (and the last if `and_last`) to one type.
absl::StatusOr<Type> Unify(FunctionId id, std::span<const Type> arguments, const std::vector<size_t>& which,
                           std::vector<Type>* casts) {
  std::vector<Type> types;
  for (const size_t i : which) types.push_back(arguments[i]);
  const auto common = CommonType(types);
  if (!common) {
    return InvalidArgument("the values of ", GetFunctionInfo(id).name, " must have one type, got ", Came(types),
                           "; CAST them");
  }
  for (const size_t i : which) (*casts)[i] = WithNull(*common, arguments[i].nullable);
  return *common;
}

std::vector<size_t> AllFrom(size_t first, size_t count) {
  std::vector<size_t> which;
  for (size_t i = first; i < count; ++i) which.push_back(i);
  return which;
}

absl::StatusOr<Type> InferConditional(FunctionId id, std::span<const Type> arguments, std::vector<Type>* casts) {
  const size_t n = arguments.size();
  switch (id) {
    case F::kCase: {
      std::vector<size_t> results;
      for (size_t i = 0; i + 1 < n; i += 2) {
        if (!Fit('B', arguments[i])) {
          return InvalidArgument("a WHEN condition must be BOOLEAN, got ", arguments[i].AsNullable().ToString());
        }
        (*casts)[i] = *Fit('B', arguments[i]);
        results.push_back(i + 1);
      }
      const bool has_else = n % 2 == 1;
      if (has_else) results.push_back(n - 1);
      LEAT_ASSIGN_OR_RETURN(Type type, Unify(id, arguments, results, casts));
      return WithNull(type, type.nullable || !has_else);
    }
    case F::kIf: {
      if (!Fit('B', arguments[0])) return Mismatch(id, arguments);
      (*casts)[0] = *Fit('B', arguments[0]);
      return Unify(id, arguments, {1, 2}, casts);
    }
    case F::kCoalesce: {
      LEAT_ASSIGN_OR_RETURN(Type type, Unify(id, arguments, AllFrom(0, n), casts));
      const bool all = std::all_of(arguments.begin(), arguments.end(),
                                   [](const Type& t) { return t.nullable || t.kind == TypeKind::kNull; });
      return WithNull(type, all);
    }
    case F::kNullIf: {
      const TypeKind kind = arguments[0].kind;
      if (kind == TypeKind::kRow || kind == TypeKind::kMap || kind == TypeKind::kMultiset) {
        return Mismatch(id, arguments);
      }
      LEAT_RETURN_IF_ERROR(InferComparison(F::kEqual, arguments, casts).status());
      return WithNull((*casts)[0], true);
    }
    case F::kIn: {
      Type common = arguments[0];
      if (common.kind == TypeKind::kMap || common.kind == TypeKind::kMultiset) return Mismatch(id, arguments);
      for (size_t i = 1; i < n; ++i) {
        const auto next = ComparisonType(common, arguments[i]);
        if (!next) {
          return InvalidArgument("cannot compare ", arguments[0].AsNullable().ToString(), " with ",
                                 arguments[i].AsNullable().ToString(), " in an IN list; CAST one of them");
        }
        common = *next;
      }
      for (size_t i = 0; i < n; ++i) (*casts)[i] = WithNull(common, arguments[i].nullable);
      return WithNull(data::Boolean(), AnyNullable(arguments));
    }
    default:  // GREATEST, LEAST
      if (arguments[0].kind == TypeKind::kRow || arguments[0].IsCollection()) return Mismatch(id, arguments);
      return Unify(id, arguments, AllFrom(0, n), casts);
  }
}

absl::StatusOr<Type> InferDecimal(FunctionId id, const Type& a, const Type& b) {
  const Type x = AsDecimal(a);
  const Type y = AsDecimal(b);
  const int whole = std::max(x.precision - x.scale, y.precision - y.scale);
  const int scale = std::max(x.scale, y.scale);
  switch (id) {
    case F::kMultiply:
      return BoundedDecimal(x.precision + y.precision + 1, x.scale + y.scale);
    case F::kDivide: {
      const int fraction = std::max(6, x.scale + y.precision + 1);
      return BoundedDecimal(x.precision - x.scale + y.scale + fraction, fraction);
    }
    case F::kModulo:
      return BoundedDecimal(std::min(x.precision - x.scale, y.precision - y.scale) + scale, scale);
    default:
      return BoundedDecimal(whole + scale + 1, scale);
  }
}

// Time and interval arithmetic; nullopt if this is none.
std::optional<Type> InferIntervals(FunctionId id, const Type& a, const Type& b, std::vector<Type>* casts) {
  if (id == F::kAdd && IsInterval(a) && IsTime(b)) return InferIntervals(id, b, a, casts);
  if ((id == F::kAdd || id == F::kSubtract) && IsInterval(b)) {
    if (a.kind == b.kind) return a;
    if (a.kind == TypeKind::kTime) return b.kind == TypeKind::kIntervalDayTime ? std::optional(a) : std::nullopt;
    if (IsTime(a)) return a;
  }
  if (id == F::kMultiply && IsInterval(a) && b.IsInteger()) {
    (*casts)[1] = WithNull(data::BigInt(), b.nullable);
    return a;
  }
  if (id == F::kMultiply && a.IsInteger() && IsInterval(b)) {
    (*casts)[0] = WithNull(data::BigInt(), a.nullable);
    return b;
  }
  return std::nullopt;
}

absl::StatusOr<Type> InferArithmetic(FunctionId id, std::span<const Type> arguments, std::vector<Type>* casts) {
  Type a = arguments[0];
  Type b = arguments[1];
  const bool nullable = AnyNullable(arguments);
  if (const auto type = InferIntervals(id, a, b, casts)) return WithNull(*type, nullable);
  if (a.kind == TypeKind::kNull) a = b;
  if (b.kind == TypeKind::kNull) b = a;
  if (!a.IsNumeric() || !b.IsNumeric()) {
    return InvalidArgument("cannot apply ", GetFunctionInfo(id).name, " to ", arguments[0].AsNullable().ToString(),
                           " and ", arguments[1].AsNullable().ToString(),
                           ": it takes two numbers, or a time and an INTERVAL");
  }
  const Type pair[] = {a, b};
  const Type common = *CommonType(pair);
  if (common.kind == TypeKind::kDecimal) {
    (*casts)[0] = WithNull(AsDecimal(a), arguments[0].nullable);
    (*casts)[1] = WithNull(AsDecimal(b), arguments[1].nullable);
    LEAT_ASSIGN_OR_RETURN(Type type, InferDecimal(id, a, b));
    return WithNull(type, nullable);
  }
  (*casts)[0] = WithNull(common, arguments[0].nullable);
  (*casts)[1] = WithNull(common, arguments[1].nullable);
  // MOD has the type of the divisor.
  return WithNull(id == F::kModulo && common.IsInteger() ? b : common, nullable);
}

absl::StatusOr<Type> InferToTimestampLtz(std::span<const Type> arguments, std::vector<Type>* casts) {
  const auto wrong = [&] {
    return InvalidArgument("TO_TIMESTAMP_LTZ takes (number [, precision]) or (text [, pattern [, time zone]]), got ",
                           Came(arguments));
  };
  if (arguments[0].IsCharacter()) {
    if (arguments.size() > 1 && !arguments[1].IsCharacter()) return wrong();
    return data::TimestampLtz(3);
  }
  if (arguments.size() > 2 || (!arguments[0].IsNumeric() && arguments[0].kind != TypeKind::kNull)) return wrong();
  // A DECIMAL's fraction is cut off, as on Flink.
  const TypeKind kind = arguments[0].kind;
  const bool whole = arguments[0].IsInteger() || kind == TypeKind::kNull || kind == TypeKind::kDecimal;
  (*casts)[0] = WithNull(whole ? data::BigInt() : data::Double(), arguments[0].nullable);
  if (arguments.size() > 1) {
    if (!arguments[1].IsInteger()) return wrong();
    (*casts)[1] = WithNull(data::Int(), arguments[1].nullable);
  }
  return data::TimestampLtz(3);
}

absl::StatusOr<Type> InferOther(FunctionId id, std::span<const Type> arguments, std::vector<Type>* casts) {
  const bool nullable = AnyNullable(arguments);
  switch (id) {
    case F::kNegate:
      if (!arguments[0].IsNumeric() && !IsInterval(arguments[0])) return Mismatch(id, arguments);
      return WithNull(arguments[0], nullable);
    case F::kRound:
    case F::kTruncate:
      if (arguments[0].kind == TypeKind::kDecimal && arguments.size() == 1) {
        return WithNull(RoundedDecimal(arguments[0], 0), nullable);
      }
      return WithNull((*casts)[0], nullable);
    case F::kFloor:
    case F::kCeil:
      if (arguments[0].kind == TypeKind::kDecimal) return WithNull(data::Decimal(arguments[0].precision, 0), nullable);
      return WithNull((*casts)[0], nullable);
    case F::kMd5:
      return WithNull(data::Char(32), nullable);
    case F::kSha1:
      return WithNull(data::Char(40), nullable);
    case F::kSha224:
      return WithNull(data::Char(56), nullable);
    case F::kSha256:
      return WithNull(data::Char(64), nullable);
    case F::kSha384:
      return WithNull(data::Char(96), nullable);
    case F::kSha512:
      return WithNull(data::Char(128), nullable);
    case F::kSha2:
      return WithNull(data::Varchar(128), true);
    case F::kElt:
      return WithNull(*CommonType(arguments.subspan(1)), true);
    case F::kConcatWs:
      return WithNull(data::String(), arguments[0].nullable);
    case F::kTimestampAdd: {
      if (arguments[2].kind == TypeKind::kTime) return Mismatch(id, arguments);
      return WithNull(arguments[2], nullable);
    }
    case F::kHex:
      if (arguments[0].IsInteger()) (*casts)[0] = WithNull(data::BigInt(), arguments[0].nullable);
      if (!arguments[0].IsInteger() && !arguments[0].IsCharacter()) return Mismatch(id, arguments);
      return WithNull(data::String(), nullable);
    case F::kUnhex:
      return data::Bytes();
    case F::kJsonValue:
      return data::String();
    case F::kToDate:
      return data::Date();
    case F::kToTimestamp:
      return data::Timestamp(3);
    case F::kToTimestampLtz:
      return InferToTimestampLtz(arguments, casts);
    case F::kProcTime: {
      data::Type type = data::TimestampLtz(3).AsNotNull();
      type.proctime = true;
      return type;
    }
    case F::kCurrentTimestamp:
      return data::TimestampLtz(3).AsNotNull();
    case F::kLocalTimestamp:
      return data::Timestamp(3).AsNotNull();
    case F::kCurrentDate:
      return data::Date().AsNotNull();
    default:
      return Internal("the type of ", GetFunctionInfo(id).name, " is not found by its arguments");
  }
}

absl::StatusOr<Type> ResultByLetter(FunctionId id, std::span<const Type> arguments, std::vector<Type>* casts) {
  const std::string_view result = GetSignature(id).result;
  const bool nullable = result.ends_with('?') || (!result.ends_with('!') && AnyNullable(arguments));
  switch (result[0]) {
    case 'S':
      return WithNull(data::String(), nullable);
    case 'B':
      return WithNull(data::Boolean(), nullable);
    case 'I':
      return WithNull(data::Int(), nullable);
    case 'L':
      return WithNull(data::BigInt(), nullable);
    case 'D':
      return WithNull(data::Double(), nullable);
    case '=':
      return WithNull((*casts)[0], nullable);
    default:
      return InferOther(id, arguments, casts);
  }
}

absl::Status FitAll(FunctionId id, std::span<const Type> arguments, std::vector<Type>* casts) {
  const std::string_view parameters = GetSignature(id).parameters;
  for (size_t i = 0; i < arguments.size(); ++i) {
    auto fitted = Fit(FamilyAt(parameters, i), arguments[i]);
    // DATE_FORMAT also reads its time from text.
    if (!fitted && id == F::kDateFormat && i == 0 && arguments[0].IsCharacter()) fitted = data::Timestamp(3);
    if (!fitted) return Mismatch(id, arguments);
    (*casts)[i] = *fitted;
    (*casts)[i].nullable = arguments[i].nullable;
  }
  return absl::OkStatus();
}

bool IsComparison(FunctionId id) {
  return (id >= F::kEqual && id <= F::kGreaterOrEqual) || id == F::kIsDistinctFrom || id == F::kIsNotDistinctFrom;
}
bool IsConditional(FunctionId id) { return id == F::kIn || (id >= F::kCase && id <= F::kLeast); }

}  // namespace

absl::StatusOr<Type> InferCall(FunctionId id, std::span<const Type> arguments, std::vector<Type>* casts) {
  casts->assign(arguments.begin(), arguments.end());
  const Arity arity = ArityOf(GetSignature(id).parameters);
  if (arguments.size() < arity.least || (arguments.size() > arity.most && !arity.repeats)) {
    return Mismatch(id, arguments);
  }
  if (IsComparison(id)) return InferComparison(id, arguments, casts);
  if (IsConditional(id)) return InferConditional(id, arguments, casts);
  if (id >= F::kAdd && id <= F::kModulo) return InferArithmetic(id, arguments, casts);
  LEAT_RETURN_IF_ERROR(FitAll(id, arguments, casts));
  if (id >= F::kRowOf && id <= F::kStrToMap && GetSignature(id).result == ".") {
    return InferCollectionCall(id, arguments, casts);
  }
  return ResultByLetter(id, arguments, casts);
}

std::string DescribeParameters(FunctionId id) {
  const std::string_view parameters = GetSignature(id).parameters;
  std::string text = "(";
  bool optional = false;
  bool first = true;
  for (const char c : parameters) {
    if (c == '[') {
      optional = true;
    } else if (c == '+') {
      text += ", ..";
    } else {
      StrAppend(&text, optional ? (first ? "[" : " [, ") : (first ? "" : ", "), FamilyName(c), optional ? "]" : "");
      first = false;
    }
  }
  return text + ")";
}

}  // namespace leat::plan
