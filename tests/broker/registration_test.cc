// The node in the cluster's metadata: it is a broker there, whatever happened to it, and leads what it has.
#include "broker/life.h"
#include "broker/page_cache.h"
#include "tests/broker/broker_fixture.h"

namespace leat::broker {
namespace {

using ::testing::ElementsAre;

class Registered : public ::testing::Test {
 protected:
  Registered() { LEAT_CHECK_OK(w.Start()); }
  meta::BrokerPtr Self() { return w.broker->image()->FindBroker(w.options.node_id); }
  const meta::Partition& At(const std::string& topic, int32_t partition = 0) {
    image = w.broker->image();
    const meta::Partition* found = image->FindPartition({image->FindTopic(topic)->id, model::PartitionId(partition)});
    LEAT_CHECK(found != nullptr) << topic;
    return *found;
  }
  void ExpectLeads(const std::string& topic, int32_t partition = 0) {
    const meta::NodeId self = w.options.node_id;
    const meta::Partition& p = At(topic, partition);
    EXPECT_THAT(p.replicas, ElementsAre(self)) << topic;
    EXPECT_THAT(p.isr, ElementsAre(self)) << topic;
    EXPECT_EQ(p.leader, self) << topic;
  }
  BrokerWorld w{21};
  meta::ImagePtr image;
};

TEST_F(Registered, LeadsEveryPartitionFromItsCreationOn) {
  ASSERT_NE(Self(), nullptr);
  EXPECT_TRUE(Self()->is_active());
  ExpectLeads(std::string(meta::kOffsetsTopic));
  ExpectLeads(std::string(meta::kTransactionsTopic));
  ASSERT_TRUE(w.Create("events", 2).outcome.ok());
  ExpectLeads("events", 1);
}

TEST_F(Registered, EveryStartIsANewLifeThatLeadsAgain) {
  ASSERT_TRUE(w.Create("synced").outcome.ok());
  ASSERT_TRUE(w.Create("cached", 1, {{"leat.durability", "page-cache"}}).outcome.ok());
  int64_t epoch = Self()->epoch();
  for (const bool crash : {false, true, true, false}) {
    const model::Uuid incarnation = Self()->registration.incarnation;
    const meta::LeaderEpoch before = At("cached").leader_epoch;
    if (crash) {
      w.PowerCut();
    } else {
      ASSERT_TRUE(w.Stop().ok());
    }
    ASSERT_TRUE(w.Start().ok());
    EXPECT_GT(Self()->epoch(), epoch);
    EXPECT_NE(Self()->registration.incarnation, incarnation);
    EXPECT_TRUE(Self()->is_active());
    EXPECT_GT(At("cached").leader_epoch, before);
    ExpectLeads("synced");
    ExpectLeads("cached");
    epoch = Self()->epoch();
  }
}

TEST_F(Registered, TellsItsListenersOnceTheyAreBound) {
  EXPECT_TRUE(Self()->registration.listeners.empty());
  const int64_t epoch = Self()->epoch();
  w.broker->SetAdvertised("h:9095", "h:9092,[::1]:9093", "", "h:9094");
  ASSERT_TRUE(w.world.RunUntil([&] { return !Self()->registration.listeners.empty(); }, absl::Seconds(10)));
  EXPECT_THAT(Self()->registration.listeners,
              ElementsAre(meta::Listener{"kafka.default", "h", 9092}, meta::Listener{"kafka.default", "::1", 9093},
                          meta::Listener{"grpc", "h", 9095}, meta::Listener{"internal", "h", 9094}));
  EXPECT_EQ(Self()->epoch(), epoch);
  EXPECT_TRUE(Self()->is_active());
}

TEST_F(Registered, ServesWhatThereIsWhenTheDiskIsFullAtAStart) {
  ASSERT_TRUE(w.Create("events").outcome.ok());
  w.Produce(Tp("events"), Batch({"a"}));
  ASSERT_TRUE(w.Stop().ok());
  w.disk.faults().capacity_bytes = w.disk.used_bytes();
  ASSERT_TRUE(w.Start().ok());
  ExpectLeads("events");
  EXPECT_THAT(Values(w.FetchOne(Tp("events")).batches), ElementsAre("a"));
  w.disk.faults().capacity_bytes.reset();
  ASSERT_TRUE(w.Stop().ok());
  ASSERT_TRUE(w.Start().ok()) << "and registers the next time";
  ExpectLeads("events");
}

class Lives : public ::testing::Test {
 protected:
  Lives() { LEAT_CHECK_OK(disk.CreateDirectories("/d")); }
  Life Begin() { return *BeginLife(disk, "/d", random); }
  sim::SimDisk disk{1};
  Random random{1};
};

TEST_F(Lives, RememberEachOtherUntilOneEndsInOrder) {
  const Life first = Begin();
  EXPECT_THAT(first.earlier, ElementsAre());
  disk.PowerCut();
  const Life second = Begin();
  EXPECT_EQ(second.directory, first.directory);
  EXPECT_THAT(second.earlier, ElementsAre(first.incarnation));
  EXPECT_EQ(second.clean_shutdown_epoch, -1);
  ASSERT_TRUE(EndLife(disk, "/d", second, 7).ok());
  disk.PowerCut();
  const Life third = Begin();
  EXPECT_THAT(third.earlier, ElementsAre(second.incarnation));
  EXPECT_EQ(third.clean_shutdown_epoch, 7);
  EXPECT_EQ(Begin().clean_shutdown_epoch, -1) << "the orderly stop counts for one start";
}

TEST_F(Lives, AreForgottenOnceManyWereConfirmed) {
  Life life = Begin();
  for (int i = 0; i < 150; ++i) life = Begin();
  EXPECT_EQ(life.earlier.size(), 150u);
  ASSERT_TRUE(ConfirmLife(disk, "/d", &life).ok());
  EXPECT_THAT(Begin().earlier, ElementsAre(life.incarnation));
}

TEST_F(Lives, TakeTheEndOfAProcessForAnOrderlyStopUnderTheSameKernel) {
  const auto boot = [&](const std::string& id) {
    ASSERT_TRUE(disk.CreateDirectories("/proc/sys/kernel/random").ok());
    ASSERT_TRUE(env::WriteFileAtomically(disk, "/proc/sys/kernel/random/boot_id", id + "\n").ok());
  };
  boot("monday");
  EXPECT_EQ(Begin().clean_shutdown_epoch, -1) << "never registered";
  ASSERT_TRUE(NoteRegistration(disk, "/d", 7, Logs::kUnread).ok());
  EXPECT_EQ(Begin().clean_shutdown_epoch, 7);
  EXPECT_EQ(Begin().clean_shutdown_epoch, 7) << "as long as no other is registered";
  EXPECT_FALSE(LogsInPageCache(disk, "/d")) << "what a power cut has left of some of them nobody has seen yet";
  ASSERT_TRUE(NoteRegistration(disk, "/d", 7, Logs::kRead).ok());
  EXPECT_TRUE(LogsInPageCache(disk, "/d"));
  boot("tuesday");
  EXPECT_FALSE(LogsInPageCache(disk, "/d"));
  EXPECT_EQ(Begin().clean_shutdown_epoch, -1);
  ASSERT_TRUE(NoteRegistration(disk, "/d", 8, Logs::kRead).ok());
  ASSERT_TRUE(DistrustPageCache(disk, "/d").ok());
  EXPECT_EQ(Begin().clean_shutdown_epoch, -1) << "a sync has failed";
  EXPECT_FALSE(LogsInPageCache(disk, "/d"));
}

TEST_F(Lives, SayWhatIsWrongWithTheirFile) {
  ASSERT_TRUE(env::WriteFileAtomically(disk, "/d/broker.properties", "version=1\nincarnation=x\n").ok());
  const absl::Status status = BeginLife(disk, "/d", random).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(Message(status)), ::testing::HasSubstr("broker.properties"));
}

}  // namespace
}  // namespace leat::broker
