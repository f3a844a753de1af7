#include "coordinator/local_transport.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/support/sim_shard.h"

namespace leat::coordinator {
namespace {

class Alone : public ::testing::Test {
 protected:
  absl::StatusOr<OwnedBytes> Call(int32_t node, std::string request) {
    std::optional<absl::StatusOr<OwnedBytes>> answer;
    transport.Call(node, env::Service::kController, std::move(request), absl::Seconds(1),
                   [&](absl::StatusOr<OwnedBytes> got) { answer = std::move(got); });
    EXPECT_FALSE(answer.has_value()) << "never inside the call";
    world.RunFor(absl::Seconds(2));
    LEAT_CHECK(answer.has_value());
    return *std::move(answer);
  }
  sim::SimWorld world{1};
  sim::SimShard shard{world};
  LocalTransport transport{7, shard};
};

TEST_F(Alone, ReachesItselfAndNobodyElse) {
  EXPECT_EQ(Call(7, "x").status().code(), absl::StatusCode::kUnavailable) << "nobody serves yet";
  transport.Serve(env::Service::kController, [](int32_t from, OwnedBytes message, env::Transport::Reply reply) {
    reply(OwnedBytes(StrCat(from, " said ", message.view())));
  });
  EXPECT_EQ(Call(7, "x")->view(), "7 said x");
  EXPECT_EQ(Call(8, "x").status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(Alone, HearsOfAnAnswerThatWasDropped) {
  transport.Serve(env::Service::kController, [](int32_t, OwnedBytes, env::Transport::Reply) {});
  EXPECT_EQ(Call(7, "x").status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(Alone, SendsOneWayWithoutAReply) {
  std::string got;
  transport.Serve(env::Service::kRaft, [&](int32_t, OwnedBytes message, env::Transport::Reply reply) {
    EXPECT_FALSE(reply);
    got = std::string(message.view());
  });
  transport.Send(8, env::Service::kRaft, "lost");
  transport.Send(7, env::Service::kRaft, "kept");
  world.RunFor(absl::Seconds(1));
  EXPECT_EQ(got, "kept");
}

}  // namespace
}  // namespace leat::coordinator
