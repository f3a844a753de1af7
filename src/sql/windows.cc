// TUMBLE, HOP, CUMULATE and SESSION as table functions: their arguments, and the node that assigns windows.
#include <algorithm>
#include <map>

#include "sql/lexer.h"
#include "sql/literals.h"
#include "sql/queries.h"

namespace leat::sql {

namespace {

struct WindowFunction {
  std::string_view name;
  plan::WindowKind kind;
  std::vector<std::string_view> arguments;
  std::string_view form;
};

const WindowFunction* FindWindowFunction(std::string_view name) {
  static const WindowFunction kFunctions[] = {
      {"TUMBLE",
       plan::WindowKind::kTumble,
       {"DATA", "TIMECOL", "SIZE", "OFFSET"},
       "TUMBLE(TABLE t, DESCRIPTOR(time), size [, offset])"},
      {"HOP",
       plan::WindowKind::kHop,
       {"DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"},
       "HOP(TABLE t, DESCRIPTOR(time), slide, size [, offset])"},
      {"CUMULATE",
       plan::WindowKind::kCumulate,
       {"DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"},
       "CUMULATE(TABLE t, DESCRIPTOR(time), step, size [, offset])"},
      {"SESSION",
       plan::WindowKind::kSession,
       {"DATA", "TIMECOL", "GAP"},
       "SESSION(TABLE t [PARTITION BY column], DESCRIPTOR(time), gap)"},
  };
  for (const WindowFunction& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

using Arguments = std::map<std::string_view, ExprPtr>;

absl::StatusOr<Arguments> ByName(const TableRef& from, const WindowFunction& function, const Diagnostics& diagnostics) {
  const std::vector<std::string_view>& names = function.arguments;
  const std::string_view form = function.form;
  Arguments found;
  for (size_t i = 0; i < from.arguments.size(); ++i) {
    const ExprPtr& argument = from.arguments[i];
    std::string name;
    if (argument->kind == Expr::Kind::kNamed) {
      name = ToUpper(argument->word);
    } else if (i < names.size()) {
      name = names[i];
    }
    const auto known = std::find(names.begin(), names.end(), name);
    if (known == names.end()) return diagnostics.Error(argument->position, "expected ", form);
    const ExprPtr& value = argument->kind == Expr::Kind::kNamed ? argument->arguments[0] : argument;
    if (!found.emplace(*known, value).second) {
      return diagnostics.Error(argument->position, "the argument ", name, " is there twice");
    }
  }
  for (const std::string_view name : names) {
    if (name != "OFFSET" && !found.contains(name)) {
      return diagnostics.Error(from.position, "the argument ", name, " is missing: expected ", form);
    }
  }
  return found;
}

}  // namespace

absl::StatusOr<int64_t> WindowMilliseconds(const ExprPtr& expr, std::string_view what, const Diagnostics& diagnostics) {
  if (expr->kind != Expr::Kind::kInterval) {
    return diagnostics.Error(expr->position, "expected the ", what, " as INTERVAL '..' with a unit of DAY to SECOND");
  }
  LEAT_ASSIGN_OR_RETURN(const plan::ExpressionPtr literal, IntervalLiteral(*expr, diagnostics));
  if (literal->type.kind != data::TypeKind::kIntervalDayTime) {
    return diagnostics.Error(expr->position, "the ", what, " of a window cannot be in months or years");
  }
  const int64_t micros = std::get<int64_t>(literal->literal.v);
  if (micros % data::kMicrosPerMilli != 0) {
    return diagnostics.Error(expr->position, "the ", what, " of a window is a whole number of milliseconds");
  }
  return micros / data::kMicrosPerMilli;
}

absl::Status CheckSizes(const WindowCall& call, Position position, const Diagnostics& diagnostics) {
  if (call.kind == plan::WindowKind::kSession) {
    if (call.size_ms > 0) return absl::OkStatus();
    return diagnostics.Error(position, "the gap of SESSION must be greater than 0");
  }
  if (call.size_ms <= 0 || call.slide_ms <= 0) {
    return diagnostics.Error(position, "the size and the ", call.kind == plan::WindowKind::kCumulate ? "step" : "slide",
                             " of a window must be greater than 0");
  }
  if (call.size_ms % call.slide_ms == 0) return absl::OkStatus();
  if (call.kind == plan::WindowKind::kCumulate) {
    return diagnostics.Error(position, "the size of CUMULATE must be a multiple of its step, got a step of ",
                             call.slide_ms, " ms and a size of ", call.size_ms, " ms (the step is written first)");
  }
  return diagnostics.Error(position, "the size of HOP must be a multiple of its slide, got a slide of ", call.slide_ms,
                           " ms and a size of ", call.size_ms, " ms (the slide is written first)");
}

absl::StatusOr<WindowCall> ReadWindowCall(const TableRef& from, const Diagnostics& diagnostics) {
  const std::string name = ToUpper(from.function);
  const WindowFunction* function = FindWindowFunction(name);
  if (function == nullptr) {
    return diagnostics.Error(from.position, "there is no table function ", name,
                             "; there are TUMBLE, HOP, CUMULATE and SESSION");
  }
  WindowCall call;
  call.kind = function->kind;
  LEAT_ASSIGN_OR_RETURN(Arguments arguments, ByName(from, *function, diagnostics));
  call.data = arguments["DATA"];
  if (call.data->kind != Expr::Kind::kTable && call.data->kind != Expr::Kind::kSubquery) {
    return diagnostics.Error(call.data->position, "expected TABLE and a name: ", function->form);
  }
  if (!call.data->arguments.empty() && call.kind != plan::WindowKind::kSession) {
    return diagnostics.Error(call.data->arguments[0]->position, "only SESSION takes PARTITION BY: ", function->form);
  }
  const ExprPtr& time = arguments["TIMECOL"];
  if (time->kind != Expr::Kind::kDescriptor || time->path.size() != 1) {
    return diagnostics.Error(time->position, "expected DESCRIPTOR with one column: ", function->form);
  }
  call.time_column = time->path[0];
  if (call.kind == plan::WindowKind::kSession) {
    LEAT_ASSIGN_OR_RETURN(call.size_ms, WindowMilliseconds(arguments["GAP"], "gap", diagnostics));
  } else {
    LEAT_ASSIGN_OR_RETURN(call.size_ms, WindowMilliseconds(arguments["SIZE"], "size", diagnostics));
  }
  call.slide_ms = call.size_ms;
  if (call.kind == plan::WindowKind::kHop) {
    LEAT_ASSIGN_OR_RETURN(call.slide_ms, WindowMilliseconds(arguments["SLIDE"], "slide", diagnostics));
  } else if (call.kind == plan::WindowKind::kCumulate) {
    LEAT_ASSIGN_OR_RETURN(call.slide_ms, WindowMilliseconds(arguments["STEP"], "step", diagnostics));
  }
  LEAT_RETURN_IF_ERROR(CheckSizes(call, from.position, diagnostics));
  if (arguments.contains("OFFSET")) {
    LEAT_ASSIGN_OR_RETURN(call.offset_ms, WindowMilliseconds(arguments["OFFSET"], "offset", diagnostics));
  }
  return call;
}

absl::Status ResolvePartition(const Relation& input, WindowCall* call, const Diagnostics& diagnostics) {
  for (const ExprPtr& column : call->data->arguments) {
    const Name& name = column->path.back();
    const int found = column->path.size() == 1 ? input.node->schema->Find(name.text) : -1;
    if (found < 0) return diagnostics.Error(name.position, "PARTITION BY: there is no column '", name.text, "'");
    call->partition.push_back(found);
  }
  return absl::OkStatus();
}

absl::StatusOr<Relation> AssignWindows(const Relation& input, const WindowCall& call, Position position,
                                       const Diagnostics& diagnostics) {
  const int column = call.time_index >= 0 ? call.time_index : input.node->schema->Find(call.time_column.text);
  if (column < 0) {
    std::vector<std::string_view> names;
    for (const data::Field& field : input.fields()) names.push_back(field.name);
    const std::string_view nearest = Nearest(call.time_column.text, names);
    return diagnostics.Error(call.time_column.position, "there is no column '", call.time_column.text, "'",
                             nearest.empty() ? "" : StrCat("; did you mean '", nearest, "'?"));
  }
  std::vector<data::Field> fields = input.CopyFields();
  const data::Type time = fields[column].type;
  if (!time.rowtime && !time.proctime) {
    return diagnostics.Error(call.time_column.position, "windows need a time attribute, and '", call.time_column.text,
                             "' is ", time.AsNullable().ToString(),
                             "; declare WATERMARK FOR it in CREATE TABLE (WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)"
                             " and pass the column on unchanged, or take a column AS PROCTIME()");
  }
  if (call.emit.IsSet() && (call.kind == plan::WindowKind::kSession || input.node->produces_updates)) {
    return diagnostics.Unsupported(position, call.kind == plan::WindowKind::kSession
                                                 ? "table.exec.emit.* with a SESSION window"
                                                 : "table.exec.emit.* with a window over a query that updates its "
                                                   "results");
  }
  // Only window_time is a time attribute from here on.
  fields[column].type.rowtime = false;
  fields[column].type.proctime = false;
  data::Type window_time = time;
  window_time.precision = 3;
  window_time.nullable = false;
  fields.push_back({call.column_prefix + "window_start", data::Timestamp(3).AsNotNull()});
  fields.push_back({call.column_prefix + "window_end", data::Timestamp(3).AsNotNull()});
  fields.push_back({call.column_prefix + "window_time", window_time});
  auto node = MakeNode(plan::NodeKind::kWindowAssign, {input.node}, std::move(fields), position);
  node->window = {.kind = call.kind,
                  .time_column = column,
                  .size_ms = call.size_ms,
                  .slide_ms = call.slide_ms,
                  .offset_ms = call.offset_ms,
                  .zone = {},
                  .processing_time = time.proctime,
                  .emit = call.emit};
  node->keys = call.partition;
  // Sessions come when they have ended, with the rows that are there then.
  if (call.kind == plan::WindowKind::kSession) node->produces_updates = false;
  Relation result = input;
  result.node = node;
  for (WindowTag& tag : result.tags) tag = WindowTag::kNone;
  result.tags.insert(result.tags.end(), {WindowTag::kStart, WindowTag::kEnd, WindowTag::kTime});
  result.MatchColumns();
  result.window_attached = false;
  result.windows_by_clock = time.proctime;
  return result;
}

absl::Status CheckWindow(const plan::Node& node, const Diagnostics& diagnostics) {
  const bool alone = node.kind == plan::NodeKind::kWindowAssign;
  if (!alone || !node.window.processing_time || !node.inputs[0]->produces_updates) return absl::OkStatus();
  return diagnostics.Unsupported(node.position,
                                 "a window of processing time, without an aggregate by it, over a query that updates "
                                 "its results");
}

}  // namespace leat::sql
