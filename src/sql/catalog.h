// The tables and views of one script.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "sql/ast.h"
#include "sql/compile.h"
#include "sql/diagnostics.h"
#include "sql/queries.h"

namespace leat::sql {

inline constexpr size_t kMaxTables = 1000;

class Catalog : public TableLookup {
 public:
  Catalog(const Diagnostics& diagnostics, const CompileOptions& options, int* budget)
      : diagnostics_(diagnostics), options_(options), budget_(budget) {}

  absl::Status CreateTable(const Statement& statement);
  absl::Status CreateView(const Statement& statement);
  absl::Status Drop(const Statement& statement);
  absl::StatusOr<Relation> Find(const Path& path) override;
  // The table that an INSERT names, checked by the caller's check_table.
  absl::StatusOr<plan::TablePtr> FindSink(const Path& path);

 private:
  struct Entry {
    plan::TablePtr table;  // null: a view
    Relation relation;     // of a table: its scan, once it has been used
    bool checked = false;  // by options_.check_table
  };
  absl::StatusOr<std::string> NameOf(const Path& path) const;
  absl::StatusOr<Entry*> FindEntry(const Path& path);
  absl::Status CheckTable(Entry* entry, Position at);
  // Whether there is room for a new entry of this name; true: it is there already and that is fine.
  absl::StatusOr<bool> CheckNew(const Statement& statement, const std::string& name) const;

  const Diagnostics& diagnostics_;
  const CompileOptions& options_;
  int* budget_;
  std::map<std::string, Entry> entries_;
};

}  // namespace leat::sql
