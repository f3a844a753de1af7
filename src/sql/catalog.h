// The catalogs, databases, tables and views of one script. They live as long as its compilation.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "sql/ast.h"
#include "sql/compile.h"
#include "sql/diagnostics.h"
#include "sql/queries.h"

namespace leat::sql {

inline constexpr size_t kMaxTables = 1000;
inline constexpr size_t kMaxDatabases = 1000;

class Catalog : public TableLookup {
 public:
  Catalog(const Diagnostics& diagnostics, const CompileOptions& options, int* budget)
      : diagnostics_(diagnostics), options_(options), budget_(budget) {}

  // Also .. LIKE, and the table of .. AS query; writing the query's rows into it is the caller's.
  absl::Status CreateTable(const Statement& statement);
  absl::Status CreateView(const Statement& statement);
  absl::Status Drop(const Statement& statement);
  absl::Status AlterTable(const Statement& statement);
  absl::StatusOr<Relation> Find(const Path& path) override;
  absl::StatusOr<Relation> FindHinted(const Path& path, const std::vector<Option>& options) override;
  plan::EmitSpec emit() const override { return emit_; }
  // For what is analysed from now on. Views are when they are made.
  void SetEmit(const plan::EmitSpec& emit) { emit_ = emit; }
  // The table that an INSERT names, with the options of its hint, checked by the caller's check_table.
  absl::StatusOr<plan::TablePtr> FindSink(const Path& path, const std::vector<Option>& options);

  // --- catalogs and databases (databases.cc) ---
  absl::Status CreateCatalog(const Statement& statement);
  absl::Status CreateDatabase(const Statement& statement);
  absl::Status DropCatalog(const Statement& statement);
  absl::Status DropDatabase(const Statement& statement);
  absl::Status UseCatalog(const Statement& statement);
  absl::Status UseDatabase(const Statement& statement);
  // What SHOW and DESCRIBE print: lines, each ended.
  absl::StatusOr<std::string> Show(const Statement& statement) const;
  absl::StatusOr<std::string> Describe(const Statement& statement);

 private:
  struct FullName {
    std::string catalog;
    std::string database;
    std::string name;
    auto operator<=>(const FullName&) const = default;
  };
  struct Entry {
    std::shared_ptr<const Statement> definition;  // of a table, LIKE resolved
    plan::TablePtr table;                         // null: a view
    Relation relation;                            // of a table: its scan, once it has been used
    bool checked = false;                         // by options_.check_table
    bool in_view = false;
  };
  absl::StatusOr<FullName> NameOf(const Path& path) const;
  absl::StatusOr<FullName> DatabaseOf(const Path& path) const;  // with an empty name
  absl::StatusOr<Entry*> FindEntry(const Path& path);
  absl::StatusOr<Entry*> FindTable(const Statement& statement, const Path& path);
  absl::Status CheckTable(const plan::Table& table, Position at) const;
  absl::Status CheckOnce(Entry* entry, Position at);
  // Whether there is room for a new entry of this name; true: it is there already and that is fine.
  absl::StatusOr<bool> CheckNew(const Statement& statement, const FullName& name) const;
  absl::StatusOr<std::shared_ptr<const Statement>> Define(const Statement& statement);
  // A copy of the table with these options instead of its own of the same keys.
  absl::StatusOr<plan::TablePtr> WithOptions(const plan::Table& table, const std::vector<Option>& options) const;
  size_t CountDatabases() const;

  const Diagnostics& diagnostics_;
  const CompileOptions& options_;
  int* budget_;
  bool making_view_ = false;
  plan::EmitSpec emit_;
  std::map<FullName, Entry> entries_;
  std::map<std::string, std::set<std::string>> catalogs_ = {{"default_catalog", {"default_database"}}};
  std::map<std::string, std::string> default_databases_ = {{"default_catalog", "default_database"}};
  std::string catalog_ = "default_catalog";
  std::string database_ = "default_database";
};

}  // namespace leat::sql
