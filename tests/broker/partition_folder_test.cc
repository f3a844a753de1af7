#include "broker/partition_folder.h"

#include <gmock/gmock.h>

#include "base/check.h"
#include "tests/broker/broker_fixture.h"

namespace leat::broker {
namespace {

using model::NodeId;

const model::TopicId kHere{1, 1}, kElsewhere{2, 2}, kUnknown{9, 9};

// Topics `here` (node 1 has both partitions' copies) and `elsewhere` (node 2 has it).
meta::Image MakeImage() {
  meta::Image image;
  const auto apply = [&](const meta::Record& record) {
    const absl::StatusOr<meta::Delta> delta = image.Apply(record);
    LEAT_CHECK(delta.ok()) << delta.status().ToString();
  };
  apply(meta::ClusterCreated{"c"});
  apply(meta::FeatureLevel{});
  for (int32_t id = 1; id <= 2; ++id) {
    apply(meta::BrokerRegistered{.id = NodeId(id), .incarnation = {1, static_cast<uint64_t>(id)}, .epoch = id});
  }
  meta::TopicCreated here{.id = kHere, .name = "here", .partitions = 2, .configs = {}};
  here.assigned.assign(2, meta::NewPartition({NodeId(1)}, {NodeId(1)}));
  apply(here);
  meta::TopicCreated elsewhere{.id = kElsewhere, .name = "elsewhere", .partitions = 1, .configs = {}};
  elsewhere.assigned.push_back(meta::NewPartition({NodeId(2)}, {NodeId(2)}));
  apply(elsewhere);
  return image;
}

class Folders : public ::testing::Test {
 protected:
  void Make(const std::string& name, std::optional<model::TopicId> topic = std::nullopt) {
    const std::string folder = env::JoinPath("/log", name);
    ASSERT_TRUE(disk_.CreateDirectories(folder).ok());
    if (topic) {
      ASSERT_TRUE(WriteFolderTopic(disk_, folder, *topic).ok());
    }
  }
  std::vector<std::string> Left() {
    const absl::Status removed = RemoveStrayFolders(disk_, "/log", MakeImage(), NodeId(1));
    EXPECT_TRUE(removed.ok()) << removed;
    return *disk_.List("/log");
  }
  sim::SimDisk disk_{1};
};

TEST_F(Folders, OfDeletedTopicsAndMovedPartitionsGo) {
  Make("here-0", kHere);
  Make("here-1");  // by a version that wrote no ids
  Make("here-2", kHere);
  Make("gone-0", kUnknown);
  Make("gone-1");
  Make("elsewhere-0", kElsewhere);
  Make("here-1-damaged", kHere);
  Make("here-0-damaged", kUnknown);
  Make("__cluster_metadata-0");
  Make("no partition");
  EXPECT_THAT(Left(), ::testing::UnorderedElementsAre("here-0", "here-1", "here-1-damaged", "__cluster_metadata-0",
                                                      "no partition"));
}

TEST_F(Folders, OfATopicThatIsKnownUnderAnotherNameStay) {
  Make("other-0", kHere);
  EXPECT_THAT(Left(), ::testing::ElementsAre("other-0"));
}

TEST_F(Folders, SayOfWhichTopicTheyAreUnlessACrashCutThem) {
  Make("here-0", kHere);
  EXPECT_EQ(*ReadFolderTopic(disk_, "/log/here-0"), kHere);
  const std::unique_ptr<env::File> file = *disk_.Open("/log/here-0/partition.metadata", env::OpenMode::kReadWrite);
  ASSERT_TRUE(file->Truncate(20).ok());
  EXPECT_EQ(*ReadFolderTopic(disk_, "/log/here-0"), std::nullopt);
}

// Deleted and made again while this node was down: the records of the first one are not those of the second.
TEST(FolderOfAnEarlierTopic, IsNotServedAsTheNewOne) {
  BrokerWorld broker(1);
  ASSERT_TRUE(broker.Start().ok());
  ASSERT_TRUE(broker.Create("t").outcome.ok());
  ASSERT_TRUE(broker.Produce(Tp("t"), Batch({"a"})).outcome.ok());
  EXPECT_NE(*ReadFolderTopic(broker.disk, "/data/log/t-0"), std::nullopt);
  ASSERT_TRUE(broker.Stop().ok());
  ASSERT_TRUE(WriteFolderTopic(broker.disk, "/data/log/t-0", kUnknown).ok());
  ASSERT_TRUE(broker.Start().ok());
  const ProducePartitionResult first = broker.Produce(Tp("t"), Batch({"b"}));
  ASSERT_TRUE(first.outcome.ok()) << first.outcome.message;
  EXPECT_EQ(first.base_offset, model::Offset(0));
}

}  // namespace
}  // namespace leat::broker
