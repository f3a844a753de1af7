#include "base/strong_id.h"

#include <gtest/gtest.h>

#include <absl/container/flat_hash_set.h>

#include <sstream>
#include <type_traits>

namespace leat {
namespace {

using Shelf = StrongId<struct ShelfTag, int64_t>;
using Book = StrongId<struct BookTag, int64_t>;
using Tiny = StrongId<struct TinyTag, int8_t>;

static_assert(!std::is_convertible_v<int64_t, Shelf>);
static_assert(!std::is_convertible_v<Shelf, int64_t>);
static_assert(!std::is_convertible_v<Shelf, Book> && !std::is_constructible_v<Shelf, Book>);
static_assert(sizeof(Shelf) == sizeof(int64_t) && std::is_trivially_copyable_v<Shelf>);

TEST(StrongId, IsZeroByDefault) { EXPECT_EQ(Shelf().value(), 0); }

TEST(StrongId, ComparesAsItsNumber) {
  EXPECT_EQ(Shelf(3), Shelf(3));
  EXPECT_NE(Shelf(3), Shelf(4));
  EXPECT_LT(Shelf(-1), Shelf(0));
  EXPECT_GE(Shelf(5), Shelf(5));
}

TEST(StrongId, AddsAndSubtractsDistances) {
  EXPECT_EQ(Shelf(3) + 4, Shelf(7));
  EXPECT_EQ(Shelf(3) - 4, Shelf(-1));
  EXPECT_EQ(Shelf(9) - Shelf(4), 5);
  Shelf shelf(1);
  EXPECT_EQ(++shelf, Shelf(2));
}

TEST(StrongId, PrintsItsNumberEvenIfThatIsACharacterType) {
  std::ostringstream out;
  out << Shelf(12) << " " << Tiny(65);
  EXPECT_EQ(out.str(), "12 65");
}

TEST(StrongId, IsAKeyOfHashTables) {
  absl::flat_hash_set<Shelf> shelves = {Shelf(1), Shelf(2), Shelf(1)};
  EXPECT_EQ(shelves.size(), 2u);
  EXPECT_TRUE(shelves.contains(Shelf(2)));
  EXPECT_FALSE(shelves.contains(Shelf(3)));
}

}  // namespace
}  // namespace leat
