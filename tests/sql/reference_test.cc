#include "sql/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/sql/golden_scripts.h"
#include "tests/support/source_dir.h"

namespace leat::sql {
namespace {

TEST(RenderReference, EqualsTheCommittedDocument) {
  const std::string path = test::SourceDir() + "/docs/sql-functions.md";
  if (std::getenv("LEAT_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << RenderReference();
  EXPECT_EQ(RenderReference(), ReadFile(path));
}

}  // namespace
}  // namespace leat::sql
