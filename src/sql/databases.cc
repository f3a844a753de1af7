// Catalogs, databases, SHOW and DESCRIBE.
#include "sql/catalog.h"

#include <algorithm>

namespace leat::sql {

absl::StatusOr<Catalog::FullName> Catalog::DatabaseOf(const Path& path) const {
  FullName name{catalog_, path.back().text, {}};
  if (path.size() > 2) {
    return diagnostics_.Error(path[0].position, "a database's name is [catalog.]database, got ", path.size(), " parts");
  }
  if (path.size() == 2) name.catalog = path[0].text;
  const auto catalog = catalogs_.find(name.catalog);
  if (catalog == catalogs_.end()) {
    return diagnostics_.Error(path[0].position, "there is no catalog '", name.catalog, "'");
  }
  if (!catalog->second.contains(name.database)) {
    return diagnostics_.Error(path.back().position, "there is no database '", name.database, "' in the catalog '",
                              name.catalog, "'");
  }
  return name;
}

size_t Catalog::CountDatabases() const {
  size_t count = 0;
  for (const auto& [catalog, databases] : catalogs_) count += databases.size() + 1;
  return count;
}

absl::Status Catalog::CreateCatalog(const Statement& statement) {
  const Name& name = statement.name[0];
  std::string database = "default";
  bool typed = false;
  for (const Option& option : statement.options) {
    if (option.key.text == "type") {
      typed = true;
      if (option.value.text != "generic_in_memory") {
        return diagnostics_.Unsupported(option.value.position,
                                        StrCat("a catalog of type '", option.value.text, "' ('generic_in_memory' is)"));
      }
    } else if (option.key.text == "default-database") {
      database = option.value.text;
    } else {
      return diagnostics_.Error(option.key.position, "unknown option '", option.key.text,
                                "'; a catalog has 'type' and 'default-database'");
    }
  }
  if (!typed) return diagnostics_.Error(name.position, "expected WITH ('type' = 'generic_in_memory')");
  if (catalogs_.contains(name.text)) {
    if (statement.if_exists) return absl::OkStatus();
    return diagnostics_.Error(name.position, "the catalog '", name.text, "' exists already");
  }
  if (CountDatabases() >= kMaxDatabases) {
    return diagnostics_.Error(name.position, "a script has at most ", kMaxDatabases, " catalogs and databases");
  }
  catalogs_[name.text].insert(database);
  default_databases_[name.text] = database;
  return absl::OkStatus();
}

absl::Status Catalog::CreateDatabase(const Statement& statement) {
  const Path& path = statement.name;
  if (path.size() > 2) return DatabaseOf(path).status();
  const std::string& catalog = path.size() == 2 ? path[0].text : catalog_;
  const auto found = catalogs_.find(catalog);
  if (found == catalogs_.end()) {
    return diagnostics_.Error(path[0].position, "there is no catalog '", catalog, "'");
  }
  if (found->second.contains(path.back().text)) {
    if (statement.if_exists) return absl::OkStatus();
    return diagnostics_.Error(path.back().position, "the database '", path.back().text, "' exists already");
  }
  if (CountDatabases() >= kMaxDatabases) {
    return diagnostics_.Error(path.back().position, "a script has at most ", kMaxDatabases, " catalogs and databases");
  }
  found->second.insert(path.back().text);
  return absl::OkStatus();
}

absl::Status Catalog::DropCatalog(const Statement& statement) {
  const Name& name = statement.name[0];
  if (!catalogs_.contains(name.text)) {
    if (statement.if_exists) return absl::OkStatus();
    return diagnostics_.Error(name.position, "there is no catalog '", name.text, "'");
  }
  if (name.text == catalog_) {
    return diagnostics_.Error(name.position, "'", name.text, "' is the current catalog and cannot be dropped");
  }
  std::erase_if(entries_, [&](const auto& entry) { return entry.first.catalog == name.text; });
  catalogs_.erase(name.text);
  return absl::OkStatus();
}

absl::Status Catalog::DropDatabase(const Statement& statement) {
  auto found = DatabaseOf(statement.name);
  if (!found.ok()) return statement.if_exists ? absl::OkStatus() : found.status();
  const Position at = statement.name.back().position;
  if (statement.word != "RESTRICT" && statement.word != "CASCADE") {
    return diagnostics_.Error(at, "expected RESTRICT or CASCADE behind the database, got ", statement.word);
  }
  if (found->catalog == catalog_ && found->database == database_) {
    return diagnostics_.Error(at, "'", found->database, "' is the current database and cannot be dropped");
  }
  const auto inside = [&](const auto& entry) {
    return entry.first.catalog == found->catalog && entry.first.database == found->database;
  };
  const bool empty = std::none_of(entries_.begin(), entries_.end(), inside);
  if (!empty && statement.word == "RESTRICT") {
    return diagnostics_.Error(at, "the database '", found->database, "' has tables; CASCADE drops them too");
  }
  std::erase_if(entries_, inside);
  catalogs_[found->catalog].erase(found->database);
  return absl::OkStatus();
}

absl::Status Catalog::UseCatalog(const Statement& statement) {
  const Name& name = statement.name[0];
  const auto found = catalogs_.find(name.text);
  if (found == catalogs_.end()) return diagnostics_.Error(name.position, "there is no catalog '", name.text, "'");
  if (name.text == catalog_) return absl::OkStatus();
  const std::string& database = default_databases_.at(name.text);
  if (!found->second.contains(database)) {
    return diagnostics_.Error(name.position, "the default database '", database, "' of the catalog '", name.text,
                              "' was dropped; write USE ", name.text, ".database");
  }
  catalog_ = name.text;
  database_ = database;
  return absl::OkStatus();
}

absl::Status Catalog::UseDatabase(const Statement& statement) {
  LEAT_ASSIGN_OR_RETURN(const FullName name, DatabaseOf(statement.name));
  catalog_ = name.catalog;
  database_ = name.database;
  return absl::OkStatus();
}

absl::StatusOr<std::string> Catalog::Show(const Statement& statement) const {
  std::string out;
  const auto line = [&](std::string_view text) { StrAppend(&out, text, "\n"); };
  if (statement.word == "CATALOGS") {
    for (const auto& [name, databases] : catalogs_) line(name);
  } else if (statement.word == "DATABASES") {
    for (const std::string& name : catalogs_.at(catalog_)) line(name);
  } else if (statement.word == "CURRENT CATALOG") {
    line(catalog_);
  } else if (statement.word == "CURRENT DATABASE") {
    line(database_);
  } else if (statement.word == "TABLES" || statement.word == "VIEWS") {
    for (const auto& [name, entry] : entries_) {
      if (name.catalog != catalog_ || name.database != database_) continue;
      // Views are tables for SHOW TABLES.
      if (statement.word == "TABLES" || entry.table == nullptr) line(name.name);
    }
  } else {
    return diagnostics_.Unsupported(statement.position, StrCat("SHOW ", statement.word));
  }
  return out;
}

absl::StatusOr<std::string> Catalog::Describe(const Statement& statement) {
  LEAT_ASSIGN_OR_RETURN(const Entry* const entry, FindEntry(statement.name));
  std::string out;
  if (entry->table == nullptr) {
    for (const data::Field& field : entry->relation.fields()) {
      StrAppend(&out, field.name, " ", field.type.ToString(), "\n");
    }
    return out;
  }
  const plan::Table& table = *entry->table;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const plan::TableColumn& column = table.columns[i];
    data::Type type = column.type;
    type.rowtime = table.watermark_column == static_cast<int>(i);
    StrAppend(&out, column.name, " ", type.ToString());
    if (column.kind == plan::TableColumn::Kind::kMetadata) {
      StrAppend(&out, " METADATA FROM '", column.metadata_key, "'", column.metadata_virtual ? " VIRTUAL" : "");
    }
    if (column.computed) StrAppend(&out, " AS ", plan::ToString(*column.computed));
    for (const std::string& key : table.primary_key) StrAppend(&out, key == column.name ? " PRIMARY KEY" : "");
    out += "\n";
  }
  return out;
}

}  // namespace leat::sql
