// Every statement that Flink has is taken, or refused by its name and at its place.
#include "sql/statements.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "sql/compile.h"

namespace leat::sql {
namespace {

TEST(FlinkStatements, AreTakenOrRefusedByName) {
  for (const FlinkStatement& statement : FlinkStatements()) {
    const auto compiled = Compile(StrCat(kStatementTables, statement.example, ";"), CompileOptions{});
    if (statement.refused.empty()) {
      EXPECT_TRUE(compiled.ok()) << statement.example << "\n" << compiled.status();
      continue;
    }
    EXPECT_TRUE(absl::IsUnimplemented(compiled.status())) << statement.example << "\n" << compiled.status();
    const std::string_view message = Message(compiled.status());
    EXPECT_TRUE(message.starts_with("line 6, column ")) << statement.example << "\n" << message;
    EXPECT_NE(message.find(StrCat(": ", statement.refused, " is not supported yet; see docs/sql.md")),
              std::string_view::npos)
        << statement.example << "\n"
        << message;
  }
}

}  // namespace
}  // namespace leat::sql
