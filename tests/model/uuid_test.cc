#include "model/uuid.h"

#include <gtest/gtest.h>

#include "model/ids.h"

namespace leat::model {
namespace {

TEST(Uuid, ComesBackFromItsText) {
  Random random(7);
  for (int i = 0; i < 100; ++i) {
    const Uuid id = Uuid::New(random);
    EXPECT_EQ(id.ToString().size(), 22u);
    const absl::StatusOr<Uuid> back = Uuid::Parse(id.ToString());
    ASSERT_TRUE(back.ok()) << id;
    EXPECT_EQ(*back, id);
    EXPECT_EQ(id.ToString(), (TopicId{id.high, id.low}.ToString())) << "both are printed as Kafka prints ids";
  }
}

TEST(Uuid, RefusesWhatIsNoId) {
  for (const char* text : {"", "abc", "!!!!!!!!!!!!!!!!!!!!!!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
    EXPECT_EQ(Uuid::Parse(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_TRUE(Uuid().is_zero());
}

}  // namespace
}  // namespace leat::model
