// A typed expression: resolved, every implicit conversion written out as a kCast. Immutable and shared.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "stream/data/type.h"
#include "stream/data/value.h"
#include "stream/plan/function.h"

namespace leat::plan {

// Where in the script something stands; line and column count from 1 (in code points). 0: not from the script.
struct Position {
  int line = 0;
  int column = 0;
};

struct Expression;
using ExpressionPtr = std::shared_ptr<const Expression>;

struct Expression {
  enum class Kind { kInput, kLiteral, kCall };
  Kind kind = Kind::kLiteral;
  data::Type type;
  int input = -1;         // kInput: column of the input row
  data::Value literal;    // kLiteral
  FunctionId function{};  // kCall
  std::vector<ExpressionPtr> arguments;
  Position position;  // for run-time errors: "line 3: CAST('x' AS INT) failed: .."
};

ExpressionPtr Input(int column, data::Type type);
ExpressionPtr Literal(data::Value value, data::Type type);
ExpressionPtr Call(FunctionId function, std::vector<ExpressionPtr> arguments, data::Type type, Position position = {});
std::string ToString(const Expression& expression);  // as EXPLAIN prints it: >($2, 700)

}  // namespace leat::plan
