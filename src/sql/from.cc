// FROM with its joins, and WHERE.
#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "sql/grouping.h"
#include "sql/queries.h"

namespace leat::sql {

using plan::ExpressionPtr;
using plan::JoinType;

namespace {

// A table that reads those before it.
bool IsLateral(const TableRef& table) { return table.kind == TableRef::Kind::kUnnest || table.lateral; }

bool IsInner(const TableRef& from) {
  if (from.kind != TableRef::Kind::kJoin || from.natural || !from.columns_used.empty()) return false;
  const bool inner = from.join == TableRef::Join::kInner || from.join == TableRef::Join::kCross;
  return inner && !from.right->as_of && !IsLateral(*from.right);
}

JoinType TypeOf(TableRef::Join join) {
  switch (join) {
    case TableRef::Join::kLeft:
      return JoinType::kLeft;
    case TableRef::Join::kRight:
      return JoinType::kRight;
    case TableRef::Join::kFull:
      return JoinType::kFull;
    case TableRef::Join::kInner:
    case TableRef::Join::kCross:
      break;
  }
  return JoinType::kInner;
}

// Joins tables one after the other, each time the next one in FROM's order that a condition ties to those before.
class InnerJoiner {
 public:
  InnerJoiner(InnerJoins joins, const std::vector<Option>* state_ttl, const Diagnostics& diagnostics)
      : joins_(std::move(joins)), state_ttl_(state_ttl), diagnostics_(diagnostics) {
    for (const Relation& table : joins_.tables) {
      first_.push_back(width_);
      width_ += static_cast<int>(table.fields().size());
    }
    place_.assign(static_cast<size_t>(width_), -1);
    for (const ExpressionPtr& conjunct : joins_.conjuncts) conjuncts_.push_back({conjunct, TablesOf(*conjunct), false});
  }

  absl::StatusOr<Relation> Join() {
    std::set<size_t> rest;
    for (size_t i = 0; i < joins_.tables.size(); ++i) rest.insert(i);
    Relation result = joins_.tables[0];
    Place(0, 0);
    rest.erase(0);
    while (!rest.empty()) {
      const size_t next = Next(rest);
      const Relation& table = joins_.tables[next];
      Place(next, static_cast<int>(result.fields().size()));
      rest.erase(next);
      JoinRequest request{.type = JoinType::kInner,
                          .conjuncts = TakeConjuncts(result, table),
                          .position = joins_.position,
                          .state_ttl = state_ttl_};
      LEAT_ASSIGN_OR_RETURN(result, MakeJoin(result, table, request, diagnostics_));
    }
    return InOrder(std::move(result));
  }

 private:
  struct Conjunct {
    ExpressionPtr expression;
    std::set<size_t> tables;
    bool taken;
  };

  std::set<size_t> TablesOf(const plan::Expression& expression) const {
    std::vector<int> inputs;
    CollectInputs(expression, &inputs);
    std::set<size_t> tables;
    for (const int input : inputs) {
      size_t table = first_.size() - 1;
      while (first_[table] > input) --table;
      tables.insert(table);
    }
    return tables;
  }

  void Place(size_t table, int at) {
    joined_.insert(table);
    for (size_t i = 0; i < joins_.tables[table].fields().size(); ++i) {
      place_[static_cast<size_t>(first_[table]) + i] = at + static_cast<int>(i);
    }
  }

  size_t Next(const std::set<size_t>& rest) const {
    for (const size_t table : rest) {
      for (const Conjunct& conjunct : conjuncts_) {
        if (conjunct.tables.size() < 2 || !conjunct.tables.contains(table)) continue;
        const bool tied = std::ranges::all_of(conjunct.tables,
                                              [&](size_t other) { return other == table || joined_.contains(other); });
        if (tied) return table;
      }
    }
    return *rest.begin();
  }

  // What can be said once this table is there, over the columns of both sides.
  std::vector<ExpressionPtr> TakeConjuncts(const Relation& left, const Relation& right) {
    std::vector<ExpressionPtr> columns(static_cast<size_t>(width_));
    const size_t left_width = left.fields().size();
    for (size_t i = 0; i < columns.size(); ++i) {
      if (place_[i] < 0) continue;
      const size_t at = static_cast<size_t>(place_[i]);
      columns[i] =
          plan::Input(place_[i], at < left_width ? left.fields()[at].type : right.fields()[at - left_width].type);
    }
    std::vector<ExpressionPtr> taken;
    for (Conjunct& conjunct : conjuncts_) {
      const bool ready = std::ranges::all_of(conjunct.tables, [&](size_t table) { return joined_.contains(table); });
      if (conjunct.taken || !ready) continue;
      conjunct.taken = true;
      taken.push_back(Substitute(conjunct.expression, columns));
    }
    return taken;
  }

  // The columns in the order of FROM.
  Relation InOrder(Relation joined) const {
    bool same = true;
    for (size_t i = 0; i < place_.size(); ++i) same = same && place_[i] == static_cast<int>(i);
    if (same) return joined;
    std::vector<ExpressionPtr> columns;
    std::vector<std::string> names;
    Relation result = joined;
    result.tags.clear();
    result.qualifiers.clear();
    result.hidden.clear();
    for (const int at : place_) {
      columns.push_back(plan::Input(at, joined.fields()[at].type));
      names.push_back(joined.fields()[at].name);
      result.tags.push_back(joined.tags[at]);
      result.qualifiers.push_back(joined.QualifierOf(static_cast<size_t>(at)));
      result.hidden.push_back(joined.IsHidden(static_cast<size_t>(at)) ? 1 : 0);
    }
    result.node = MakeCalc(joined.node, nullptr, columns, names, joins_.position);
    return result;
  }

  InnerJoins joins_;
  const std::vector<Option>* state_ttl_;
  const Diagnostics& diagnostics_;
  int width_ = 0;
  std::vector<int> first_;  // column of each table
  std::vector<int> place_;  // where each column is among those joined so far; -1: not there yet
  std::set<size_t> joined_;
  std::vector<Conjunct> conjuncts_;
};

}  // namespace

absl::StatusOr<Relation> MakeInnerJoins(InnerJoins joins, const std::vector<Option>* state_ttl,
                                        const Diagnostics& diagnostics) {
  return InnerJoiner(std::move(joins), state_ttl, diagnostics).Join();
}

absl::StatusOr<std::vector<ExpressionPtr>> QueryAnalyser::AnalyseConjuncts(const std::vector<ExprPtr>& conjuncts,
                                                                           const Relation& scope,
                                                                           std::string_view clause) {
  std::vector<ExpressionPtr> analysed;
  for (const ExprPtr& conjunct : conjuncts) {
    ExpressionAnalyser analyser(diagnostics_, &scope, nullptr, budget_);
    LEAT_ASSIGN_OR_RETURN(ExpressionPtr one, analyser.Condition(*conjunct, clause));
    analysed.push_back(std::move(one));
  }
  return analysed;
}

absl::Status QueryAnalyser::CollectInner(const TableRef& from, InnerJoins* joins) {
  if (!IsInner(from)) {
    LEAT_ASSIGN_OR_RETURN(Relation table, AnalyseFrom(from));
    joins->tables.push_back(std::move(table));
    return absl::OkStatus();
  }
  const size_t first = joins->tables.size();
  LEAT_RETURN_IF_ERROR(CollectInner(*from.left, joins));
  LEAT_RETURN_IF_ERROR(CollectInner(*from.right, joins));
  joins->position = from.position;
  // ON sees the tables of its own join only.
  const std::vector<Relation> own(joins->tables.begin() + static_cast<std::ptrdiff_t>(first), joins->tables.end());
  LEAT_ASSIGN_OR_RETURN(const std::vector<ExpressionPtr> on,
                        AnalyseConjuncts(Conjuncts(from.on), JoinScope(own), "ON"));
  int before = 0;
  for (size_t i = 0; i < first; ++i) before += static_cast<int>(joins->tables[i].fields().size());
  for (const ExpressionPtr& conjunct : on) joins->conjuncts.push_back(ShiftInputs(conjunct, before));
  return absl::OkStatus();
}

absl::StatusOr<Relation> QueryAnalyser::AnalyseJoin(const TableRef& from) {
  if (IsInner(from)) {
    InnerJoins joins;
    LEAT_RETURN_IF_ERROR(CollectInner(from, &joins));
    return MakeInnerJoins(std::move(joins), state_ttl_, diagnostics_);
  }
  if (IsLateral(*from.right)) {
    LEAT_ASSIGN_OR_RETURN(const Relation before, AnalyseFrom(*from.left));
    return ApplyLateral(before, from);
  }
  if (from.natural || !from.columns_used.empty()) return AnalyseUsingJoin(from);
  if (from.right->as_of) return AnalyseTemporalJoin(from);
  LEAT_ASSIGN_OR_RETURN(const Relation left, AnalyseFrom(*from.left));
  LEAT_ASSIGN_OR_RETURN(const Relation right, AnalyseFrom(*from.right));
  LEAT_ASSIGN_OR_RETURN(std::vector<ExpressionPtr> on,
                        AnalyseConjuncts(Conjuncts(from.on), JoinScope({left, right}), "ON"));
  const JoinRequest request{
      .type = TypeOf(from.join), .conjuncts = std::move(on), .position = from.position, .state_ttl = state_ttl_};
  return MakeJoin(left, right, request, diagnostics_);
}

// USING and NATURAL: the columns of these names are equal, and stand once in front of all others.
absl::StatusOr<Relation> QueryAnalyser::AnalyseUsingJoin(const TableRef& from) {
  if (from.right->as_of) {
    return diagnostics_.Error(from.position, "FOR SYSTEM_TIME AS OF goes with ON, not with USING or NATURAL");
  }
  LEAT_ASSIGN_OR_RETURN(const Relation left, AnalyseFrom(*from.left));
  LEAT_ASSIGN_OR_RETURN(const Relation right, AnalyseFrom(*from.right));
  std::vector<Name> names = from.columns_used;
  if (from.natural) {
    const auto has = [](const Relation& relation, const std::string& name) {
      return relation.node->schema->Find(name) >= 0;
    };
    for (size_t i = 0; i < left.fields().size(); ++i) {
      const std::string& name = left.fields()[i].name;
      if (!left.IsHidden(i) && has(right, name)) names.push_back({name, from.position});
    }
  }
  const int left_width = static_cast<int>(left.fields().size());
  JoinRequest request{.type = TypeOf(from.join), .conjuncts = {}, .position = from.position, .state_ttl = state_ttl_};
  std::vector<std::pair<int, int>> pairs;
  for (const Name& name : names) {
    ExpressionAnalyser left_side(diagnostics_, &left, nullptr, budget_);
    ExpressionAnalyser right_side(diagnostics_, &right, nullptr, budget_);
    const ExprPtr column = NameExpr(name.text, name.position);
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr a, left_side.Analyse(*column));
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr b, right_side.Analyse(*column));
    pairs.emplace_back(a->input, left_width + b->input);
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr equal,
                          left_side.MakeCall(plan::FunctionId::kEqual, {a, ShiftInputs(b, left_width)}, name.position));
    request.conjuncts.push_back(equal);
  }
  LEAT_ASSIGN_OR_RETURN(const Relation joined, MakeJoin(left, right, request, diagnostics_));
  return MergeColumns(joined, pairs, request.type, from.position);
}

// The relation with the pairs' values in front, under the pairs' names; the pairs themselves need their table's name.
absl::StatusOr<Relation> QueryAnalyser::MergeColumns(const Relation& joined,
                                                     const std::vector<std::pair<int, int>>& pairs, JoinType type,
                                                     Position position) {
  Relation result = joined;
  std::vector<ExpressionPtr> columns;
  std::vector<std::string> names;
  std::vector<uint8_t> hidden;
  result.tags.clear();
  result.qualifiers.clear();
  const std::vector<ExpressionPtr> own = AllInputs(*joined.node);
  ExpressionAnalyser analyser(diagnostics_, &joined, nullptr, budget_);
  for (const auto& [left, right] : pairs) {
    ExpressionPtr value = own[static_cast<size_t>(type == JoinType::kRight ? right : left)];
    if (type == JoinType::kFull) {
      LEAT_ASSIGN_OR_RETURN(
          value, analyser.MakeCall(plan::FunctionId::kCoalesce,
                                   {own[static_cast<size_t>(left)], own[static_cast<size_t>(right)]}, position));
    }
    columns.push_back(value);
    names.push_back(joined.fields()[static_cast<size_t>(left)].name);
    result.tags.push_back(type == JoinType::kFull ? WindowTag::kNone : joined.tags[static_cast<size_t>(left)]);
    result.qualifiers.emplace_back();
    hidden.push_back(0);
  }
  for (size_t i = 0; i < own.size(); ++i) {
    columns.push_back(own[i]);
    names.push_back(joined.fields()[i].name);
    result.tags.push_back(joined.tags[i]);
    result.qualifiers.push_back(joined.QualifierOf(i));
    const bool paired = std::ranges::any_of(pairs, [&](const auto& pair) {
      return pair.first == static_cast<int>(i) || pair.second == static_cast<int>(i);
    });
    hidden.push_back(paired || joined.IsHidden(i) ? 1 : 0);
  }
  result.hidden = std::move(hidden);
  result.node = MakeCalc(joined.node, nullptr, std::move(columns), names, position);
  return result;
}

absl::StatusOr<Relation> QueryAnalyser::AnalyseTemporalJoin(const TableRef& from) {
  if (from.join != TableRef::Join::kInner && from.join != TableRef::Join::kLeft) {
    return diagnostics_.Error(from.position, "FOR SYSTEM_TIME AS OF goes with JOIN and LEFT JOIN only");
  }
  LEAT_ASSIGN_OR_RETURN(const Relation left, AnalyseFrom(*from.left));
  TableRef versioned = *from.right;
  versioned.as_of = nullptr;
  LEAT_ASSIGN_OR_RETURN(const Relation right, AnalyseFrom(versioned));
  ExpressionAnalyser analyser(diagnostics_, &left, nullptr, budget_);
  LEAT_ASSIGN_OR_RETURN(const ExpressionPtr time, analyser.Analyse(*from.right->as_of));
  const bool event_time = time->kind == plan::Expression::Kind::kInput && time->type.rowtime;
  if (!event_time && !time->type.proctime) {
    return diagnostics_.Error(from.right->as_of->position,
                              "FOR SYSTEM_TIME AS OF takes a time attribute of the left table: an event-time column or "
                              "a column AS PROCTIME()");
  }
  LEAT_ASSIGN_OR_RETURN(std::vector<ExpressionPtr> on,
                        AnalyseConjuncts(Conjuncts(from.on), JoinScope({left, right}), "ON"));
  const JoinRequest request{
      .type = TypeOf(from.join), .conjuncts = std::move(on), .position = from.position, .state_ttl = state_ttl_};
  return MakeTemporalJoin(left, right, request, time, diagnostics_);
}

absl::StatusOr<Relation> QueryAnalyser::AnalyseFromWhere(const Select& select) {
  const std::vector<Option>* outer_ttl = std::exchange(state_ttl_, &select.state_ttl);
  absl::StatusOr<Relation> result = AnalyseFromWhereHinted(select);
  state_ttl_ = outer_ttl;
  return result;
}

// FROM with the conditions of WHERE that read nothing but columns, each as low as it can be.
absl::StatusOr<Relation> QueryAnalyser::AnalyseTables(const Select& select, std::vector<ExprPtr> conditions) {
  // UNNEST and LATERAL at the end are put upon the tables before them.
  std::vector<const TableRef*> laterals;
  const TableRef* tables = &select.from;
  while (tables->kind == TableRef::Kind::kJoin && IsLateral(*tables->right)) {
    laterals.push_back(tables);
    tables = tables->left.get();
  }
  std::vector<ExprPtr> rest;
  const auto own = [&](const Relation& scope) -> absl::StatusOr<std::vector<ExpressionPtr>> {
    if (laterals.empty()) return AnalyseConjuncts(conditions, scope, "WHERE");
    std::vector<ExpressionPtr> analysed;
    for (const ExprPtr& condition : conditions) {
      ExpressionAnalyser analyser(diagnostics_, &scope, nullptr, budget_);
      if (auto one = analyser.Condition(*condition, "WHERE"); one.ok()) {
        analysed.push_back(*std::move(one));
      } else {
        rest.push_back(condition);
      }
    }
    return analysed;
  };
  Relation input;
  if (IsInner(*tables)) {
    InnerJoins joins;
    LEAT_RETURN_IF_ERROR(CollectInner(*tables, &joins));
    LEAT_ASSIGN_OR_RETURN(const auto where, own(JoinScope(joins.tables)));
    joins.conjuncts.insert(joins.conjuncts.end(), where.begin(), where.end());
    LEAT_ASSIGN_OR_RETURN(input, MakeInnerJoins(std::move(joins), state_ttl_, diagnostics_));
  } else {
    LEAT_ASSIGN_OR_RETURN(input, AnalyseFrom(*tables));
    LEAT_ASSIGN_OR_RETURN(const auto where, own(input));
    if (!where.empty()) input = Filtered(std::move(input), where, select.where->position);
  }
  for (auto join = laterals.rbegin(); join != laterals.rend(); ++join) {
    LEAT_ASSIGN_OR_RETURN(input, ApplyLateral(input, **join));
  }
  if (rest.empty()) return input;
  LEAT_ASSIGN_OR_RETURN(const auto where, AnalyseConjuncts(rest, input, "WHERE"));
  return Filtered(std::move(input), where, select.where->position);
}

absl::StatusOr<Relation> QueryAnalyser::AnalyseFromWhereHinted(const Select& select) {
  std::vector<ExprPtr> plain;
  std::vector<ExprPtr> subqueries;
  std::vector<ExprPtr> with_scalars;
  SubqueryValues values;
  for (const ExprPtr& conjunct : Conjuncts(select.where)) {
    const bool joins = IsSubqueryTest(*conjunct);
    const bool reads_values = !joins && values.Collect(*conjunct, SubqueryValues::Asks::kIsTrue);
    (joins ? subqueries : reads_values ? with_scalars : plain).push_back(conjunct);
  }
  for (const SelectItem& item : select.items) {
    if (!IsAggregated(select)) values.Collect(*item.expr, SubqueryValues::Asks::kValue);
  }
  LEAT_ASSIGN_OR_RETURN(Relation input, AnalyseTables(select, plain));
  for (const ExprPtr& subquery : subqueries) {
    LEAT_ASSIGN_OR_RETURN(input, ApplySubquery(input, subquery));
  }
  if (values.found().empty()) return input;
  LEAT_ASSIGN_OR_RETURN(input, AddSubqueryValues(std::move(input), values));
  LEAT_ASSIGN_OR_RETURN(const auto where, AnalyseConjuncts(with_scalars, input, "WHERE"));
  return Filtered(std::move(input), where, select.position);
}

}  // namespace leat::sql
