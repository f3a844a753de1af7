#include "sql/catalog.h"

#include "sql/connector_options.h"
#include "sql/like.h"
#include "sql/tables.h"

namespace leat::sql {

absl::StatusOr<Catalog::FullName> Catalog::NameOf(const Path& path) const {
  if (path.size() > 3) {
    return diagnostics_.Error(path[0].position, "a table's name is [[catalog.]database.]table, got ", path.size(),
                              " parts");
  }
  FullName name{catalog_, database_, path.back().text};
  if (path.size() > 1) {
    LEAT_ASSIGN_OR_RETURN(name, DatabaseOf(Path(path.begin(), path.end() - 1)));
    name.name = path.back().text;
  }
  return name;
}

absl::StatusOr<bool> Catalog::CheckNew(const Statement& statement, const FullName& name) const {
  if (entries_.contains(name)) {
    if (statement.if_exists) return true;
    return diagnostics_.Error(statement.name.back().position, "'", name.name, "' exists already");
  }
  if (entries_.size() >= kMaxTables) {
    return diagnostics_.Error(statement.position, "a script has at most ", kMaxTables, " tables and views");
  }
  return false;
}

absl::StatusOr<std::shared_ptr<const Statement>> Catalog::Define(const Statement& statement) {
  if (statement.like) {
    LEAT_ASSIGN_OR_RETURN(Entry* const base, FindTable(statement, statement.like->base));
    LEAT_ASSIGN_OR_RETURN(Statement merged, MergeLike(statement, *base->definition, diagnostics_));
    return std::make_shared<const Statement>(std::move(merged));
  }
  auto defined = std::make_shared<Statement>(statement);
  if (!statement.query) return defined;
  for (const ColumnSyntax& column : statement.elements.columns) {
    if (column.kind != ColumnSyntax::Kind::kComputed) {
      return diagnostics_.Unsupported(column.name.position, "a physical column in CREATE TABLE AS");
    }
  }
  QueryAnalyser analyser(diagnostics_, this, budget_);
  LEAT_ASSIGN_OR_RETURN(const Relation relation, analyser.Analyse(*statement.query));
  std::vector<ColumnSyntax> columns;
  for (const data::Field& field : relation.fields()) {
    if (field.type.kind == data::TypeKind::kNull) {
      return diagnostics_.Error(statement.query->position, "column '", field.name,
                                "' is NULL and has no type; write CAST(NULL AS ..)");
    }
    ColumnSyntax& column = columns.emplace_back();
    column.name = {field.name, statement.query->position};
    column.known_type = field.type;
    column.known_type->rowtime = false;
  }
  defined->elements.columns.insert(defined->elements.columns.begin(), columns.begin(), columns.end());
  defined->query = nullptr;
  return defined;
}

absl::Status Catalog::CreateTable(const Statement& statement) {
  LEAT_ASSIGN_OR_RETURN(const FullName name, NameOf(statement.name));
  LEAT_ASSIGN_OR_RETURN(const bool exists, CheckNew(statement, name));
  if (exists && statement.query) {
    return diagnostics_.Unsupported(statement.name.back().position,
                                    "CREATE TABLE IF NOT EXISTS .. AS for a table that exists");
  }
  LEAT_ASSIGN_OR_RETURN(auto definition, Define(statement));
  LEAT_ASSIGN_OR_RETURN(plan::TablePtr table, AnalyseTable(*definition, diagnostics_, budget_));
  if (exists) return absl::OkStatus();
  Entry& entry = entries_[name];
  entry.table = std::move(table);
  entry.definition = std::move(definition);
  return absl::OkStatus();
}

absl::Status Catalog::CreateView(const Statement& statement) {
  LEAT_ASSIGN_OR_RETURN(const FullName name, NameOf(statement.name));
  LEAT_ASSIGN_OR_RETURN(const bool exists, CheckNew(statement, name));
  QueryAnalyser analyser(diagnostics_, this, budget_);
  making_view_ = true;
  auto analysed = analyser.Analyse(*statement.query);
  making_view_ = false;
  LEAT_ASSIGN_OR_RETURN(Relation relation, std::move(analysed));
  if (!statement.columns.empty()) {
    LEAT_ASSIGN_OR_RETURN(relation, analyser.Rename(relation, statement.columns, statement.name.back().position));
  }
  relation.alias = name.name;
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
  LEAT_ASSIGN_OR_RETURN(const FullName name, NameOf(statement.name));
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    if (statement.if_exists) return absl::OkStatus();
    return FindEntry(statement.name).status();
  }
  const bool wants_table = statement.kind == Statement::Kind::kDropTable;
  if (wants_table != (found->second.table != nullptr)) {
    return diagnostics_.Error(statement.name.back().position, "'", name.name, "' is a ", wants_table ? "view" : "table",
                              "; write DROP ", wants_table ? "VIEW" : "TABLE");
  }
  entries_.erase(found);
  return absl::OkStatus();
}

absl::StatusOr<Catalog::Entry*> Catalog::FindEntry(const Path& path) {
  LEAT_ASSIGN_OR_RETURN(const FullName name, NameOf(path));
  const auto found = entries_.find(name);
  if (found != entries_.end()) return &found->second;
  std::vector<std::string_view> names;
  for (const auto& [known, entry] : entries_) {
    if (known.catalog == name.catalog && known.database == name.database) names.push_back(known.name);
  }
  const std::string_view nearest = Nearest(name.name, names);
  return diagnostics_.Error(path.back().position, "there is no table '", name.name, "'",
                            nearest.empty() ? "" : StrCat("; did you mean '", nearest, "'?"));
}

absl::StatusOr<Catalog::Entry*> Catalog::FindTable(const Statement& statement, const Path& path) {
  LEAT_ASSIGN_OR_RETURN(Entry* const entry, FindEntry(path));
  if (entry->table != nullptr) return entry;
  return diagnostics_.Error(path.back().position, "'", path.back().text, "' is a view; ",
                            statement.like ? "LIKE" : "ALTER TABLE", " needs a table");
}

absl::Status Catalog::AlterTable(const Statement& statement) {
  if (statement.if_exists) {
    LEAT_ASSIGN_OR_RETURN(const FullName name, NameOf(statement.name));
    if (!entries_.contains(name)) return absl::OkStatus();
  }
  LEAT_ASSIGN_OR_RETURN(Entry* const entry, FindTable(statement, statement.name));
  const Position at = statement.name.back().position;
  if (entry->in_view) {
    return diagnostics_.Unsupported(at, "ALTER TABLE behind a view of the table (put it before CREATE VIEW)");
  }
  auto changed = std::make_shared<Statement>(*entry->definition);
  if (statement.word == "RENAME") {
    LEAT_ASSIGN_OR_RETURN(const FullName from, NameOf(statement.name));
    // A new name alone stays in the table's database.
    FullName to = from;
    to.name = statement.new_name.back().text;
    if (statement.new_name.size() > 1) {
      LEAT_ASSIGN_OR_RETURN(to, NameOf(statement.new_name));
    }
    if (entries_.contains(to)) {
      return diagnostics_.Error(statement.new_name.back().position, "'", to.name, "' exists already");
    }
    changed->name = {{to.name, statement.new_name.back().position}};
    LEAT_ASSIGN_OR_RETURN(entry->table, AnalyseTable(*changed, diagnostics_, budget_));
    entry->definition = std::move(changed);
    entry->relation = Relation();
    auto handle = entries_.extract(from);
    handle.key() = to;
    entries_.insert(std::move(handle));
    return absl::OkStatus();
  }
  const auto erase = [&](const std::string& key) {
    std::erase_if(changed->options, [&](const Option& option) { return option.key.text == key; });
  };
  for (const Name& key : statement.columns) erase(key.text);
  for (const Option& option : statement.options) {
    erase(option.key.text);
    changed->options.push_back(option);
  }
  LEAT_ASSIGN_OR_RETURN(entry->table, AnalyseTable(*changed, diagnostics_, budget_));
  entry->definition = std::move(changed);
  entry->relation = Relation();
  entry->checked = false;
  return absl::OkStatus();
}

absl::Status Catalog::CheckTable(const plan::Table& table, Position at) const {
  if (!options_.check_table) return absl::OkStatus();
  const absl::Status status = options_.check_table(table);
  if (!status.ok()) return diagnostics_.At(table.position.line > 0 ? table.position : at, status);
  return status;
}

absl::Status Catalog::CheckOnce(Entry* entry, Position at) {
  if (entry->checked) return absl::OkStatus();
  entry->checked = true;
  return CheckTable(*entry->table, at);
}

absl::StatusOr<plan::TablePtr> Catalog::WithOptions(const plan::Table& table,
                                                    const std::vector<Option>& options) const {
  auto copy = std::make_shared<plan::Table>(table);
  for (const Option& option : options) {
    if (option.key.text == "connector") {
      return diagnostics_.Error(option.key.position, "the hint OPTIONS cannot change 'connector'");
    }
    copy->options[option.key.text] = option.value.text;
  }
  const OptionError error = CheckConnectorOptions(*copy);
  if (!error.status.ok()) return diagnostics_.At(options[0].key.position, error.status);
  LEAT_RETURN_IF_ERROR(CheckTable(*copy, options[0].key.position));
  return copy;
}

absl::StatusOr<Relation> Catalog::Find(const Path& path) {
  LEAT_ASSIGN_OR_RETURN(Entry* const entry, FindEntry(path));
  entry->in_view = entry->in_view || making_view_;
  if (entry->table == nullptr) return entry->relation;
  if (!entry->relation.node) {
    const absl::Status readable = CheckReadable(*entry->table);
    if (!readable.ok()) return diagnostics_.At(path.back().position, readable);
    LEAT_RETURN_IF_ERROR(CheckOnce(entry, path.back().position));
    entry->relation = ScanTable(entry->table);
  }
  return entry->relation;
}

absl::StatusOr<Relation> Catalog::FindHinted(const Path& path, const std::vector<Option>& options) {
  LEAT_ASSIGN_OR_RETURN(Entry* const entry, FindEntry(path));
  if (entry->table == nullptr) {
    return diagnostics_.Error(options[0].key.position, "'", path.back().text,
                              "' is a view; the hint OPTIONS goes behind a table");
  }
  entry->in_view = entry->in_view || making_view_;
  const absl::Status readable = CheckReadable(*entry->table);
  if (!readable.ok()) return diagnostics_.At(path.back().position, readable);
  LEAT_ASSIGN_OR_RETURN(const plan::TablePtr table, WithOptions(*entry->table, options));
  return ScanTable(table);
}

absl::StatusOr<plan::TablePtr> Catalog::FindSink(const Path& path, const std::vector<Option>& options) {
  LEAT_ASSIGN_OR_RETURN(Entry* const entry, FindEntry(path));
  if (entry->table == nullptr) {
    return diagnostics_.Error(path.back().position, "'", path.back().text, "' is a view; INSERT needs a table");
  }
  const absl::Status writable = CheckWritable(*entry->table);
  if (!writable.ok()) return diagnostics_.At(path.back().position, writable);
  if (!options.empty()) return WithOptions(*entry->table, options);
  LEAT_RETURN_IF_ERROR(CheckOnce(entry, path.back().position));
  return entry->table;
}

}  // namespace leat::sql
