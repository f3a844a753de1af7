#include "sql/catalog.h"

#include "sql/connector_options.h"
#include "sql/tables.h"

namespace leat::sql {

absl::StatusOr<std::string> Catalog::NameOf(const Path& path) const {
  // There is one catalog with one database, under Flink's names for them.
  const size_t n = path.size();
  const bool known = n == 1 || (n == 2 && path[0].text == "default_database") ||
                     (n == 3 && path[0].text == "default_catalog" && path[1].text == "default_database");
  if (!known) {
    return diagnostics_.Error(path[0].position, "there is no database or catalog '", path[0].text,
                              "'; tables are in default_catalog.default_database, and their name alone is enough");
  }
  return path.back().text;
}

absl::StatusOr<bool> Catalog::CheckNew(const Statement& statement, const std::string& name) const {
  if (entries_.contains(name)) {
    if (statement.if_exists) return true;
    return diagnostics_.Error(statement.name.back().position, "'", name, "' exists already");
  }
  if (entries_.size() >= kMaxTables) {
    return diagnostics_.Error(statement.position, "a script has at most ", kMaxTables, " tables and views");
  }
  return false;
}

absl::Status Catalog::CreateTable(const Statement& statement) {
  LEAT_ASSIGN_OR_RETURN(const std::string name, NameOf(statement.name));
  LEAT_ASSIGN_OR_RETURN(const bool exists, CheckNew(statement, name));
  LEAT_ASSIGN_OR_RETURN(plan::TablePtr table, AnalyseTable(statement, diagnostics_, budget_));
  if (!exists) entries_[name].table = std::move(table);
  return absl::OkStatus();
}

absl::Status Catalog::CreateView(const Statement& statement) {
  LEAT_ASSIGN_OR_RETURN(const std::string name, NameOf(statement.name));
  LEAT_ASSIGN_OR_RETURN(const bool exists, CheckNew(statement, name));
  QueryAnalyser analyser(diagnostics_, this, budget_);
  LEAT_ASSIGN_OR_RETURN(Relation relation, analyser.Analyse(*statement.query));
  if (!statement.columns.empty()) {
    LEAT_ASSIGN_OR_RETURN(relation, analyser.Rename(relation, statement.columns, statement.name.back().position));
  }
  relation.alias = name;
  for (size_t i = 0; i < relation.fields().size(); ++i) {
    if (relation.node->schema->Find(relation.fields()[i].name) != static_cast<int>(i)) {
      return diagnostics_.Error(statement.name.back().position, "the view has two columns '", relation.fields()[i].name,
                                "'; name them with AS");
    }
  }
  if (!exists) entries_[name].relation = std::move(relation);
  return absl::OkStatus();
}

absl::Status Catalog::Drop(const Statement& statement) {
  LEAT_ASSIGN_OR_RETURN(const std::string name, NameOf(statement.name));
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    if (statement.if_exists) return absl::OkStatus();
    return FindEntry(statement.name).status();
  }
  const bool wants_table = statement.kind == Statement::Kind::kDropTable;
  if (wants_table != (found->second.table != nullptr)) {
    return diagnostics_.Error(statement.name.back().position, "'", name, "' is a ", wants_table ? "view" : "table",
                              "; write DROP ", wants_table ? "VIEW" : "TABLE");
  }
  entries_.erase(found);
  return absl::OkStatus();
}

absl::StatusOr<Catalog::Entry*> Catalog::FindEntry(const Path& path) {
  LEAT_ASSIGN_OR_RETURN(const std::string name, NameOf(path));
  const auto found = entries_.find(name);
  if (found != entries_.end()) return &found->second;
  std::vector<std::string_view> names;
  for (const auto& [known, entry] : entries_) names.push_back(known);
  const std::string_view nearest = Nearest(name, names);
  return diagnostics_.Error(path.back().position, "there is no table '", name, "'",
                            nearest.empty() ? "" : StrCat("; did you mean '", nearest, "'?"));
}

absl::Status Catalog::CheckTable(Entry* entry, Position at) {
  if (entry->checked || !options_.check_table) return absl::OkStatus();
  entry->checked = true;
  const absl::Status status = options_.check_table(*entry->table);
  if (!status.ok()) return diagnostics_.At(entry->table->position.line > 0 ? entry->table->position : at, status);
  return status;
}

absl::StatusOr<Relation> Catalog::Find(const Path& path) {
  LEAT_ASSIGN_OR_RETURN(Entry* const entry, FindEntry(path));
  if (entry->table == nullptr) return entry->relation;
  if (!entry->relation.node) {
    const absl::Status readable = CheckReadable(*entry->table);
    if (!readable.ok()) return diagnostics_.At(path.back().position, readable);
    LEAT_RETURN_IF_ERROR(CheckTable(entry, path.back().position));
    entry->relation = ScanTable(entry->table);
  }
  return entry->relation;
}

absl::StatusOr<plan::TablePtr> Catalog::FindSink(const Path& path) {
  LEAT_ASSIGN_OR_RETURN(Entry* const entry, FindEntry(path));
  if (entry->table == nullptr) {
    return diagnostics_.Error(path.back().position, "'", path.back().text, "' is a view; INSERT needs a table");
  }
  const absl::Status writable = CheckWritable(*entry->table);
  if (!writable.ok()) return diagnostics_.At(path.back().position, writable);
  LEAT_RETURN_IF_ERROR(CheckTable(entry, path.back().position));
  return entry->table;
}

}  // namespace leat::sql
