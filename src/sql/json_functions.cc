// JSON_VALUE, JSON_QUERY, JSON_EXISTS, JSON_OBJECT and JSON_ARRAY with their clauses.
#include <map>

#include "sql/expressions.h"
#include "sql/lexer.h"
#include "sql/literals.h"

namespace leat::sql {

using data::Type;
using data::TypeKind;
using plan::ExpressionPtr;
using F = plan::FunctionId;

namespace {

// One letter for each choice, as the kernels read it.
struct Clauses {
  char empty = 'N';
  char error = 'N';
  char wrapper = 'W';
  char null = 'N';
  int default_on_empty = -1;  // which of the values of DEFAULT
  int default_on_error = -1;
};

class ClauseReader {
 public:
  ClauseReader(const Expr& call, std::string name, const Diagnostics& diagnostics)
      : words_(call.path), name_(std::move(name)), call_(call), diagnostics_(diagnostics) {}

  absl::StatusOr<Clauses> Run() {
    if (name_ == "JSON_EXISTS") clauses_.error = 'F';
    // A NULL value is left out of an array and kept in an object, unless the call says otherwise.
    clauses_.null = name_ == "JSON_ARRAY" || name_ == "JSON_ARRAYAGG" ? 'A' : 'N';
    while (at_ < words_.size()) {
      if (Is("WITH") || Is("WITHOUT")) {
        LEAT_RETURN_IF_ERROR(ReadWrapper());
      } else {
        LEAT_RETURN_IF_ERROR(ReadBehaviour());
      }
    }
    return clauses_;
  }

 private:
  bool Is(std::string_view word) const { return at_ < words_.size() && words_[at_].text == word; }
  bool Take(std::string_view word) {
    if (!Is(word)) return false;
    ++at_;
    return true;
  }
  absl::Status Unexpected() const {
    if (at_ >= words_.size()) return diagnostics_.Error(call_.position, "a clause of ", name_, " is not complete");
    return diagnostics_.Error(words_[at_].position, "unexpected ", words_[at_].text, " in ", name_);
  }

  absl::Status ReadWrapper() {
    if (name_ != "JSON_QUERY") return Unexpected();
    if (Take("WITHOUT")) {
      clauses_.wrapper = 'W';
    } else {
      Take("WITH");
      clauses_.wrapper = Take("CONDITIONAL") ? 'C' : 'U';
      if (clauses_.wrapper == 'U') Take("UNCONDITIONAL");
    }
    Take("ARRAY");
    return Take("WRAPPER") ? absl::OkStatus() : Unexpected();
  }

  // The letter of the behaviour that begins here, if this function has it.
  char TakeBehaviour() {
    const bool builds = name_.starts_with("JSON_OBJECT") || name_.starts_with("JSON_ARRAY");
    if (name_ == "JSON_EXISTS") {
      for (const std::string_view word : {"TRUE", "FALSE", "UNKNOWN", "ERROR"}) {
        if (Take(word)) return word[0];
      }
      return 0;
    }
    if (Take("NULL")) return 'N';
    if (builds) return Take("ABSENT") ? 'A' : 0;
    if (Take("ERROR")) return 'E';
    if (name_ == "JSON_VALUE") return Take("DEFAULT") ? 'D' : 0;
    if (!Take("EMPTY")) return 0;
    return Take("ARRAY") ? 'A' : Take("OBJECT") ? 'O' : 0;
  }

  absl::Status ReadBehaviour() {
    const char behaviour = TakeBehaviour();
    if (behaviour == 0 || !Take("ON")) return Unexpected();
    const bool builds = name_.starts_with("JSON_OBJECT") || name_.starts_with("JSON_ARRAY");
    const int used = behaviour == 'D' ? defaults_++ : -1;
    if (builds && Take("NULL")) {
      clauses_.null = behaviour;
    } else if (!builds && name_ != "JSON_EXISTS" && Take("EMPTY")) {
      clauses_.empty = behaviour;
      clauses_.default_on_empty = used;
    } else if (!builds && Take("ERROR")) {
      clauses_.error = behaviour;
      clauses_.default_on_error = used;
    } else {
      return Unexpected();
    }
    return absl::OkStatus();
  }

  const Path& words_;
  const std::string name_;
  const Expr& call_;
  const Diagnostics& diagnostics_;
  Clauses clauses_;
  size_t at_ = 0;
  int defaults_ = 0;
};

ExpressionPtr ModeLiteral(const std::string& mode) {
  return plan::Literal(data::Value{mode}, data::Char(static_cast<int>(mode.size())).AsNotNull());
}

bool IsJsonCall(const plan::Expression& expr) {
  return expr.kind == plan::Expression::Kind::kCall &&
         (expr.function == F::kJsonObject || expr.function == F::kJsonArray);
}

}  // namespace

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::AnalyseJson(const Expr& expr) {
  const std::string name = ToUpper(expr.word);
  if (const auto aggregate = AggregateByName(name)) return AnalyseAggregate(expr, *aggregate);
  if (expr.distinct || expr.filter) return diagnostics_.Error(expr.position, name, " is no aggregate");
  LEAT_ASSIGN_OR_RETURN(const Clauses clauses, ClauseReader(expr, name, diagnostics_).Run());
  if (!expr.type.word.empty() && name != "JSON_VALUE" && name != "JSON_QUERY") {
    return diagnostics_.Error(expr.type.position, name, " has no RETURNING");
  }
  LEAT_ASSIGN_OR_RETURN(auto arguments, AnalyseAll(expr.arguments));
  if (name == "JSON_OBJECT" || name == "JSON_ARRAY") return AnalyseJsonBuilder(expr, name, std::move(arguments));
  if (name == "JSON_VALUE") return AnalyseJsonValue(expr, std::move(arguments));
  if (arguments.size() != 2) {
    return diagnostics_.Error(expr.position, name, " takes a text and a path, got ", arguments.size(), " arguments");
  }
  if (name == "JSON_EXISTS") {
    arguments.push_back(ModeLiteral(std::string(1, clauses.error)));
    return MakeCall(F::kJsonExists, std::move(arguments), expr.position);
  }
  if (!expr.type.word.empty()) {
    LEAT_ASSIGN_OR_RETURN(const Type returning, ResolveType(expr.type, diagnostics_));
    if (!returning.IsCharacter() || returning.length != data::kMaxLength) {
      return diagnostics_.Unsupported(expr.type.position,
                                      StrCat("JSON_QUERY RETURNING ", returning.ToString(), " (STRING is)"));
    }
  }
  arguments.push_back(ModeLiteral(std::string{clauses.wrapper, clauses.empty, clauses.error}));
  return MakeCall(F::kJsonQuery, std::move(arguments), expr.position);
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::AnalyseJsonValue(const Expr& expr,
                                                                   std::vector<ExpressionPtr> arguments) {
  LEAT_ASSIGN_OR_RETURN(const Clauses clauses, ClauseReader(expr, "JSON_VALUE", diagnostics_).Run());
  const int defaults = (clauses.default_on_empty >= 0 ? 1 : 0) + (clauses.default_on_error >= 0 ? 1 : 0);
  if (arguments.size() != static_cast<size_t>(2 + defaults)) {
    return diagnostics_.Error(expr.position, "JSON_VALUE takes a text, a path and each clause once");
  }
  Type type = data::String();
  if (!expr.type.word.empty()) {
    LEAT_ASSIGN_OR_RETURN(type, ResolveType(expr.type, diagnostics_));
    const bool known = (type.IsCharacter() && type.length == data::kMaxLength) || type.kind == TypeKind::kBoolean ||
                       type.kind == TypeKind::kInt || type.kind == TypeKind::kDouble;
    if (!known) {
      return diagnostics_.Unsupported(expr.type.position, StrCat("JSON_VALUE RETURNING ", type.ToString(),
                                                                 " (STRING, BOOLEAN, INTEGER and DOUBLE are)"));
    }
  }
  const auto instead = [&](int which) -> absl::StatusOr<ExpressionPtr> {
    if (which < 0) return plan::Literal(data::Value::Null(), type.AsNullable());
    const ExpressionPtr& value = arguments[static_cast<size_t>(2 + which)];
    if (!plan::CanCastImplicitly(value->type, type)) {
      return diagnostics_.Error(value->position.line > 0 ? value->position : expr.position, "DEFAULT is ",
                                value->type.AsNullable().ToString(), ", and JSON_VALUE returns ",
                                type.AsNullable().ToString());
    }
    return CastTo(value, type);
  };
  LEAT_ASSIGN_OR_RETURN(const ExpressionPtr on_empty, instead(clauses.default_on_empty));
  LEAT_ASSIGN_OR_RETURN(const ExpressionPtr on_error, instead(clauses.default_on_error));
  const ExpressionPtr mode = ModeLiteral(std::string{clauses.empty, clauses.error});
  const std::vector<ExpressionPtr> all = {arguments[0], arguments[1], mode, on_empty, on_error};
  LEAT_ASSIGN_OR_RETURN(const ExpressionPtr call, MakeCall(F::kJsonValue, all, expr.position));
  return plan::Call(F::kJsonValue, call->arguments, type.AsNullable(), expr.position);
}

absl::StatusOr<ExpressionPtr> ExpressionAnalyser::AnalyseJsonBuilder(const Expr& expr, const std::string& name,
                                                                     std::vector<ExpressionPtr> arguments) {
  LEAT_ASSIGN_OR_RETURN(const Clauses clauses, ClauseReader(expr, ToUpper(expr.word), diagnostics_).Run());
  const bool object = name == "JSON_OBJECT";
  if (object && arguments.size() % 2 != 0) {
    return diagnostics_.Error(expr.position, "JSON_OBJECT takes pairs: KEY 'name' VALUE value, ..");
  }
  std::string mode(1, clauses.null);
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (object && i % 2 == 0) {
      if (!arguments[i]->type.IsCharacter()) {
        return diagnostics_.Error(expr.position, "the names of JSON_OBJECT are text, got ",
                                  arguments[i]->type.AsNullable().ToString());
      }
      continue;
    }
    mode += IsJsonCall(*arguments[i]) ? 'J' : 'V';
  }
  arguments.insert(arguments.begin(), ModeLiteral(mode));
  return MakeCall(object ? F::kJsonObject : F::kJsonArray, std::move(arguments), expr.position);
}

// JSON_ARRAYAGG and JSON_OBJECTAGG: the argument becomes JSON below the aggregate, a value or an object of one name.
absl::Status ExpressionAnalyser::AnalyseJsonAggregate(const Expr& expr, AggregateCall* call) {
  const std::string name = ToUpper(expr.word);
  const bool object = call->kind == plan::AggregateKind::kJsonObjectAgg;
  LEAT_ASSIGN_OR_RETURN(const Clauses clauses, ClauseReader(expr, name, diagnostics_).Run());
  if (!expr.type.word.empty()) return diagnostics_.Error(expr.type.position, name, " has no RETURNING");
  if (expr.distinct || expr.filter) {
    return diagnostics_.Error(expr.position, name, " takes no DISTINCT and no FILTER, here as on Flink");
  }
  LEAT_ASSIGN_OR_RETURN(auto arguments, AnalyseAll(expr.arguments));
  if (arguments.size() != (object ? 2 : 1)) {
    return diagnostics_.Error(expr.position, "expected ", name, object ? "(KEY name VALUE value)" : "(value)");
  }
  call->type = data::Varchar(2000).AsNotNull();  // so it is on Flink; longer texts are not cut
  if (object) {
    LEAT_ASSIGN_OR_RETURN(call->argument, AnalyseJsonBuilder(expr, "JSON_OBJECT", std::move(arguments)));
    return absl::OkStatus();
  }
  call->takes_nulls = clauses.null == 'N';
  if (IsJsonCall(*arguments[0])) {
    call->argument = arguments[0];
    return absl::OkStatus();
  }
  LEAT_ASSIGN_OR_RETURN(call->argument, MakeCall(F::kJsonString, std::move(arguments), expr.position));
  return absl::OkStatus();
}

}  // namespace leat::sql
