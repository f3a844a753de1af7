#include "sql/compile.h"

#include <algorithm>
#include <set>
#include <vector>

#include "sql/catalog.h"
#include "sql/insert.h"
#include "sql/over.h"
#include "sql/parse.h"
#include "sql/queries.h"
#include "sql/rewrite.h"
#include "sql/settings.h"

namespace leat::sql {

namespace {

constexpr size_t kMaxSinks = 200;

class Compiler {
 public:
  Compiler(std::string_view script, const CompileOptions& options)
      : script_(script), diagnostics_(script), catalog_(diagnostics_, options, &budget_) {}

  absl::StatusOr<Compiled> Run() {
    LEAT_ASSIGN_OR_RETURN(const std::vector<Statement> statements, Parse(script_, diagnostics_));
    for (const Statement& statement : statements) LEAT_RETURN_IF_ERROR(Apply(statement));
    LEAT_RETURN_IF_ERROR(CheckNodes(sinks_));
    compiled_.plan.sinks = Rewrite(sinks_, Options());
    compiled_.has_inserts = !sinks_.empty();
    if (jobs_ > 1) {
      compiled_.plan.warnings.push_back(
          StrCat("the script has ", jobs_, " INSERT statements outside of a statement set; they run as one job"));
    }
    return std::move(compiled_);
  }

 private:
  absl::Status Apply(const Statement& statement) {
    switch (statement.kind) {
      case Statement::Kind::kCreateTable:
        return CreateTable(statement);
      case Statement::Kind::kCreateCatalog:
        return catalog_.CreateCatalog(statement);
      case Statement::Kind::kCreateDatabase:
        return catalog_.CreateDatabase(statement);
      case Statement::Kind::kDropCatalog:
        return catalog_.DropCatalog(statement);
      case Statement::Kind::kDropDatabase:
        return catalog_.DropDatabase(statement);
      case Statement::Kind::kUseCatalog:
        return catalog_.UseCatalog(statement);
      case Statement::Kind::kUseDatabase:
        return catalog_.UseDatabase(statement);
      case Statement::Kind::kAlterTable:
        return catalog_.AlterTable(statement);
      case Statement::Kind::kShow:
        return Print(catalog_.Show(statement));
      case Statement::Kind::kDescribe:
        return Print(catalog_.Describe(statement));
      case Statement::Kind::kCreateView:
        ++views_;
        LEAT_RETURN_IF_ERROR(UseSettings(statement.position));
        return catalog_.CreateView(statement);
      case Statement::Kind::kDropTable:
      case Statement::Kind::kDropView:
        return catalog_.Drop(statement);
      case Statement::Kind::kInsert:
      case Statement::Kind::kStatementSet:
        ++jobs_;
        return AddInserts(statement, &sinks_);
      case Statement::Kind::kSet:
        return Set(statement);
      case Statement::Kind::kReset:
        if (!statement.key) {
          compiled_.plan.settings.clear();
        } else {
          compiled_.plan.settings.erase(statement.key->text);
        }
        return absl::OkStatus();
      case Statement::Kind::kExplain:
        return ExplainStatement(statement.statements.at(0));
      case Statement::Kind::kQuery:
        return diagnostics_.Error(statement.position,
                                  "a query alone has no place for its result: write INSERT INTO "
                                  "a table before it, or EXPLAIN");
    }
    return Internal("unknown kind of statement");
  }

  absl::Status CreateTable(const Statement& statement) {
    LEAT_RETURN_IF_ERROR(UseSettings(statement.position));
    LEAT_RETURN_IF_ERROR(catalog_.CreateTable(statement));
    if (!statement.query) return absl::OkStatus();
    Statement insert;
    insert.kind = Statement::Kind::kInsert;
    insert.position = statement.position;
    insert.name = statement.name;
    insert.query = statement.query;
    ++jobs_;
    return AddInserts(insert, &sinks_);
  }

  RewriteOptions Options() const {
    return {.default_ttl_ms = StateTtlMillis(compiled_.plan.settings),
            .time_zone = LocalTimeZone(compiled_.plan.settings)};
  }

  // Into the same text as EXPLAIN.
  absl::Status Print(absl::StatusOr<std::string> text) {
    LEAT_RETURN_IF_ERROR(text.status());
    if (!compiled_.explain.empty()) compiled_.explain += "\n";
    compiled_.explain += *text;
    return absl::OkStatus();
  }

  absl::Status UseSettings(Position position) {
    const absl::StatusOr<plan::EmitSpec> emit = EmitSettings(compiled_.plan.settings);
    if (!emit.ok()) return diagnostics_.At(position, emit.status());
    catalog_.SetEmit(*emit);
    return absl::OkStatus();
  }

  absl::Status AddInserts(const Statement& statement, std::vector<plan::NodePtr>* sinks) {
    if (statement.kind == Statement::Kind::kStatementSet) {
      for (const Statement& insert : statement.statements) LEAT_RETURN_IF_ERROR(AddInserts(insert, sinks));
      return absl::OkStatus();
    }
    LEAT_RETURN_IF_ERROR(UseSettings(statement.position));
    if (sinks->size() >= kMaxSinks) {
      return diagnostics_.Error(statement.position, "a job has at most ", kMaxSinks, " INSERT statements");
    }
    LEAT_ASSIGN_OR_RETURN(plan::NodePtr sink, AnalyseInsert(statement, &catalog_, diagnostics_, &budget_));
    sinks->push_back(std::move(sink));
    return absl::OkStatus();
  }

  // What only the whole plan shows.
  absl::Status CheckNodes(std::vector<plan::NodePtr> left) const {
    std::set<const plan::Node*> seen;
    while (!left.empty()) {
      const plan::NodePtr node = left.back();
      left.pop_back();
      if (!seen.insert(node.get()).second) continue;
      LEAT_RETURN_IF_ERROR(CheckTopN(*node, diagnostics_));
      LEAT_RETURN_IF_ERROR(CheckWindow(*node, diagnostics_));
      left.insert(left.end(), node->inputs.begin(), node->inputs.end());
    }
    return absl::OkStatus();
  }

  absl::Status ExplainStatement(const Statement& statement) {
    plan::JobPlan explained;
    if (statement.kind == Statement::Kind::kQuery) {
      LEAT_RETURN_IF_ERROR(UseSettings(statement.position));
      QueryAnalyser analyser(diagnostics_, &catalog_, &budget_);
      LEAT_ASSIGN_OR_RETURN(const Relation relation, analyser.Analyse(*statement.query));
      explained.sinks.push_back(relation.node);
    } else {
      LEAT_RETURN_IF_ERROR(AddInserts(statement, &explained.sinks));
    }
    LEAT_RETURN_IF_ERROR(CheckNodes(explained.sinks));
    explained.sinks = Rewrite(explained.sinks, Options());
    return Print(plan::Explain(explained));
  }

  absl::Status Set(const Statement& statement) {
    const std::string& key = statement.key->text;
    if (key.empty()) return diagnostics_.Error(statement.key->position, "expected SET 'key' = 'value'");
    if (const absl::Status status = CheckSetting(key, statement.value.text); !status.ok()) {
      return diagnostics_.At(statement.value.position, status);
    }
    if (std::string warning = SettingWarning(key); !warning.empty()) {
      compiled_.plan.warnings.push_back(StrCat("line ", statement.key->position.line, ": ", warning));
    }
    if (key.starts_with("table.exec.emit.") && views_ > 0) {
      return diagnostics_.Error(statement.key->position,
                                "a view has its windows from when it is made: write this SET before the first view");
    }
    const std::string zone = LocalTimeZone(compiled_.plan.settings);
    compiled_.plan.settings[key] = statement.value.text;
    if (jobs_ > 0 && zone != LocalTimeZone(compiled_.plan.settings)) {
      return diagnostics_.Error(
          statement.key->position,
          "all INSERTs of a script are one job in one time zone: write this SET before the first");
    }
    return absl::OkStatus();
  }

  std::string_view script_;
  Diagnostics diagnostics_;
  int budget_ = kMaxAnalysedExpressions;
  Catalog catalog_;
  std::vector<plan::NodePtr> sinks_;
  int jobs_ = 0;
  int views_ = 0;
  Compiled compiled_;
};

}  // namespace

absl::StatusOr<Compiled> Compile(std::string_view script, const CompileOptions& options) {
  return Compiler(script, options).Run();
}

}  // namespace leat::sql
