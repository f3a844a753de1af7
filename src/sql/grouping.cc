#include "sql/grouping.h"

#include <algorithm>
#include <map>
#include <set>

#include "sql/lexer.h"
#include "sql/literals.h"

namespace leat::sql {

using plan::ExpressionPtr;

namespace {

using ExprSet = std::vector<ExprPtr>;

// The calls replaced so far, by node: BETWEEN shares its operand.
class Replacer {
 public:
  explicit Replacer(const CallReplacer& replace) : replace_(replace) {}

  absl::StatusOr<ExprPtr> Replace(const ExprPtr& expr) {
    if (const auto known = done_.find(expr.get()); known != done_.end()) return known->second;
    ExprPtr result = expr;
    if (expr->kind == Expr::Kind::kFunction) {
      LEAT_ASSIGN_OR_RETURN(const ExprPtr replaced, replace_(*expr));
      if (replaced) return done_[expr.get()] = replaced;
    }
    auto copy = std::make_shared<Expr>(*expr);
    bool changed = false;
    for (ExprPtr& argument : copy->arguments) {
      LEAT_ASSIGN_OR_RETURN(ExprPtr replaced, Replace(argument));
      changed = changed || replaced != argument;
      argument = std::move(replaced);
    }
    if (copy->filter) {
      LEAT_ASSIGN_OR_RETURN(ExprPtr replaced, Replace(copy->filter));
      changed = changed || replaced != copy->filter;
      copy->filter = std::move(replaced);
    }
    if (changed) result = copy;
    return done_[expr.get()] = result;
  }

 private:
  const CallReplacer& replace_;
  std::map<const Expr*, ExprPtr> done_;
};

bool IsCall(const Expr& expr, std::string_view upper_name) {
  return expr.kind == Expr::Kind::kFunction && ToUpper(expr.word) == upper_name;
}

// One element of ROLLUP, CUBE or GROUPING SETS: a row is several keys at once.
ExprSet Element(const ExprPtr& expr) {
  if (expr->kind == Expr::Kind::kRow && expr->word == kBareRow) return expr->arguments;
  return {expr};
}

ExprSet Joined(const ExprSet& a, const ExprSet& b) {
  ExprSet joined = a;
  joined.insert(joined.end(), b.begin(), b.end());
  return joined;
}

class GroupingReader {
 public:
  GroupingReader(const Diagnostics& diagnostics, int* budget, Grouping* grouping)
      : diagnostics_(diagnostics), budget_(budget), grouping_(*grouping) {}

  absl::Status Read() {
    std::vector<ExprSet> sets = {{}};
    for (const ExprPtr& item : grouping_.select.group_by) {
      LEAT_ASSIGN_OR_RETURN(const std::vector<ExprSet> of_item, SetsOf(item));
      std::vector<ExprSet> product;
      for (const ExprSet& left : sets) {
        for (const ExprSet& right : of_item) product.push_back(Joined(left, right));
      }
      sets = std::move(product);
      LEAT_RETURN_IF_ERROR(CheckCount(sets, item->position));
    }
    for (const ExprSet& set : sets) LEAT_RETURN_IF_ERROR(AddSet(set));
    LEAT_RETURN_IF_ERROR(ReplaceCallsInSelect([&](const Expr& call) { return GroupingCall(call); }, &grouping_.select));
    if (sets_.size() == 1 && calls_.empty()) return absl::OkStatus();
    for (size_t i = 0; i < sets_.size(); ++i) {
      if (std::count(sets_.begin(), sets_.end(), sets_[i]) > 1) {
        return diagnostics_.Unsupported(grouping_.select.position, "the same grouping set twice");
      }
    }
    Expand();
    return absl::OkStatus();
  }

 private:
  absl::Status CheckCount(const std::vector<ExprSet>& sets, Position position) const {
    if (sets.size() <= kMaxGroupingSets) return absl::OkStatus();
    return diagnostics_.Error(position, "GROUP BY makes more than ", kMaxGroupingSets, " grouping sets");
  }

  absl::StatusOr<std::vector<ExprSet>> SetsOf(const ExprPtr& item) const {
    std::vector<ExprSet> sets;
    if (IsCall(*item, "ROLLUP")) {
      sets.emplace_back();
      for (const ExprPtr& argument : item->arguments) sets.push_back(Joined(sets.back(), Element(argument)));
      std::reverse(sets.begin(), sets.end());
    } else if (IsCall(*item, "CUBE")) {
      sets.emplace_back();
      for (auto it = item->arguments.rbegin(); it != item->arguments.rend(); ++it) {
        std::vector<ExprSet> with;
        for (const ExprSet& set : sets) with.push_back(Joined(Element(*it), set));
        with.insert(with.end(), sets.begin(), sets.end());
        sets = std::move(with);
        LEAT_RETURN_IF_ERROR(CheckCount(sets, item->position));
      }
    } else if (IsCall(*item, "GROUPING SETS")) {
      for (const ExprPtr& argument : item->arguments) {
        LEAT_ASSIGN_OR_RETURN(const std::vector<ExprSet> inner, SetsOf(argument));
        sets.insert(sets.end(), inner.begin(), inner.end());
      }
    } else {
      sets.push_back(Element(item));
    }
    return sets;
  }

  absl::StatusOr<int> KeyOf(const ExprPtr& expr) {
    ExpressionAnalyser analyser(diagnostics_, &grouping_.input, nullptr, budget_);
    LEAT_ASSIGN_OR_RETURN(ExpressionPtr analysed, analyser.Analyse(*expr));
    if (analysed->type.kind == data::TypeKind::kNull) {
      return diagnostics_.Error(expr->position, "cannot group by NULL");
    }
    for (size_t i = 0; i < grouping_.written.size(); ++i) {
      if (SameExpression(*grouping_.written[i], *analysed)) return static_cast<int>(i);
    }
    grouping_.written.push_back(analysed);
    grouping_.keys.push_back(analysed);
    return static_cast<int>(grouping_.keys.size()) - 1;
  }

  absl::Status AddSet(const ExprSet& set) {
    sets_.emplace_back();
    for (const ExprPtr& expr : set) {
      LEAT_ASSIGN_OR_RETURN(const int key, KeyOf(expr));
      sets_.back().insert(key);
    }
    return absl::OkStatus();
  }

  // GROUPING(a, b): a bit for each argument, 1 where the set is without it; a column of its own.
  absl::StatusOr<ExprPtr> GroupingCall(const Expr& call) {
    if (!IsCall(call, "GROUPING") && !IsCall(call, "GROUPING_ID")) return ExprPtr();
    if (call.arguments.empty() || call.form != Expr::Form::kPlain) {
      return diagnostics_.Error(call.position, ToUpper(call.word), " takes columns of GROUP BY");
    }
    const size_t known = grouping_.keys.size();
    std::vector<int> arguments;
    for (const ExprPtr& argument : call.arguments) {
      LEAT_ASSIGN_OR_RETURN(const int key, KeyOf(argument));
      if (static_cast<size_t>(key) >= known) {
        return diagnostics_.Error(argument->position, "the argument of ", ToUpper(call.word), " is not in GROUP BY");
      }
      arguments.push_back(key);
    }
    auto found = std::find(calls_.begin(), calls_.end(), arguments);
    if (found == calls_.end()) found = calls_.insert(found, arguments);
    return NameExpr(StrCat("$grouping", found - calls_.begin()), call.position);
  }

  bool InEverySet(int key) const {
    return std::all_of(sets_.begin(), sets_.end(), [&](const std::set<int>& set) { return set.contains(key); });
  }

  // The columns behind those of the input, for one set: keys that not all sets have, the set, GROUPING calls.
  std::vector<ExpressionPtr> Extras(size_t set, const std::vector<ExpressionPtr>* lowered) const {
    std::vector<ExpressionPtr> extras;
    for (const int key : nulled_) {
      data::Type type = grouping_.written[key]->type.AsNullable();
      type.rowtime = false;
      ExpressionPtr value = plan::Literal(data::Value::Null(), type);
      if (sets_[set].contains(key)) {
        auto copy = std::make_shared<plan::Expression>(
            lowered == nullptr ? *grouping_.written[key] : *Substitute(grouping_.written[key], *lowered));
        copy->type = type;
        value = copy;
      }
      extras.push_back(std::move(value));
    }
    extras.push_back(plan::Literal(data::Value{static_cast<int32_t>(set)}, data::Int().AsNotNull()));
    for (const std::vector<int>& call : calls_) {
      int64_t bits = 0;
      for (const int key : call) bits = bits * 2 + (sets_[set].contains(key) ? 0 : 1);
      extras.push_back(plan::Literal(data::Value{bits}, data::BigInt().AsNotNull()));
    }
    return extras;
  }

  // A copy of the node's rows for each set, with the extra columns behind.
  plan::NodePtr Copies(const plan::NodePtr& node, const ExpressionPtr& condition,
                       const std::vector<ExpressionPtr>* lowered) const {
    std::vector<plan::NodePtr> copies;
    std::vector<std::string> names = FieldNames(*node);
    for (size_t i = 0; i < nulled_.size(); ++i) names.push_back(StrCat("$key", i));
    names.emplace_back("$set");
    for (size_t i = 0; i < calls_.size(); ++i) names.push_back(StrCat("$grouping", i));
    for (size_t set = 0; set < sets_.size(); ++set) {
      std::vector<ExpressionPtr> columns = AllInputs(*node);
      const std::vector<ExpressionPtr> extras = Extras(set, lowered);
      columns.insert(columns.end(), extras.begin(), extras.end());
      copies.push_back(MakeCalc(node, condition, std::move(columns), names, grouping_.select.position));
    }
    if (copies.size() == 1) return copies[0];
    std::vector<data::Field> fields = copies[0]->schema->fields;
    return MakeNode(plan::NodeKind::kUnionAll, std::move(copies), std::move(fields), grouping_.select.position);
  }

  void Expand() {
    for (size_t key = 0; key < grouping_.keys.size(); ++key) {
      if (!InEverySet(static_cast<int>(key))) nulled_.push_back(static_cast<int>(key));
    }
    const int width = static_cast<int>(grouping_.input.fields().size());
    const auto window = FindWindow(grouping_.input.node);
    Relation& input = grouping_.input;
    input.node = window && CanLower(*window) ? ExpandBelow(*window) : Copies(input.node, nullptr, nullptr);
    input.MatchColumns();
    input.depth += 1;
    const auto column = [&](size_t extra) {
      const int at = width + static_cast<int>(extra);
      return plan::Input(at, input.fields()[at].type);
    };
    for (size_t i = 0; i < nulled_.size(); ++i) grouping_.keys[nulled_[i]] = column(i);
    for (size_t i = nulled_.size(); i <= nulled_.size() + calls_.size(); ++i) {
      grouping_.written.push_back(column(i));
      grouping_.keys.push_back(column(i));
    }
  }

  // The copies can be made below the window function, so that the aggregate above it still assigns the windows.
  bool CanLower(const AboveWindow& window) const {
    if (window.assign->window.kind == plan::WindowKind::kSession) return false;
    if (window.condition && ReadsWindow(window, window.condition)) return false;
    return std::none_of(nulled_.begin(), nulled_.end(), [&](int key) {
      return ReadsWindow(window, Substitute(grouping_.written[key], window.columns));
    });
  }

  plan::NodePtr ExpandBelow(const AboveWindow& window) const {
    const plan::Node& old = *window.assign;
    const plan::NodePtr copies = Copies(old.inputs[0], window.condition, &window.columns);
    const size_t below = old.inputs[0]->schema->fields.size();
    std::vector<data::Field> fields = copies->schema->fields;
    fields[old.window.time_column].type.rowtime = false;
    fields[old.window.time_column].type.proctime = false;
    const size_t extras = fields.size() - below;
    fields.insert(fields.end(), old.schema->fields.begin() + static_cast<std::ptrdiff_t>(below),
                  old.schema->fields.end());
    auto assign = std::make_shared<plan::Node>(old);
    assign->inputs = {copies};
    assign->schema = std::make_shared<data::Schema>(data::Schema{fields});
    // Where the columns of the old window function are now.
    std::vector<ExpressionPtr> moved;
    for (size_t i = 0; i < old.schema->fields.size(); ++i) {
      const size_t at = i < below ? i : i + extras;
      moved.push_back(plan::Input(static_cast<int>(at), fields[at].type));
    }
    std::vector<ExpressionPtr> columns;
    std::vector<std::string> names = FieldNames(*grouping_.input.node);
    for (const ExpressionPtr& column : window.columns) columns.push_back(Substitute(column, moved));
    for (size_t i = below; i < below + extras; ++i) {
      columns.push_back(plan::Input(static_cast<int>(i), fields[i].type));
      names.push_back(fields[i].name);
    }
    return MakeCalc(assign, nullptr, std::move(columns), names, grouping_.select.position);
  }

  const Diagnostics& diagnostics_;
  int* budget_;
  Grouping& grouping_;
  std::vector<std::set<int>> sets_;
  std::vector<std::vector<int>> calls_;  // GROUPING: the keys of each different call
  std::vector<int> nulled_;              // keys that not every set has
};

}  // namespace

ExprPtr NameExpr(std::string column, Position position) {
  auto name = std::make_shared<Expr>();
  name->kind = Expr::Kind::kName;
  name->position = position;
  name->path = {{std::move(column), position}};
  return name;
}

absl::StatusOr<ExprPtr> ReplaceCalls(const ExprPtr& expr, const CallReplacer& replace) {
  return Replacer(replace).Replace(expr);
}

absl::Status ReplaceCallsInSelect(const CallReplacer& replace, Select* select) {
  for (size_t i = 0; i < select->items.size(); ++i) {
    SelectItem& item = select->items[i];
    LEAT_ASSIGN_OR_RETURN(ExprPtr replaced, ReplaceCalls(item.expr, replace));
    if (replaced != item.expr && !item.alias) item.alias = Name{StrCat("EXPR$", i), item.expr->position};
    item.expr = std::move(replaced);
  }
  if (select->having) {
    LEAT_ASSIGN_OR_RETURN(select->having, ReplaceCalls(select->having, replace));
  }
  return absl::OkStatus();
}

absl::StatusOr<Grouping> ReadGrouping(const Select& select, const Relation& input, const plan::EmitSpec& emit,
                                      const Diagnostics& diagnostics, int* budget) {
  Grouping grouping{.select = select, .input = input, .written = {}, .keys = {}, .emit = emit};
  LEAT_RETURN_IF_ERROR(ReadLegacyWindow(diagnostics, budget, &grouping));
  LEAT_RETURN_IF_ERROR(GroupingReader(diagnostics, budget, &grouping).Read());
  return grouping;
}

}  // namespace leat::sql
