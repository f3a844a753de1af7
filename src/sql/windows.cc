// TUMBLE and HOP as table functions: their arguments, and the node that assigns windows.
#include <algorithm>
#include <map>

#include "sql/lexer.h"
#include "sql/literals.h"
#include "sql/queries.h"

namespace leat::sql {

namespace {

constexpr std::string_view kTumbleArguments[] = {"DATA", "TIMECOL", "SIZE", "OFFSET"};
constexpr std::string_view kHopArguments[] = {"DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"};
constexpr std::string_view kTumbleForm = "TUMBLE(TABLE t, DESCRIPTOR(time), size [, offset])";
constexpr std::string_view kHopForm = "HOP(TABLE t, DESCRIPTOR(time), slide, size [, offset])";

absl::StatusOr<int64_t> Milliseconds(const ExprPtr& expr, std::string_view what, const Diagnostics& diagnostics) {
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

using Arguments = std::map<std::string_view, ExprPtr>;

absl::StatusOr<Arguments> ByName(const TableRef& from, std::span<const std::string_view> names, std::string_view form,
                                 const Diagnostics& diagnostics) {
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

absl::StatusOr<WindowCall> ReadWindowCall(const TableRef& from, const Diagnostics& diagnostics) {
  const std::string function = ToUpper(from.function);
  if (function == "SESSION" || function == "CUMULATE") {
    return diagnostics.Unsupported(from.position, StrCat("the window function ", function));
  }
  if (function != "TUMBLE" && function != "HOP") {
    return diagnostics.Error(from.position, "there is no table function ", function, "; there are TUMBLE and HOP");
  }
  WindowCall call;
  const bool hop = function == "HOP";
  call.kind = hop ? plan::WindowKind::kHop : plan::WindowKind::kTumble;
  const std::string_view form = hop ? kHopForm : kTumbleForm;
  const std::span<const std::string_view> names =
      hop ? std::span<const std::string_view>(kHopArguments) : std::span<const std::string_view>(kTumbleArguments);
  LEAT_ASSIGN_OR_RETURN(Arguments arguments, ByName(from, names, form, diagnostics));
  call.data = arguments["DATA"];
  if (call.data->kind != Expr::Kind::kTable && call.data->kind != Expr::Kind::kSubquery) {
    return diagnostics.Error(call.data->position, "expected TABLE and a name: ", form);
  }
  const ExprPtr& time = arguments["TIMECOL"];
  if (time->kind != Expr::Kind::kDescriptor || time->path.size() != 1) {
    return diagnostics.Error(time->position, "expected DESCRIPTOR with one column: ", form);
  }
  call.time_column = time->path[0];
  LEAT_ASSIGN_OR_RETURN(call.size_ms, Milliseconds(arguments["SIZE"], "size", diagnostics));
  call.slide_ms = call.size_ms;
  if (hop) {
    LEAT_ASSIGN_OR_RETURN(call.slide_ms, Milliseconds(arguments["SLIDE"], "slide", diagnostics));
  }
  if (call.size_ms <= 0 || call.slide_ms <= 0) {
    return diagnostics.Error(from.position, "the size and the slide of a window must be greater than 0");
  }
  if (call.size_ms % call.slide_ms != 0) {
    return diagnostics.Error(from.position, "the size of HOP must be a multiple of its slide, got a slide of ",
                             call.slide_ms, " ms and a size of ", call.size_ms, " ms (the slide is written first)");
  }
  if (arguments.contains("OFFSET")) {
    LEAT_ASSIGN_OR_RETURN(call.offset_ms, Milliseconds(arguments["OFFSET"], "offset", diagnostics));
  }
  return call;
}

absl::StatusOr<Relation> AssignWindows(const Relation& input, const WindowCall& call, Position position,
                                       const Diagnostics& diagnostics) {
  const int column = input.node->schema->Find(call.time_column.text);
  if (column < 0) {
    std::vector<std::string_view> names;
    for (const data::Field& field : input.fields()) names.push_back(field.name);
    const std::string_view nearest = Nearest(call.time_column.text, names);
    return diagnostics.Error(call.time_column.position, "there is no column '", call.time_column.text, "'",
                             nearest.empty() ? "" : StrCat("; did you mean '", nearest, "'?"));
  }
  std::vector<data::Field> fields = input.CopyFields();
  const data::Type time = fields[column].type;
  if (!time.rowtime) {
    return diagnostics.Error(call.time_column.position, "windows need an event-time attribute, and '",
                             call.time_column.text, "' is ", time.AsNullable().ToString(),
                             "; declare WATERMARK FOR it in CREATE TABLE (WATERMARK FOR ts AS ts - INTERVAL '5' SECOND)"
                             " and pass the column on unchanged. Processing-time windows are not supported yet");
  }
  if (input.node->produces_updates) {
    return diagnostics.Unsupported(position, "a window over a query that updates its results");
  }
  // Only window_time is a time attribute from here on.
  fields[column].type.rowtime = false;
  data::Type window_time = time;
  window_time.precision = 3;
  window_time.nullable = false;
  fields.push_back({"window_start", data::Timestamp(3).AsNotNull()});
  fields.push_back({"window_end", data::Timestamp(3).AsNotNull()});
  fields.push_back({"window_time", window_time});
  auto node = MakeNode(plan::NodeKind::kWindowAssign, {input.node}, std::move(fields), position);
  node->window = {.kind = call.kind,
                  .time_column = column,
                  .size_ms = call.size_ms,
                  .slide_ms = call.slide_ms,
                  .offset_ms = call.offset_ms};
  Relation result = input;
  result.node = node;
  for (WindowTag& tag : result.tags) tag = WindowTag::kNone;
  result.tags.insert(result.tags.end(), {WindowTag::kStart, WindowTag::kEnd, WindowTag::kTime});
  result.window_attached = false;
  return result;
}

}  // namespace leat::sql
