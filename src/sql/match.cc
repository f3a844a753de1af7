// MATCH_RECOGNIZE as a plan node: a Calc with what is read of a row, then the match.
#include <algorithm>
#include <set>

#include "base/strings.h"
#include "sql/lexer.h"
#include "sql/literals.h"
#include "sql/queries.h"

namespace leat::sql {

using plan::ExpressionPtr;
using plan::MatchReference;

namespace {

constexpr int kMaxOffset = 10'000;

data::Type WithoutTime(data::Type type) {
  type.rowtime = type.proctime = false;
  return type;
}

// The Calc below: each different expression once.
class Columns {
 public:
  int Add(const ExpressionPtr& expression, const std::string& name) {
    for (size_t i = 0; i < expressions_.size(); ++i) {
      if (SameExpression(*expressions_[i], *expression)) return static_cast<int>(i);
    }
    expressions_.push_back(expression);
    names_.push_back(name.empty() ? StrCat("$match", expressions_.size() - 1) : name);
    return static_cast<int>(expressions_.size()) - 1;
  }
  plan::NodePtr Build(const plan::NodePtr& input, Position position) {
    return MakeCalc(input, nullptr, expressions_, names_, position);
  }

 private:
  std::vector<ExpressionPtr> expressions_;
  std::vector<std::string> names_;
};

class Variables {
 public:
  explicit Variables(const MatchSyntax& syntax) {
    for (const PatternElement& element : syntax.pattern) names_.push_back(element.variable.text);
  }
  int Find(std::string_view name) const {
    const auto found = std::ranges::find(names_, name);
    return found == names_.end() ? -1 : static_cast<int>(found - names_.begin());
  }
  std::string List() const {
    std::string text;
    for (const std::string& name : names_) StrAppend(&text, text.empty() ? "" : ", ", name);
    return text;
  }

 private:
  std::vector<std::string> names_;
};

// What every expression of one MATCH_RECOGNIZE is bound against.
struct MatchContext {
  const Relation& input;  // without an alias
  const Variables& variables;
  const Diagnostics& diagnostics;
  int* budget;
  int time = -1;  // the rowtime column of the input; -1: by arrival
  Columns columns;
};

// `A.price` or `price` as an expression over the input, and the variable: -1 for none.
struct BoundName {
  ExpressionPtr expression;
  int variable = -1;
};
absl::StatusOr<BoundName> BindName(MatchContext& context, const Path& path) {
  BoundName bound;
  Expr column;
  column.kind = Expr::Kind::kName;
  column.path = path;
  if (path.size() > 1) {
    bound.variable = context.variables.Find(path[0].text);
    if (bound.variable >= 0) {
      column.path.erase(column.path.begin());
    } else if (context.input.node->schema->Find(path[0].text) < 0) {
      return context.diagnostics.Error(path[0].position, "'", path[0].text,
                                       "' is neither a variable of PATTERN nor a column; the variables are ",
                                       context.variables.List());
    }
  }
  column.position = column.path[0].position;
  ExpressionAnalyser analyser(context.diagnostics, &context.input, nullptr, context.budget);
  LEAT_ASSIGN_OR_RETURN(bound.expression, analyser.Analyse(column));
  return bound;
}

// The aggregates that a match knows.
std::optional<plan::AggregateKind> MatchAggregate(std::string_view name) {
  for (const std::string_view known : {"COUNT", "SUM", "AVG", "MIN", "MAX"}) {
    if (name == known) return AggregateByName(name);
  }
  return std::nullopt;
}

// The functions that look at the rows of a match.
bool IsNavigation(std::string_view name) {
  for (const std::string_view known : {"FIRST", "LAST", "PREV", "NEXT", "CLASSIFIER", "MATCH_NUMBER", "MATCH_ROWTIME",
                                       "MATCH_PROCTIME", "FIRST_VALUE", "LAST_VALUE", "CURRENT_WATERMARK"}) {
    if (name == known) return true;
  }
  return AggregateByName(name).has_value();
}

// Within FIRST, LAST and aggregates: names are columns of one row.
class RowNames : public MatchNames {
 public:
  RowNames(MatchContext& context, std::string_view of) : context_(context), of_(of) {}

  absl::StatusOr<ExpressionPtr> Name(const Path& path) override {
    LEAT_ASSIGN_OR_RETURN(BoundName bound, BindName(context_, path));
    if (variable_ && *variable_ != bound.variable) {
      return context_.diagnostics.Error(path[0].position, "the columns in one ", of_,
                                        " must all be of the same variable, here as on Flink");
    }
    variable_ = bound.variable;
    return bound.expression;
  }
  absl::StatusOr<ExpressionPtr> Call(const Expr& call) override {
    const std::string name = ToUpper(call.word);
    if (!IsNavigation(name)) return ExpressionPtr();
    return context_.diagnostics.Error(call.position, name, " cannot stand in ", of_);
  }
  int variable() const { return variable_.value_or(-1); }

 private:
  MatchContext& context_;
  std::string of_;
  std::optional<int> variable_;
};

// An expression of DEFINE (of the variable `defined`) or of MEASURES (-1).
class ExpressionBinder : public MatchNames {
 public:
  ExpressionBinder(MatchContext& context, int defined) : context_(context), defined_(defined) {}

  absl::StatusOr<plan::MatchExpression> Bind(const Expr& expr) {
    ExpressionAnalyser analyser(context_.diagnostics, nullptr, nullptr, context_.budget);
    analyser.OverMatch(this);
    if (defined_ >= 0) {
      LEAT_ASSIGN_OR_RETURN(result_.expression, analyser.Condition(expr, "DEFINE"));
    } else {
      LEAT_ASSIGN_OR_RETURN(result_.expression, analyser.Analyse(expr));
    }
    return std::move(result_);
  }

  absl::StatusOr<ExpressionPtr> Name(const Path& path) override {
    LEAT_ASSIGN_OR_RETURN(const BoundName bound, BindName(context_, path));
    return Row(MatchReference::Kind::kLast, bound.variable, 0, bound.expression, path[0].position);
  }

  absl::StatusOr<ExpressionPtr> Call(const Expr& call) override {
    const std::string name = ToUpper(call.word);
    const bool navigation = IsNavigation(name);
    if (navigation && call.over) {
      return context_.diagnostics.Error(call.position, "OVER cannot stand in MATCH_RECOGNIZE");
    }
    if (name == "FIRST" || name == "LAST") return Offset(call, name);
    if (name == "MATCH_ROWTIME") return Rowtime(call);
    if (name == "MATCH_PROCTIME") return Proctime(call);
    if (MatchAggregate(name)) return Aggregate(call, name);
    if (!navigation) return ExpressionPtr();
    if (name == "PREV" || name == "NEXT") {
      return context_.diagnostics.Error(call.position, name,
                                        " is not supported, here as on Flink: it looks at rows outside of the match; "
                                        "LAST(variable.column, n) looks back at those of a variable");
    }
    if (name == "CLASSIFIER" || name == "MATCH_NUMBER" || name == "CURRENT_WATERMARK") {
      return context_.diagnostics.Error(call.position, name, " in MATCH_RECOGNIZE is not supported, here as on Flink");
    }
    return context_.diagnostics.Unsupported(call.position, StrCat(name, " in MATCH_RECOGNIZE"));
  }

 private:
  ExpressionPtr Add(MatchReference reference, Position position) {
    const auto same = [&](const MatchReference& other) {
      return other.kind == reference.kind && other.variable == reference.variable && other.offset == reference.offset &&
             other.column == reference.column && other.aggregate.kind == reference.aggregate.kind &&
             other.type == reference.type;
    };
    auto& references = result_.references;
    auto found = std::ranges::find_if(references, same);
    if (found == references.end()) found = references.insert(found, reference);
    auto input =
        std::make_shared<plan::Expression>(*plan::Input(static_cast<int>(found - references.begin()), reference.type));
    input->position = position;
    return input;
  }

  ExpressionPtr Row(MatchReference::Kind kind, int variable, int offset, const ExpressionPtr& value,
                    Position position) {
    MatchReference reference{.kind = kind, .variable = variable, .offset = offset};
    reference.column = context_.columns.Add(value, NameOf(*value));
    reference.type = WithoutTime(value->type);
    // Only the row that is tried is there for certain.
    const bool tried =
        kind == MatchReference::Kind::kLast && offset == 0 && defined_ >= 0 && (variable < 0 || variable == defined_);
    if (!tried) reference.type = reference.type.AsNullable();
    return Add(std::move(reference), position);
  }

  std::string NameOf(const plan::Expression& value) const {
    return value.kind == plan::Expression::Kind::kInput ? context_.input.fields()[value.input].name : std::string();
  }

  // FIRST(value [, n]) or LAST.
  absl::StatusOr<ExpressionPtr> Offset(const Expr& call, const std::string& name) {
    const bool plain = call.form == Expr::Form::kPlain && !call.distinct && !call.filter;
    if (!plain || call.arguments.empty() || call.arguments.size() > 2) {
      return context_.diagnostics.Error(call.position, "expected ", name, "(variable.column [, rows])");
    }
    int offset = 0;
    if (call.arguments.size() == 2) {
      ExpressionAnalyser analyser(context_.diagnostics, nullptr, nullptr, context_.budget);
      LEAT_ASSIGN_OR_RETURN(const ExpressionPtr rows, analyser.Analyse(*call.arguments[1]));
      const auto* number = std::get_if<int32_t>(&rows->literal.v);
      if (rows->kind != plan::Expression::Kind::kLiteral || number == nullptr || *number < 0 || *number > kMaxOffset) {
        return context_.diagnostics.Error(call.arguments[1]->position, name, " takes a written number of rows, 0 to ",
                                          kMaxOffset);
      }
      offset = *number;
    }
    LEAT_ASSIGN_OR_RETURN(const BoundName value, OfRow(*call.arguments[0], name));
    return Row(name == "FIRST" ? MatchReference::Kind::kFirst : MatchReference::Kind::kLast, value.variable, offset,
               value.expression, call.position);
  }

  absl::StatusOr<BoundName> OfRow(const Expr& expr, std::string_view of) {
    RowNames names(context_, of);
    ExpressionAnalyser analyser(context_.diagnostics, nullptr, nullptr, context_.budget);
    analyser.OverMatch(&names);
    LEAT_ASSIGN_OR_RETURN(ExpressionPtr value, analyser.Analyse(expr));
    return BoundName{.expression = std::move(value), .variable = names.variable()};
  }

  absl::StatusOr<ExpressionPtr> Aggregate(const Expr& call, const std::string& name) {
    if (call.distinct) {
      return context_.diagnostics.Error(call.position,
                                        "DISTINCT aggregates in MATCH_RECOGNIZE are not supported, here as on Flink");
    }
    if (call.filter) {
      return context_.diagnostics.Error(call.position,
                                        "FILTER in MATCH_RECOGNIZE is not supported, here as on Flink; CASE in the "
                                        "argument does the same");
    }
    MatchReference reference{.kind = MatchReference::Kind::kAggregate};
    reference.aggregate.kind = *MatchAggregate(name);
    reference.type = data::BigInt().AsNotNull();
    if (call.form == Expr::Form::kStar && name == "COUNT") {
      reference.aggregate.kind = plan::AggregateKind::kCountStar;
    } else if (call.form != Expr::Form::kPlain || call.arguments.size() != 1) {
      return context_.diagnostics.Error(call.position, name, " takes one argument");
    } else {
      LEAT_ASSIGN_OR_RETURN(const BoundName value, OfRow(*call.arguments[0], name));
      const auto type = AggregateType(reference.aggregate.kind, value.expression->type);
      if (!type) {
        return context_.diagnostics.Error(call.position, name, " does not take ",
                                          value.expression->type.AsNullable().ToString());
      }
      reference.variable = value.variable;
      reference.column = context_.columns.Add(value.expression, NameOf(*value.expression));
      reference.type = reference.aggregate.kind == plan::AggregateKind::kCount ? *type : type->AsNullable();
    }
    reference.aggregate.argument = reference.column;
    reference.aggregate.type = reference.type;
    return Add(std::move(reference), call.position);
  }

  absl::Status OnlyInMeasures(const Expr& call, std::string_view name) const {
    if (call.form != Expr::Form::kPlain || call.distinct || call.filter) {
      return context_.diagnostics.Error(call.position, "expected ", name, "()");
    }
    if (defined_ < 0) return absl::OkStatus();
    return context_.diagnostics.Error(call.position, name, " is for MEASURES; in DEFINE no match has ended yet");
  }

  absl::StatusOr<ExpressionPtr> Rowtime(const Expr& call) {
    LEAT_RETURN_IF_ERROR(OnlyInMeasures(call, "MATCH_ROWTIME"));
    if (context_.time < 0) {
      return context_.diagnostics.Error(call.position,
                                        "MATCH_ROWTIME needs ORDER BY an event-time column; MATCH_PROCTIME() is there");
    }
    MatchReference reference{.kind = MatchReference::Kind::kRowtime};
    reference.type = data::Timestamp(3).AsNotNull();
    reference.type.rowtime = true;
    if (call.arguments.size() > 1) return context_.diagnostics.Error(call.position, "expected MATCH_ROWTIME([column])");
    if (call.arguments.size() == 1) {
      LEAT_ASSIGN_OR_RETURN(const BoundName column, OfRow(*call.arguments[0], "MATCH_ROWTIME"));
      if (column.expression->kind != plan::Expression::Kind::kInput || !column.expression->type.rowtime) {
        return context_.diagnostics.Error(call.arguments[0]->position,
                                          "MATCH_ROWTIME takes the event-time column of ORDER BY");
      }
      reference.type = column.expression->type.AsNotNull();
    }
    return Add(std::move(reference), call.position);
  }

  absl::StatusOr<ExpressionPtr> Proctime(const Expr& call) {
    LEAT_RETURN_IF_ERROR(OnlyInMeasures(call, "MATCH_PROCTIME"));
    if (!call.arguments.empty()) return context_.diagnostics.Error(call.position, "expected MATCH_PROCTIME()");
    ExpressionAnalyser analyser(context_.diagnostics, nullptr, nullptr, context_.budget);
    return analyser.MakeCall(plan::FunctionId::kProcTime, {}, call.position);
  }

  MatchContext& context_;
  int defined_;
  plan::MatchExpression result_;
};

class MatchBuilder {
 public:
  MatchBuilder(const Relation& input, const MatchSyntax& syntax, int* budget, const Diagnostics& diagnostics)
      : input_(input),
        syntax_(syntax),
        diagnostics_(diagnostics),
        variables_(syntax),
        context_{.input = input_, .variables = variables_, .diagnostics = diagnostics, .budget = budget} {
    input_.SetAlias("");
  }

  absl::StatusOr<Relation> Build() {
    if (input_.node->produces_updates) {
      return diagnostics_.Error(
          syntax_.position, "MATCH_RECOGNIZE takes rows that stay; this input updates its results, here as on Flink");
    }
    LEAT_RETURN_IF_ERROR(ReadPattern());
    LEAT_RETURN_IF_ERROR(ReadSkip());
    LEAT_RETURN_IF_ERROR(ReadWithin());
    LEAT_RETURN_IF_ERROR(ReadPartition());
    LEAT_RETURN_IF_ERROR(ReadOrder());
    LEAT_RETURN_IF_ERROR(ReadDefinitions());
    LEAT_RETURN_IF_ERROR(ReadMeasures());
    if (fields_.empty()) {
      return diagnostics_.Error(syntax_.position, "MATCH_RECOGNIZE without PARTITION BY and MEASURES has no columns");
    }
    auto node = MakeNode(plan::NodeKind::kMatch, {context_.columns.Build(input_.node, syntax_.position)}, fields_,
                         syntax_.position);
    node->keys = std::move(keys_);
    node->order = std::move(order_);
    node->window.time_column = time_column_;
    node->match = std::make_shared<const plan::MatchSpec>(std::move(spec_));
    Relation result;
    result.node = node;
    result.MatchColumns();
    result.depth = input_.depth + 1;
    return result;
  }

 private:
  absl::Status ReadPattern() {
    bool empty = true;
    const PatternElement* greedy = nullptr;  // the one before
    std::set<std::string_view> seen;
    for (const PatternElement& element : syntax_.pattern) {
      const bool optional = element.min == 0 && element.max == 1;
      const Position at = element.variable.position;
      if (!seen.insert(element.variable.text).second) {
        return diagnostics_.Error(at, "the variable ", element.variable.text,
                                  " stands twice in PATTERN; each may stand once, here as on Flink");
      }
      if (optional && element.reluctant) {
        return diagnostics_.Error(at, "the reluctant ", element.variable.text,
                                  "?? is not supported, here as on Flink; ", element.variable.text, "? is");
      }
      // {0,m} is let through: Flink gives it a meaning.
      if (greedy != nullptr && element.min == 0 && element.max <= 1) {
        return diagnostics_.Error(at, "the optional variable ", element.variable.text,
                                  " cannot stand behind the greedy ", greedy->variable.text,
                                  ", here as on Flink; make ", greedy->variable.text,
                                  " reluctant (a ? behind its quantifier)");
      }
      greedy = !element.reluctant && element.min != element.max && !optional ? &element : nullptr;
      empty = empty && element.min == 0;
      spec_.variables.push_back({.name = element.variable.text,
                                 .min = element.min,
                                 .max = element.max,
                                 .greedy = !element.reluctant,
                                 .condition = {}});
    }
    const PatternElement& last = syntax_.pattern.back();
    if (empty) {
      return diagnostics_.Error(syntax_.pattern[0].variable.position,
                                "PATTERN must not match no rows at all, here as on Flink; one variable must not be "
                                "optional");
    }
    if (greedy != nullptr) {
      return diagnostics_.Error(last.variable.position, "the last variable of PATTERN, ", last.variable.text,
                                ", cannot be greedy, here as on Flink; end with a single variable or make it reluctant "
                                "(a ? behind the quantifier)");
    }
    return absl::OkStatus();
  }

  absl::Status ReadSkip() {
    const Name& target = syntax_.skip_to;
    switch (syntax_.skip) {
      case MatchSyntax::Skip::kToNextRow:
        spec_.skip = plan::MatchSkip::kToNextRow;
        return absl::OkStatus();
      case MatchSyntax::Skip::kPastLastRow:
        spec_.skip = plan::MatchSkip::kPastLastRow;
        return absl::OkStatus();
      case MatchSyntax::Skip::kToFirst:
        spec_.skip = plan::MatchSkip::kToFirst;
        break;
      case MatchSyntax::Skip::kToLast:
        spec_.skip = plan::MatchSkip::kToLast;
        break;
    }
    spec_.skip_variable = variables_.Find(target.text);
    if (spec_.skip_variable < 0) {
      return diagnostics_.Error(target.position, "PATTERN has no variable '", target.text, "'; it has ",
                                variables_.List());
    }
    const plan::MatchVariable& first = spec_.variables[0];
    const bool same_row = spec_.skip == plan::MatchSkip::kToFirst || first.max == 1;
    if (spec_.skip_variable == 0 && first.min > 0 && same_row) {
      return diagnostics_.Error(target.position, "the next match would begin where this one did, without end; skip to ",
                                "another variable, TO NEXT ROW or PAST LAST ROW");
    }
    return absl::OkStatus();
  }

  absl::Status ReadWithin() {
    if (!syntax_.within) return absl::OkStatus();
    ExpressionAnalyser analyser(diagnostics_, nullptr, nullptr, context_.budget);
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr within, analyser.Analyse(*syntax_.within));
    if (within->kind != plan::Expression::Kind::kLiteral || within->type.kind != data::TypeKind::kIntervalDayTime) {
      return diagnostics_.Error(syntax_.within->position,
                                "WITHIN takes INTERVAL '..' with a unit of DAY to SECOND, here as on Flink");
    }
    spec_.within_ms = std::get<int64_t>(within->literal.v) / data::kMicrosPerMilli;
    if (spec_.within_ms > 0) return absl::OkStatus();
    return diagnostics_.Error(syntax_.within->position, "the interval of WITHIN must be greater than 0");
  }

  absl::Status ReadPartition() {
    for (const ExprPtr& key : syntax_.partition) {
      ExpressionAnalyser analyser(diagnostics_, &input_, nullptr, context_.budget);
      LEAT_ASSIGN_OR_RETURN(const ExpressionPtr column, analyser.Analyse(*key));
      if (column->kind != plan::Expression::Kind::kInput) {
        return diagnostics_.Error(key->position, "PARTITION BY of MATCH_RECOGNIZE takes columns");
      }
      const std::string& name = input_.fields()[column->input].name;
      keys_.push_back(context_.columns.Add(column, name));
      fields_.push_back({name, WithoutTime(column->type)});
    }
    return absl::OkStatus();
  }

  absl::Status ReadOrder() {
    const auto bad = [&](Position at) {
      return diagnostics_.Error(at,
                                "MATCH_RECOGNIZE needs ORDER BY a time attribute first, ascending: a column with a "
                                "WATERMARK, passed on unchanged, or PROCTIME()");
    };
    if (syntax_.order.empty()) return bad(syntax_.position);
    for (const OrderItem& item : syntax_.order) {
      ExpressionAnalyser analyser(diagnostics_, &input_, nullptr, context_.budget);
      LEAT_ASSIGN_OR_RETURN(const ExpressionPtr value, analyser.Analyse(*item.expr));
      if (&item == &syntax_.order[0]) {
        const bool column = value->kind == plan::Expression::Kind::kInput && value->type.rowtime;
        if ((!column && !value->type.proctime) || item.descending) return bad(item.expr->position);
        if (!column) continue;
        context_.time = value->input;
        time_column_ = context_.columns.Add(value, input_.fields()[value->input].name);
        continue;
      }
      if (context_.time < 0) {
        return diagnostics_.Unsupported(item.expr->position,
                                        "ORDER BY of MATCH_RECOGNIZE by another column behind a processing time");
      }
      if (value->type.kind == data::TypeKind::kRow) {
        return diagnostics_.Unsupported(item.expr->position, "ORDER BY a ROW");
      }
      const bool column = value->kind == plan::Expression::Kind::kInput;
      const std::string name = column ? input_.fields()[value->input].name : std::string();
      order_.push_back({context_.columns.Add(value, name), item.descending, item.nulls_first});
    }
    return absl::OkStatus();
  }

  absl::Status ReadDefinitions() {
    for (const SelectItem& definition : syntax_.definitions) {
      const int variable = variables_.Find(definition.alias->text);
      if (variable < 0) {
        return diagnostics_.Error(definition.alias->position, "PATTERN has no variable '", definition.alias->text,
                                  "'; it has ", variables_.List());
      }
      auto& condition = spec_.variables[static_cast<size_t>(variable)].condition;
      if (condition) {
        return diagnostics_.Error(definition.alias->position, "the variable ", definition.alias->text,
                                  " is defined twice");
      }
      LEAT_ASSIGN_OR_RETURN(condition, ExpressionBinder(context_, variable).Bind(*definition.expr));
    }
    return absl::OkStatus();
  }

  absl::Status ReadMeasures() {
    std::set<std::string, std::less<>> seen;
    for (const data::Field& field : fields_) seen.insert(field.name);
    for (const SelectItem& measure : syntax_.measures) {
      if (!seen.insert(measure.alias->text).second) {
        return diagnostics_.Error(measure.alias->position, "there are two columns '", measure.alias->text,
                                  "' in the result of MATCH_RECOGNIZE");
      }
      LEAT_ASSIGN_OR_RETURN(plan::MatchExpression bound, ExpressionBinder(context_, -1).Bind(*measure.expr));
      fields_.push_back({measure.alias->text, bound.expression->type});
      spec_.measures.push_back(std::move(bound));
    }
    return absl::OkStatus();
  }

  Relation input_;
  const MatchSyntax& syntax_;
  const Diagnostics& diagnostics_;
  Variables variables_;
  MatchContext context_;
  plan::MatchSpec spec_;
  std::vector<int> keys_;
  std::vector<plan::OrderKey> order_;
  std::vector<data::Field> fields_;
  int time_column_ = -1;
};

}  // namespace

absl::StatusOr<Relation> Match(const Relation& input, const MatchSyntax& syntax, int* budget,
                               const Diagnostics& diagnostics) {
  return MatchBuilder(input, syntax, budget, diagnostics).Build();
}

}  // namespace leat::sql
