#include "base/owned_bytes.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

TEST(OwnedBytes, OfAStringAreItsOwn) {
  for (const size_t size : {3, 300}) {
    OwnedBytes bytes = std::string(size, 'a');
    bytes.data()[0] = 'b';
    const OwnedBytes moved = std::move(bytes);
    EXPECT_EQ(moved.view(), "b" + std::string(size - 1, 'a'));
  }
}

TEST(OwnedBytes, OfALargerBufferKeepItAlive) {
  auto buffer = std::make_shared<std::string>("0123456789");
  const std::weak_ptr<std::string> alive = buffer;
  OwnedBytes first(buffer, buffer->data() + 2, 3);
  OwnedBytes second(buffer, buffer->data() + 5, 2);
  buffer.reset();
  first.data()[0] = 'x';
  OwnedBytes moved = std::move(first);
  EXPECT_EQ(moved.view(), "x34");
  EXPECT_EQ(second.view(), "56");
  moved = OwnedBytes();
  EXPECT_FALSE(alive.expired());
  second = std::string("else");
  EXPECT_TRUE(alive.expired());
  EXPECT_EQ(second.view(), "else");
}

TEST(OwnedBytes, ACopyHasBytesOfItsOwn) {
  auto buffer = std::make_shared<std::string>("abc");
  OwnedBytes one(buffer, buffer->data(), 3);
  OwnedBytes copy = one;
  copy.data()[0] = 'x';
  EXPECT_EQ(one.view(), "abc");
  EXPECT_EQ(copy.view(), "xbc");
  copy = one;
  EXPECT_EQ(copy.view(), "abc");
  EXPECT_TRUE(OwnedBytes().empty());
}

}  // namespace
}  // namespace leat
