#include "sql/reference.h"

#include "base/strings.h"
#include "sql/connector_options.h"
#include "sql/expressions.h"
#include "sql/settings.h"
#include "sql/statements.h"
#include "stream/plan/inference.h"

namespace leat::sql {

namespace {

std::string_view Takes(const OptionSpec& spec) {
  switch (spec.kind) {
    case OptionKind::kText:
      return "text";
    case OptionKind::kChoice:
      return "one of";
    case OptionKind::kInteger:
      return "a whole number";
    case OptionKind::kDuration:
      return "a duration";
    case OptionKind::kBoolean:
      return "true or false";
  }
  return "";
}

void RenderFunctions(std::string* out) {
  *out +=
      "## Functions\n\nA NULL argument gives NULL, except where the third column says otherwise.\n\n"
      "| Function | Arguments | NULL |\n|---|---|---|\n";
  for (const std::string_view name : plan::FunctionNames()) {
    const plan::FunctionId id = *plan::FindFunction(name);
    StrAppend(out, "| `", name, "` | `", plan::DescribeParameters(id), "` | ",
              plan::GetFunctionInfo(id).strict ? "" : "looked at", " |\n");
  }
  *out += "\n`EXTRACT(unit FROM time)` has these names too, each of one argument: ";
  bool first = true;
  for (const std::string_view name : ExtractFunctionNames()) {
    StrAppend(out, first ? "" : ", ", "`", name, "`");
    first = false;
  }
  *out += ".\n\nAggregates, with `DISTINCT` and `FILTER (WHERE ..)` ([what they give](sql.md#aggregates)): `COUNT(*)`";
  for (const std::string_view name : AggregateNames()) StrAppend(out, ", `", name, "`");
  *out += ".\n";
}

void RenderStatements(std::string* out) {
  *out += "\n## Statements of Flink\n\nTaken: ";
  const auto list = [&](bool taken) {
    bool first = true;
    for (const FlinkStatement& statement : FlinkStatements()) {
      if (statement.refused.empty() != taken) continue;
      StrAppend(out, first ? "" : ", ", "`", statement.name, "`");
      first = false;
    }
  };
  list(true);
  *out += ".\n\nRefused by name: ";
  list(false);
  *out += ".\n";
}

void RenderOptions(std::string* out) {
  for (const std::string_view connector : ConnectorNames()) {
    StrAppend(out, "\n## Connector ", connector, "\n\n| Option | Takes |\n|---|---|\n");
    for (const OptionSpec& spec : ConnectorOptions()) {
      if (spec.connector != connector) continue;
      std::string choices(spec.choices);
      for (size_t at = choices.find('|'); at != std::string::npos; at = choices.find('|', at + 2)) {
        choices.replace(at, 1, ", ");
      }
      StrAppend(out, "| `", spec.key, "` | ", Takes(spec), spec.need == OptionNeed::kRequired ? " (required)" : "",
                choices.empty() ? "" : StrCat(" ", choices));
      if (!spec.to_come.empty()) {
        StrAppend(out, spec.to_come == "*" ? "; not supported yet" : StrCat("; not supported yet: ", spec.to_come));
      }
      *out += " |\n";
    }
  }
}

}  // namespace

std::string RenderReference() {
  std::string text =
      "# SQL functions, connector options and settings\n\n"
      "Generated from the tables that the compiler reads; a test compares this file with them.\n\n";
  RenderFunctions(&text);
  RenderStatements(&text);
  RenderOptions(&text);
  text += "\n## Settings\n\n`SET` takes these keys without a warning:\n\n";
  for (const std::string_view key : KnownSettings()) StrAppend(&text, "- `", key, "`\n");
  return text;
}

}  // namespace leat::sql
