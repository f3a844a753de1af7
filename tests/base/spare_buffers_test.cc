#include "base/spare_buffers.h"

namespace leat {
namespace {

TEST(SpareBuffers, GiveTheSameMemoryAgain) {
  std::string first = TakeBuffer(100'000);
  EXPECT_EQ(first.size(), 100'000u);
  const char* const memory = first.data();
  GiveBuffer(std::move(first));
  std::string second = TakeBuffer(90'000);
  EXPECT_EQ(second.size(), 90'000u);
  EXPECT_EQ(second.data(), memory);
  EXPECT_NE(TakeBuffer(90'000).data(), memory);
}

TEST(SpareBuffers, DoNotHandOutALargeOneForALittle) {
  GiveBuffer(std::string(1'000'000, 'x'));
  EXPECT_LT(TakeBuffer(20'000).capacity(), 100'000u);
}

TEST(SpareBuffers, KeepABoundedAmount) {
  std::vector<const char*> given;
  for (int i = 0; i < 100; ++i) {
    std::string buffer(1'000'000, 'x');
    given.push_back(buffer.data());
    GiveBuffer(std::move(buffer));
  }
  int kept = 0;
  std::vector<std::string> taken;
  for (int i = 0; i < 100; ++i) {
    taken.push_back(TakeBuffer(1'000'000));
    if (taken.back()[0] == 'x') ++kept;
  }
  EXPECT_GT(kept, 0);
  EXPECT_LE(kept, 9);
}

}  // namespace
}  // namespace leat
