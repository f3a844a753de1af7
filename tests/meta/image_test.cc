#include "meta/image.h"

#include <rapidcheck/gtest.h>

#include "meta/commands.h"
#include "meta/snapshot.h"
#include "meta/topic_config.h"

namespace leat::meta {
namespace {

using ::testing::HasSubstr;

const model::TopicId kId{1, 2};

Image After(const Records& records) {
  Image image;
  for (const Record& record : records) LEAT_CHECK_OK(image.Apply(record).status());
  return image;
}

TEST(Image, FollowsItsRecords) {
  const Image image = After({ClusterCreated{"c"}, FeatureLevel{1}, TopicCreated{kId, "a", 2, {{"retention.ms", "5"}}},
                             TopicConfigsChanged{kId, {{"retention.ms", "6"}}}, PartitionsAdded{kId, 4},
                             JobSubmitted{"j", "INSERT", 9}, JobStateChanged{"j", DesiredState::kStopped}});
  EXPECT_EQ(image.cluster_id(), "c");
  ASSERT_NE(image.FindTopic("a"), nullptr);
  EXPECT_EQ(image.FindTopic("a")->partitions, 4);
  EXPECT_EQ(image.FindTopic("a")->configs, (Configs{{"retention.ms", "6"}}));
  EXPECT_EQ(image.FindJob("j")->desired, DesiredState::kStopped);
  EXPECT_EQ(image.Hash(), 4721323748433803583ULL) << "the hash of a state must stay the same over versions";
}

TEST(Image, KeepsItsStateWhenACopyChanges) {
  const Image before = After({TopicCreated{kId, "a", 1, {}}});
  Image after = before;
  ASSERT_TRUE(after.Apply(TopicDeleted{kId}).ok());
  EXPECT_NE(before.FindTopic("a"), nullptr);
  EXPECT_EQ(after.FindTopic("a"), nullptr);
  EXPECT_EQ(after.topic_count(), 0u);
  EXPECT_NE(before.Hash(), after.Hash());
}

TEST(Image, TellsWhatChanged) {
  Image image = After({TopicCreated{kId, "a", 1, {}}});
  const auto delta = image.Apply(PartitionsAdded{kId, 3});
  ASSERT_TRUE(delta.ok());
  ASSERT_EQ(delta->topics.size(), 1u);
  EXPECT_EQ(delta->topics[0].before->partitions, 1);
  EXPECT_EQ(delta->topics[0].after->partitions, 3);
}

TEST(Image, RefusesRecordsThatDoNotFollow) {
  Image image = After({ClusterCreated{"c"}, FeatureLevel{1}, TopicCreated{kId, "a", 2, {}}});
  const uint64_t hash = image.Hash();
  const Records bad = {ClusterCreated{"d"},
                       FeatureLevel{0},
                       TopicCreated{{5, 5}, "a", 1, {}},
                       TopicCreated{kId, "b", 1, {}},
                       TopicCreated{{6, 6}, "b", 0, {}},
                       TopicDeleted{{7, 7}},
                       PartitionsAdded{kId, 2},
                       JobStateChanged{"j"},
                       JobUpgraded{"j", "SQL", 2},
                       JobDeleted{"j"},
                       ProducerIdsReserved{1}};
  for (const Record& record : bad) {
    EXPECT_EQ(image.Apply(record).status().code(), absl::StatusCode::kDataLoss) << record.index();
  }
  EXPECT_EQ(image.Apply(FeatureLevel{kFeatureLevel + 1}).status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(image.Hash(), hash);
}

// Random commands: what is decided can always be applied, and replaying the records gives the same state.
RC_GTEST_PROP(Image, IsAFunctionOfItsRecords, (uint64_t seed)) {
  Random random(seed);
  const Limits limits{.topics = 5, .partitions_per_topic = 8, .jobs = 3};
  Image image;
  Records all;
  for (int i = 0; i < 60; ++i) {
    const std::string name = StrCat("n", random.Below(8));
    absl::StatusOr<Records> decided = Records();
    switch (random.Below(7)) {
      case 0:
        decided = Decide(image, CreateTopic{name, static_cast<int32_t>(random.Between(0, 9))}, limits, random);
        break;
      case 1:
        decided = Decide(image, DeleteTopic{name});
        break;
      case 2:
        decided = Decide(
            image,
            AlterTopic{
                name, {{"retention.ms", StrCat(random.Below(9))}}, {}, static_cast<int32_t>(random.Between(1, 9))},
            limits);
        break;
      case 3:
        decided = Decide(image, SubmitJob{name, "INSERT", i}, limits);
        break;
      case 4:
        decided = SetJobState(image, name, random.OneIn(2) ? DesiredState::kRunning : DesiredState::kStopped);
        break;
      case 5:
        decided = Decide(
            image, UpgradeJob{name, "OTHER", image.FindJob(name) ? image.FindJob(name)->revision : 1, {name}}, limits);
        break;
      default:
        decided = DeleteJob(image, name);
    }
    if (!decided.ok()) continue;
    for (const Record& record : *decided) {
      RC_ASSERT(image.Apply(record).ok());
      all.push_back(record);
    }
    RC_ASSERT(image.topic_count() <= 5u);
  }
  RC_ASSERT(After(all).Hash() == image.Hash());
}

TEST(Commands, CountOnlyTheTopicsOfClientsAgainstTheirLimit) {
  Random random(1);
  const Image image = After({TopicCreated{kId, "a", 1, {}}, TopicCreated{{2, 2}, "__consumer_offsets", 1, {}},
                             TopicCreated{{2, 3}, "__leat_changelog", 1, {}}});
  EXPECT_TRUE(Decide(image, CreateTopic{"b"}, {.topics = 2}, random).ok());
  const auto refused = Decide(image, CreateTopic{"b"}, {.topics = 1}, random);
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status()));
  EXPECT_THAT(std::string(Message(refused.status())), HasSubstr("the cluster has 1 topics beside its own"));
}

TEST(Commands, SayWhatIsWrong) {
  Random random(1);
  const Image image = After({TopicCreated{kId, "a", 4, {}}});
  const auto message = [](const absl::StatusOr<Records>& result) { return std::string(Message(result.status())); };
  EXPECT_THAT(message(Decide(image, CreateTopic{"bad name"}, Limits(), random)), HasSubstr("a-zA-Z0-9"));
  EXPECT_THAT(message(Decide(image, CreateTopic{"b", 0}, Limits(), random)), HasSubstr("1 to 1000 partitions, got 0"));
  EXPECT_THAT(message(Decide(image, CreateTopic{"b"}, Limits{.topics = 1}, random)), HasSubstr("limits.topics"));
  EXPECT_THAT(message(Decide(image, CreateTopic{"__leat_x"}, Limits(), random)), HasSubstr("kept by the broker"));
  EXPECT_THAT(message(Decide(image, AlterTopic{"a", {}, {}, 2}, {})), HasSubstr("cannot shrink"));
  EXPECT_THAT(message(Decide(image, AlterTopic{"a", {}, {"retention.mz"}}, {})), HasSubstr("retention.ms"));
  EXPECT_THAT(message(Decide(image, AlterTopic{.name = "a", .append = {{"retention.ms", "5"}}}, {})),
              HasSubstr("this is none"));
  EXPECT_THAT(message(Decide(image, SubmitJob{"a/b", ""}, {})), HasSubstr("job name"));
  EXPECT_TRUE(Decide(image, CreateTopic{"__leat_x", 1, {}, Origin::kInternal}, Limits(), random).ok());
}

TEST(Commands, UpgradeAJobThatNobodyElseHasUpgraded) {
  const Image image = After({FeatureLevel{kClusterFeatureLevel}, JobSubmitted{"fraud", "OLD", 5}});
  const auto decide = [&](const std::string& name, int64_t revision) {
    return Decide(image, UpgradeJob{name, "NEW", revision, {"Join#3"}}, Limits{});
  };
  EXPECT_THAT(std::string(Message(decide("frau", 1).status())), HasSubstr("did you mean 'fraud'"));
  EXPECT_THAT(std::string(Message(decide("fraud", 2).status())), HasSubstr("somebody else has upgraded it"));
  EXPECT_TRUE(
      absl::IsInvalidArgument(Decide(image, UpgradeJob{"fraud", "NEW", 1, {}}, Limits{.sql_bytes = 2}).status()));
  const absl::StatusOr<Records> records = decide("fraud", 1);
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(*records, (Records{FeatureLevel{kDroppedStateFeatureLevel},
                               JobUpgraded{"fraud", "NEW", 2, std::vector<std::string>{"Join#3"}}}))
      << "older programs must not read on";
  Image upgraded = image;
  for (const Record& record : *records) ASSERT_TRUE(upgraded.Apply(record).ok());
  EXPECT_EQ(upgraded.FindJob("fraud")->sql, "NEW");
  EXPECT_EQ(upgraded.FindJob("fraud")->created_ms, 5);
  EXPECT_THAT(upgraded.FindJob("fraud")->dropped, ::testing::Optional(::testing::ElementsAre("Join#3")));
  EXPECT_NE(upgraded.Hash(), image.Hash());
  EXPECT_EQ(After(SnapshotOf(upgraded)).Hash(), upgraded.Hash());
}

TEST(Image, ReadsUpgradesThatDoNotSayWhatWasGivenUp) {
  Image image = After({FeatureLevel{kJobUpgradeFeatureLevel}, JobSubmitted{"fraud", "OLD", 5}});
  EXPECT_FALSE(image.Apply(JobUpgraded{"fraud", "NEW", 2, std::vector<std::string>()}).ok()) << "needs a level more";
  ASSERT_TRUE(image.Apply(JobUpgraded{"fraud", "NEW", 2, std::nullopt}).ok());
  EXPECT_EQ(image.FindJob("fraud")->dropped, std::nullopt);
  EXPECT_EQ(After(SnapshotOf(image)).Hash(), image.Hash());
}

TEST(Commands, ChangeListsAndReplaceAllConfigs) {
  const Image image = After({TopicCreated{kId, "a", 1, {{"retention.ms", "5"}}}});
  const auto configs = [&](const AlterTopic& command) {
    const absl::StatusOr<Records> records = Decide(image, command, {}, {{"cleanup.policy", "delete"}});
    if (!records.ok() || records->size() != 1) return Configs{{"error", std::string(Message(records.status()))}};
    return std::get<TopicConfigsChanged>(records->front()).configs;
  };
  EXPECT_EQ(configs({.name = "a", .append = {{"cleanup.policy", "compact"}}}),
            (Configs{{"retention.ms", "5"}, {"cleanup.policy", "delete,compact"}}));
  EXPECT_EQ(
      configs({.name = "a", .set = {{"cleanup.policy", "delete,compact"}}, .subtract = {{"cleanup.policy", "delete"}}}),
      (Configs{{"retention.ms", "5"}, {"cleanup.policy", "compact"}}));
  EXPECT_EQ(configs({.name = "a", .set = {{"segment.ms", "7"}}, .replace_all = true}), (Configs{{"segment.ms", "7"}}));
}

TEST(TopicConfig, AcceptsEveryDefaultOfItsTable) {
  std::string_view last;
  for (const ConfigDefinition& definition : TopicConfigTable()) {
    EXPECT_TRUE(CheckTopicConfig(definition.name, definition.default_value).ok()) << definition.name;
    EXPECT_LT(last, definition.name) << "the table is sorted by name";
    EXPECT_FALSE(definition.help.empty());
    last = definition.name;
  }
}

TEST(TopicConfig, RefusesWhatIsOutOfRangeOrUnknown) {
  const auto message = [](std::string_view name, std::string_view value) {
    return std::string(Message(CheckTopicConfig(name, value)));
  };
  EXPECT_THAT(message("segment.bytes", "12"), HasSubstr("1024..2147483647"));
  EXPECT_THAT(message("retention.ms", "soon"), HasSubstr("at least -1, got 'soon'"));
  EXPECT_THAT(message("leat.durability", "maybe"), HasSubstr("fsync|page-cache"));
  EXPECT_THAT(message("cleanup.policy", "delete,shrink"), HasSubstr("shrink"));
  EXPECT_THAT(message("min.cleanable.dirty.ratio", "1.5"), HasSubstr("0..1"));
  EXPECT_THAT(message("preallocate", "yes"), HasSubstr("true or false"));
  EXPECT_THAT(message("retention.mss", "1"), HasSubstr("did you mean retention.ms?"));
  EXPECT_EQ(message("cleanup.policy", "compact, delete"), "");
}

TEST(TopicConfig, PrefersTheTopicThenTheBrokerThenTheTable) {
  const TopicConfig config = ResolveTopicConfig({{"retention.ms", "1"}, {"leat.durability", "page-cache"}},
                                                {{"retention.ms", "2"}, {"retention.bytes", "3"}});
  EXPECT_EQ(config.retention_ms, 1);
  EXPECT_EQ(config.retention_bytes, 3);
  EXPECT_EQ(config.segment_bytes, 1 << 30);
  EXPECT_EQ(config.durability, Durability::kPageCache);
  EXPECT_TRUE(config.delete_old);
}

}  // namespace
}  // namespace leat::meta
