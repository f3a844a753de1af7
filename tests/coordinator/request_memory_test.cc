#include "coordinator/request_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"

namespace leat::coordinator {
namespace {

using ::testing::ElementsAre;
using Seen = RequestMemory::Seen;

class Memory : public ::testing::Test {
 protected:
  Seen Begin(RequestMemory& memory, int64_t sequence, uint64_t client = 1) {
    env::Transport::Reply reply = [this, sequence](const absl::StatusOr<OwnedBytes>& bytes) {
      answers.push_back(StrCat(sequence, "=", bytes->view()));
    };
    return memory.Begin({client, client}, sequence, &reply);
  }
  std::vector<std::string> answers;
};

TEST_F(Memory, GivesCopiesTheAnswerOfTheFirst) {
  RequestMemory memory;
  EXPECT_EQ(Begin(memory, 0), Seen::kNew);
  EXPECT_EQ(Begin(memory, 0), Seen::kCopy) << "while the first is under way";
  EXPECT_EQ(Begin(memory, 0, 2), Seen::kNew) << "another client's";
  memory.Finish({1, 1}, 0, "a");
  EXPECT_THAT(answers, ElementsAre("0=a", "0=a"));
  EXPECT_EQ(Begin(memory, 0), Seen::kCopy);
  EXPECT_THAT(answers, ElementsAre("0=a", "0=a", "0=a"));
}

TEST_F(Memory, RefusesWhatIsOlderThanItRemembers) {
  RequestMemory memory({.answers = 3});
  for (int64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(Begin(memory, i), Seen::kNew);
    memory.Finish({1, 1}, i, "x");
  }
  EXPECT_EQ(Begin(memory, 1), Seen::kTooOld);
  EXPECT_EQ(Begin(memory, 2), Seen::kCopy);
}

TEST_F(Memory, DropsLargeAnswersButKnowsTheirRequests) {
  RequestMemory memory({.answer_bytes = 10});
  EXPECT_EQ(Begin(memory, 1), Seen::kNew);
  memory.Finish({1, 1}, 1, "123456");
  EXPECT_EQ(Begin(memory, 2), Seen::kNew);
  memory.Finish({1, 1}, 2, "123456");
  EXPECT_EQ(Begin(memory, 1), Seen::kTooOld);
  EXPECT_EQ(Begin(memory, 2), Seen::kCopy);
  EXPECT_EQ(Begin(memory, 0), Seen::kNew) << "it has not arrived before";
}

TEST_F(Memory, ForgetsTheClientThatWasNotHeardOfForLongest) {
  RequestMemory memory({.clients = 2});
  for (uint64_t client : {1, 2, 3}) {
    EXPECT_EQ(Begin(memory, 0, client), Seen::kNew);
    memory.Finish({client, client}, 0, "x");
  }
  EXPECT_EQ(Begin(memory, 0, 3), Seen::kCopy);
  EXPECT_EQ(Begin(memory, 0, 2), Seen::kCopy);
  EXPECT_EQ(Begin(memory, 0, 1), Seen::kNew);
}

}  // namespace
}  // namespace leat::coordinator
