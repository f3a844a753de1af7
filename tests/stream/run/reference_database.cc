#include "tests/stream/run/reference_database.h"

#include <sqlite3.h>

#include "base/check.h"

namespace leat::stream {

ReferenceDatabase::ReferenceDatabase() {
  LEAT_CHECK(sqlite3_open(":memory:", &database_) == SQLITE_OK);
  Query("PRAGMA case_sensitive_like = ON");
}

ReferenceDatabase::~ReferenceDatabase() { sqlite3_close(database_); }

std::vector<ReferenceRow> ReferenceDatabase::Query(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  LEAT_CHECK(sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK)
      << sqlite3_errmsg(database_) << ": " << sql;
  std::vector<ReferenceRow> rows;
  int step = sqlite3_step(statement);
  for (; step == SQLITE_ROW; step = sqlite3_step(statement)) {
    ReferenceRow& row = rows.emplace_back(sqlite3_column_count(statement));
    for (int i = 0; i < static_cast<int>(row.size()); ++i) {
      const unsigned char* text = sqlite3_column_text(statement, i);
      if (text != nullptr) row[i] = reinterpret_cast<const char*>(text);
    }
  }
  LEAT_CHECK(step == SQLITE_DONE) << sqlite3_errmsg(database_) << ": " << sql;
  sqlite3_finalize(statement);
  return rows;
}

}  // namespace leat::stream
