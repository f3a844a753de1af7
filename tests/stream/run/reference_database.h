// Rows and queries in SQLite: what a query over all rows gives, worked out by somebody else's evaluator.
#pragma once

#include <optional>
#include <string>
#include <vector>

struct sqlite3;

namespace leat::stream {

// A value as SQLite prints it; nothing is NULL.
using ReferenceRow = std::vector<std::optional<std::string>>;

// In memory. Errors of SQLite end the program: statements are made by the tests.
class ReferenceDatabase {
 public:
  ReferenceDatabase();
  ~ReferenceDatabase();
  ReferenceDatabase(const ReferenceDatabase&) = delete;
  ReferenceDatabase& operator=(const ReferenceDatabase&) = delete;

  std::vector<ReferenceRow> Query(const std::string& sql);

 private:
  sqlite3* database_ = nullptr;
};

}  // namespace leat::stream
