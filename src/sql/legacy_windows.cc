// Windows written in GROUP BY: TUMBLE(ts, size), HOP(ts, slide, size), SESSION(ts, gap), and the functions of the same
// arguments that give their bounds.
#include <algorithm>

#include "sql/grouping.h"
#include "sql/lexer.h"

namespace leat::sql {

using plan::ExpressionPtr;
using plan::WindowKind;

namespace {

constexpr std::string_view kForms = "TUMBLE(time, size), HOP(time, slide, size) or SESSION(time, gap)";

struct LegacyName {
  WindowKind kind;
  std::string_view suffix;  // empty: the window itself; _START ..
};

std::optional<LegacyName> ParseName(const Expr& call) {
  if (call.kind != Expr::Kind::kFunction || call.form != Expr::Form::kPlain) return std::nullopt;
  const std::string name = ToUpper(call.word);
  const std::pair<std::string_view, WindowKind> kinds[] = {
      {"TUMBLE", WindowKind::kTumble}, {"HOP", WindowKind::kHop}, {"SESSION", WindowKind::kSession}};
  for (const auto& [prefix, kind] : kinds) {
    if (!name.starts_with(prefix)) continue;
    for (const std::string_view suffix : {"", "_START", "_END", "_ROWTIME", "_PROCTIME"}) {
      if (name.substr(prefix.size()) == suffix) return LegacyName{kind, suffix};
    }
  }
  return std::nullopt;
}

class LegacyReader {
 public:
  LegacyReader(const Diagnostics& diagnostics, int* budget, Grouping* grouping)
      : diagnostics_(diagnostics), budget_(budget), grouping_(*grouping) {}

  absl::Status Read() {
    std::vector<ExprPtr> others;
    ExprPtr window;
    for (const ExprPtr& item : grouping_.select.group_by) {
      const auto name = ParseName(*item);
      if (!name || !name->suffix.empty()) {
        others.push_back(item);
        continue;
      }
      if (window) return diagnostics_.Error(item->position, "GROUP BY takes one window, this is the second");
      window = item;
    }
    if (!window) return absl::OkStatus();
    LEAT_ASSIGN_OR_RETURN(call_, ReadCall(*window));
    if (call_.kind == WindowKind::kSession) LEAT_RETURN_IF_ERROR(AddPartition(others));
    call_.column_prefix = "$";
    call_.emit = grouping_.emit;
    if (IsByClock()) call_.emit = {.early_ms = grouping_.emit.early_ms};  // it has no late rows
    LEAT_ASSIGN_OR_RETURN(grouping_.input, AssignWindows(grouping_.input, call_, window->position, diagnostics_));
    for (const char* column : {"$window_start", "$window_end", "$window_time"}) {
      others.push_back(NameExpr(column, window->position));
    }
    grouping_.select.group_by = std::move(others);
    return ReplaceCallsInSelect([&](const Expr& expr) { return Bound(expr); }, &grouping_.select);
  }

 private:
  bool IsByClock() const { return grouping_.input.fields()[static_cast<size_t>(call_.time_index)].type.proctime; }

  absl::StatusOr<WindowCall> ReadCall(const Expr& expr) {
    WindowCall call;
    call.kind = ParseName(expr)->kind;
    const size_t count = call.kind == WindowKind::kHop ? 3 : 2;
    if (expr.arguments.size() != count) return diagnostics_.Error(expr.position, "expected ", kForms);
    ExpressionAnalyser analyser(diagnostics_, &grouping_.input, nullptr, budget_);
    LEAT_ASSIGN_OR_RETURN(const ExpressionPtr time, analyser.Analyse(*expr.arguments[0]));
    if (time->kind != plan::Expression::Kind::kInput || expr.arguments[0]->kind != Expr::Kind::kName) {
      return diagnostics_.Error(expr.arguments[0]->position, "the time of a window must be a column: ", kForms);
    }
    call.time_column = expr.arguments[0]->path.back();
    call.time_index = time->input;
    const std::string_view last = call.kind == WindowKind::kSession ? "gap" : "size";
    LEAT_ASSIGN_OR_RETURN(call.size_ms, WindowMilliseconds(expr.arguments.back(), last, diagnostics_));
    call.slide_ms = call.size_ms;
    if (call.kind == WindowKind::kHop) {
      LEAT_ASSIGN_OR_RETURN(call.slide_ms, WindowMilliseconds(expr.arguments[1], "slide", diagnostics_));
    }
    LEAT_RETURN_IF_ERROR(CheckSizes(call, expr.position, diagnostics_));
    return call;
  }

  // Sessions are those of the other keys: each becomes a column, if it is none.
  absl::Status AddPartition(const std::vector<ExprPtr>& others) {
    std::vector<ExpressionPtr> columns = AllInputs(*grouping_.input.node);
    std::vector<std::string> names = FieldNames(*grouping_.input.node);
    const size_t width = columns.size();
    for (const ExprPtr& other : others) {
      ExpressionAnalyser analyser(diagnostics_, &grouping_.input, nullptr, budget_);
      LEAT_ASSIGN_OR_RETURN(const ExpressionPtr key, analyser.Analyse(*other));
      if (key->kind == plan::Expression::Kind::kInput) {
        call_.partition.push_back(key->input);
        continue;
      }
      call_.partition.push_back(static_cast<int>(columns.size()));
      grouping_.written.push_back(key);
      grouping_.keys.push_back(plan::Input(static_cast<int>(columns.size()), key->type));
      names.push_back(StrCat("$partition", columns.size() - width));
      columns.push_back(key);
    }
    if (columns.size() == width) return absl::OkStatus();
    Relation& input = grouping_.input;
    input.node = MakeCalc(input.node, nullptr, std::move(columns), names, grouping_.select.position);
    input.MatchColumns();
    return absl::OkStatus();
  }

  // TUMBLE_START(ts, size): a column of the window, if it is the window of GROUP BY.
  absl::StatusOr<ExprPtr> Bound(const Expr& expr) {
    const auto name = ParseName(expr);
    if (!name) return ExprPtr();
    if (name->suffix.empty()) {
      return diagnostics_.Error(expr.position, ToUpper(expr.word), " is for GROUP BY; its bounds are ",
                                ToUpper(expr.word), "_START and ", ToUpper(expr.word), "_END");
    }
    const bool by_clock = grouping_.input.windows_by_clock;
    if (name->suffix == "_PROCTIME" && !by_clock) {
      return diagnostics_.Error(expr.position, ToUpper(expr.word), " is for windows of processing time");
    }
    if (name->suffix == "_ROWTIME" && by_clock) {
      return diagnostics_.Error(expr.position, ToUpper(expr.word), " is for windows of event time");
    }
    // The window took the time attribute's meaning from the column; the call is compared, not assigned.
    LEAT_ASSIGN_OR_RETURN(const WindowCall call, ReadCall(expr));
    if (call.kind != call_.kind || call.time_index != call_.time_index || call.size_ms != call_.size_ms ||
        call.slide_ms != call_.slide_ms) {
      return diagnostics_.Error(expr.position, ToUpper(expr.word),
                                " does not name the window of GROUP BY: give it the same arguments");
    }
    const std::string_view column = name->suffix == "_START" ? "$window_start"
                                    : name->suffix == "_END" ? "$window_end"
                                                             : "$window_time";
    return NameExpr(std::string(column), expr.position);
  }

  const Diagnostics& diagnostics_;
  int* budget_;
  Grouping& grouping_;
  WindowCall call_;
};

}  // namespace

absl::Status ReadLegacyWindow(const Diagnostics& diagnostics, int* budget, Grouping* grouping) {
  return LegacyReader(diagnostics, budget, grouping).Read();
}

}  // namespace leat::sql
