// Random typed expressions against an evaluator that works row by row on optional values and shares nothing with the
// kernels: no columns, no constants apart, no selections.
#include <rapidcheck/gtest.h>

#include <optional>

#include "base/random.h"
#include "exec_testing.h"

namespace leat::exec {
namespace {

using namespace testing;  // NOLINT
using F = FunctionId;
using Kind = plan::Expression::Kind;

// --- the reference: one row at a time; a failure is thrown away up to the row ---

struct Failed {};

using Row = std::vector<Value>;

Value Slow(const plan::Expression& e, const Row& row);

std::optional<bool> Truth(const Value& value) {
  if (value.is_null()) return std::nullopt;
  return std::get<bool>(value.v);
}

Value SlowConnective(const plan::Expression& e, const Row& row, bool decisive) {
  bool unknown = false;
  for (const auto& argument : e.arguments) {
    const std::optional<bool> truth = Truth(Slow(*argument, row));
    if (truth == decisive) return {decisive};
    unknown = unknown || !truth;
  }
  return unknown ? Value::Null() : Value{!decisive};
}

Value SlowCase(const plan::Expression& e, const Row& row) {
  size_t i = 0;
  for (; i + 1 < e.arguments.size(); i += 2) {
    if (Truth(Slow(*e.arguments[i], row)) == true) return Slow(*e.arguments[i + 1], row);
  }
  return i < e.arguments.size() ? Slow(*e.arguments[i], row) : Value::Null();
}

Value SlowCoalesce(const plan::Expression& e, const Row& row) {
  for (const auto& argument : e.arguments) {
    Value value = Slow(*argument, row);
    if (!value.is_null()) return value;
  }
  return Value::Null();
}

Value SlowArithmetic(F id, int32_t a, int32_t b) {
  const int64_t x = a;
  const int64_t y = b;
  switch (id) {
    case F::kAdd:
      return {static_cast<int32_t>(x + y)};
    case F::kSubtract:
      return {static_cast<int32_t>(x - y)};
    case F::kMultiply:
      return {static_cast<int32_t>(x * y)};
    default:
      if (y == 0) throw Failed{};
      return {static_cast<int32_t>(id == F::kDivide ? x / y : x % y)};
  }
}

bool SlowCompare(F id, const Value& a, const Value& b) {
  switch (id) {
    case F::kEqual:
      return a.v == b.v;
    case F::kNotEqual:
      return a.v != b.v;
    case F::kLess:
      return a.v < b.v;
    default:
      return a.v >= b.v;
  }
}

Value SlowCast(const Value& value) {
  const std::string& text = std::get<std::string>(value.v);
  if (text.empty() || text.find_first_not_of("0123456789") != std::string::npos) throw Failed{};
  if (text.size() > 15 || std::stoll(text) > INT32_MAX) throw Failed{};
  return {static_cast<int32_t>(std::stoll(text))};
}

Value SlowIn(const std::vector<Value>& values) {
  if (values[0].is_null()) return Value::Null();
  bool unknown = false;
  for (size_t i = 1; i < values.size(); ++i) {
    if (values[i].is_null()) {
      unknown = true;
    } else if (values[i] == values[0]) {
      return {true};
    }
  }
  return unknown ? Value::Null() : Value{false};
}

Value SlowStrict(const plan::Expression& e, const Row& row) {
  std::vector<Value> values;
  bool failed = false;
  bool null = false;
  for (const auto& argument : e.arguments) {
    try {
      values.push_back(Slow(*argument, row));
    } catch (const Failed&) {
      failed = true;  // every argument of a strict function is evaluated
      values.emplace_back();
    }
    null = null || values.back().is_null();
  }
  if (failed) throw Failed{};
  if (e.function == F::kIsNull) return {values[0].is_null()};
  if (e.function == F::kIn) return SlowIn(values);
  if (null) return Value::Null();
  switch (e.function) {
    case F::kNot:
      return {!std::get<bool>(values[0].v)};
    case F::kConcat:
      return {std::get<std::string>(values[0].v) + std::get<std::string>(values[1].v)};
    case F::kCharLength:
      return {static_cast<int32_t>(std::get<std::string>(values[0].v).size())};
    case F::kCast:
      return SlowCast(values[0]);
    case F::kEqual:
    case F::kNotEqual:
    case F::kLess:
    case F::kGreaterOrEqual:
      return {SlowCompare(e.function, values[0], values[1])};
    default:
      return SlowArithmetic(e.function, std::get<int32_t>(values[0].v), std::get<int32_t>(values[1].v));
  }
}

Value Slow(const plan::Expression& e, const Row& row) {
  if (e.kind == Kind::kInput) return row[static_cast<size_t>(e.input)];
  if (e.kind == Kind::kLiteral) return e.literal;
  switch (e.function) {
    case F::kAnd:
      return SlowConnective(e, row, false);
    case F::kOr:
      return SlowConnective(e, row, true);
    case F::kCase:
    case F::kIf:
      return SlowCase(e, row);
    case F::kCoalesce:
      return SlowCoalesce(e, row);
    default:
      return SlowStrict(e, row);
  }
}

// --- random expressions over the row (INT, INT, STRING, BOOLEAN) ---

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  Value RandomValue(const data::Type& type) {
    if (random_.OneIn(5)) return Value::Null();
    switch (type.kind) {
      case data::TypeKind::kInt:
        if (random_.OneIn(8)) return {random_.OneIn(2) ? INT32_MAX : INT32_MIN};
        return {static_cast<int32_t>(random_.Between(-3, 3))};
      case data::TypeKind::kBoolean:
        return {random_.OneIn(2)};
      default: {
        static constexpr std::string_view kTexts[] = {"", "1", "42", "x", "7y"};
        return {std::string(kTexts[random_.Below(std::size(kTexts))])};
      }
    }
  }

  ExpressionPtr Of(const data::Type& type, int depth) {
    if (depth == 0 || random_.OneIn(6)) return Leaf(type);
    if (random_.OneIn(4)) return Conditional(type, depth - 1);
    switch (type.kind) {
      case data::TypeKind::kInt:
        return IntCall(depth - 1);
      case data::TypeKind::kBoolean:
        return BoolCall(depth - 1);
      default:
        return Make(F::kConcat, {Of(type, depth - 1), Of(type, depth - 1)}, type);
    }
  }

 private:
  static ExpressionPtr Make(F id, std::vector<ExpressionPtr> arguments, const data::Type& type) {
    return plan::Call(id, std::move(arguments), type);
  }
  ExpressionPtr Leaf(const data::Type& type) {
    if (random_.OneIn(3)) return Lit(RandomValue(type), type);
    const int column = type.kind == data::TypeKind::kInt       ? static_cast<int>(random_.Below(2))
                       : type.kind == data::TypeKind::kBoolean ? 3
                                                               : 2;
    return plan::Input(column, type);
  }
  ExpressionPtr Conditional(const data::Type& type, int depth) {
    const data::Type boolean = data::Boolean();
    switch (random_.Below(3)) {
      case 0:
        return Make(F::kIf, {Of(boolean, depth), Of(type, depth), Of(type, depth)}, type);
      case 1:
        return Make(F::kCoalesce, {Of(type, depth), Of(type, depth)}, type);
      default:
        return Make(F::kCase, {Of(boolean, depth), Of(type, depth), Of(boolean, depth), Of(type, depth)}, type);
    }
  }
  ExpressionPtr IntCall(int depth) {
    static constexpr F kBinary[] = {F::kAdd, F::kSubtract, F::kMultiply, F::kDivide, F::kModulo};
    const data::Type type = data::Int();
    const uint64_t which = random_.Below(std::size(kBinary) + 2);
    if (which < std::size(kBinary)) return Make(kBinary[which], {Of(type, depth), Of(type, depth)}, type);
    if (which == std::size(kBinary)) return Make(F::kCharLength, {Of(data::String(), depth)}, type);
    return Make(F::kCast, {Of(data::String(), depth)}, type);
  }
  ExpressionPtr BoolCall(int depth) {
    static constexpr F kCompare[] = {F::kEqual, F::kNotEqual, F::kLess, F::kGreaterOrEqual};
    const data::Type type = data::Boolean();
    const data::Type any = random_.OneIn(2) ? data::Int() : data::String();
    switch (random_.Below(6)) {
      case 0:
        return Make(F::kAnd, {Of(type, depth), Of(type, depth)}, type);
      case 1:
        return Make(F::kOr, {Of(type, depth), Of(type, depth)}, type);
      case 2:
        return Make(F::kNot, {Of(type, depth)}, type);
      case 3:
        return Make(F::kIsNull, {Of(any, depth)}, type);
      case 4:
        return Make(F::kIn, {Of(any, depth), Of(any, depth), Of(any, depth)}, type);
      default:
        return Make(kCompare[random_.Below(std::size(kCompare))], {Of(any, depth), Of(any, depth)}, type);
    }
  }

  Random random_;
};

RC_GTEST_PROP(Evaluator, AgreesWithARowAtATimeEvaluator, ()) {
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  Generator generator(seed);
  const data::SchemaPtr schema =
      MakeSchema({{"a", data::Int()}, {"b", data::Int()}, {"t", data::String()}, {"f", data::Boolean()}});
  std::vector<Row> rows;
  for (int i = 0; i < 20; ++i) {
    rows.emplace_back();
    for (const data::Field& field : schema->fields) rows.back().push_back(generator.RandomValue(field.type));
  }
  const data::Batch batch = MakeBatch(schema, rows);
  const data::Type types[] = {data::Int(), data::Boolean(), data::String()};
  for (int i = 0; i < 10; ++i) {
    const data::Type& type = types[i % 3];
    const ExpressionPtr expression = generator.Of(type, 5);
    const std::vector<std::string> got = Evaluate(expression, batch);
    for (size_t row = 0; row < rows.size(); ++row) {
      std::string want;
      try {
        want = data::FormatValue(Slow(*expression, rows[row]), type);
      } catch (const Failed&) {
        want = "error";
      }
      const std::string have = got[row].starts_with("error: ") ? "error" : got[row];
      if (have != want) {
        RC_LOG() << plan::ToString(*expression) << " on " << data::FormatRow(batch, row) << ": " << got[row]
                 << ", expected " << want << "\n";
      }
      RC_ASSERT(have == want);
    }
  }
}

}  // namespace
}  // namespace leat::exec
