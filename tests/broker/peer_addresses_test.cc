// Where this node looks for the others: what counts when several say it.
#include "broker/peer_addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/listeners.h"
#include "meta/commands.h"

namespace leat::broker {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

meta::BrokerRegistered Registration(int32_t id, int64_t epoch, const std::string& host) {
  return {.id = model::NodeId(id),
          .incarnation = {1, static_cast<uint64_t>(epoch)},
          .epoch = epoch,
          .listeners = {{"kafka", host, 9092}, {std::string(kInternalListener), host, 9094}},
          .directories = {{static_cast<uint64_t>(id), 1}}};
}

class Addresses : public ::testing::Test {
 protected:
  Addresses() : addresses(MakeOptions(), [this] { ++told; }) {
    for (const meta::Record& record : meta::FormatCluster(image, "the-cluster")) {
      LEAT_CHECK_OK(image.Apply(record).status());
    }
  }
  static Options MakeOptions() {
    Options options;
    options.node_id = model::NodeId(1);
    options.internal_address = "one:9094";
    options.voters = {{model::NodeId(1), "one", 9094}, {model::NodeId(2), "two", 9094}};
    return options;
  }
  void Register(int32_t id, int64_t epoch, const std::string& host) {
    LEAT_CHECK_OK(image.Apply(Registration(id, epoch, host)).status());
    addresses.Follow(image);
  }
  std::string Of(int32_t id) { return addresses.AddressOf(raft::NodeId(id)); }

  int told = 0;
  meta::Image image;
  PeerAddresses addresses;
};

TEST_F(Addresses, AreThoseOfTheConfiguredAndTheRegistered) {
  Register(2, 1, "elsewhere");
  Register(4, 2, "four");
  EXPECT_THAT(addresses.All(),
              UnorderedElementsAre(Pair(2, env::PeerAddress{"two", 9094}), Pair(4, env::PeerAddress{"four", 9094})));
  EXPECT_EQ(Of(1), "one:9094");
  EXPECT_EQ(Of(4), "four:9094");
  EXPECT_EQ(Of(5), "");
}

TEST_F(Addresses, AreLearnedOfWhoHasNotRegistered) {
  addresses.Learn(raft::NodeId(5), "five:9094");
  addresses.Learn(raft::NodeId(6), "[::1]:9094");
  EXPECT_EQ(told, 2);
  EXPECT_EQ(Of(5), "five:9094");
  EXPECT_EQ(Of(6), "[::1]:9094");
  addresses.Learn(raft::NodeId(5), "five:9094");
  EXPECT_EQ(told, 2) << "no news";
  for (const char* bad : {"", "five", "five:0", "five:70000", ":9094"}) addresses.Learn(raft::NodeId(7), bad);
  EXPECT_EQ(Of(7), "");
  addresses.Learn(raft::NodeId(2), "elsewhere:1");
  addresses.Learn(raft::NodeId(1), "elsewhere:1");
  EXPECT_EQ(Of(2), "two:9094") << "the configuration says where the voters are";
  EXPECT_EQ(Of(1), "one:9094");
}

TEST_F(Addresses, OfWhoHasMovedCountUntilItRegistersAgain) {
  Register(4, 1, "old");
  addresses.Learn(raft::NodeId(4), "old:9094");
  EXPECT_EQ(told, 0);
  addresses.Learn(raft::NodeId(4), "new:9094");
  EXPECT_EQ(Of(4), "new:9094");
  Register(5, 2, "five");
  EXPECT_EQ(Of(4), "new:9094") << "somebody else's registration";
  Register(4, 3, "newer");
  EXPECT_EQ(Of(4), "newer:9094");
}

TEST_F(Addresses, ThatTheLogMayHoldAreTriedWhileNothingElseIsKnown) {
  addresses.Expect({{model::NodeId(4), Registration(4, 7, "foreseen")}});
  EXPECT_EQ(Of(4), "foreseen:9094");
  Register(5, 1, "five");
  EXPECT_EQ(Of(4), "foreseen:9094");
  Register(4, 2, "four");
  EXPECT_EQ(Of(4), "four:9094");
}

}  // namespace
}  // namespace leat::broker
