// The handlers of groups, as clients meet them: over a socket, on a real broker, in the versions that differ.
#include <algorithm>

#include "kafka/admin_support.h"
#include "kafka/group_support.h"
#include "tests/kafka/kafka_fixture.h"
#include "wire/messages/delete_groups.h"
#include "wire/messages/describe_groups.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/heartbeat.h"
#include "wire/messages/join_group.h"
#include "wire/messages/leave_group.h"
#include "wire/messages/list_groups.h"
#include "wire/messages/offset_commit.h"
#include "wire/messages/offset_delete.h"
#include "wire/messages/offset_fetch.h"
#include "wire/messages/sync_group.h"

namespace leat::kafka {
namespace {

using model::ErrorCode;
using wire::JoinGroupRequest;
using wire::JoinGroupResponse;
using wire::OffsetCommitRequest;
using wire::OffsetCommitResponse;
using wire::OffsetFetchRequest;
using wire::OffsetFetchResponse;

constexpr std::string_view kSubscription("\0\1\0\0\0\1\0\1t\xff\xff\xff\xff\0\0\0\0", 17);  // to topic t
constexpr int16_t kNewestJoin = 9;

struct Joined {
  std::string member;
  int32_t generation = -1;
};

class GroupAdaptersTest : public KafkaTest {
 protected:
  static JoinGroupRequest JoinOf(std::string_view group, std::string_view member,
                                 std::optional<std::string_view> instance = std::nullopt) {
    JoinGroupRequest request;
    request.group_id = group;
    request.session_timeout_ms = 30000;
    request.rebalance_timeout_ms = 30000;
    request.member_id = member;
    request.group_instance_id = instance;
    request.protocol_type = "consumer";
    auto& protocol = request.protocols.emplace_back();
    protocol.name = "range";
    protocol.metadata = kSubscription;
    return request;
  }
  // The one member of its group, with the assignment "mine".
  static Joined JoinAlone(KafkaClient& client, std::string_view group, int16_t version = kNewestJoin,
                          std::optional<std::string_view> instance = std::nullopt) {
    auto response = client.Ask<JoinGroupResponse>(JoinOf(group, "", instance), version);
    if (response.error_code == Code(ErrorCode::kMemberIdRequired)) {
      const std::string id = response.member_id;
      response = client.Ask<JoinGroupResponse>(JoinOf(group, id, instance), version);
    }
    EXPECT_EQ(response.error_code, 0);
    EXPECT_EQ(Sync(client, group, {response.member_id, response.generation_id}).assignment, "mine");
    return {response.member_id, response.generation_id};
  }
  static wire::SyncGroupResponse Sync(KafkaClient& client, std::string_view group, const Joined& as,
                                      int16_t version = 4, std::optional<std::string_view> instance = std::nullopt,
                                      std::string_view protocol = "range") {
    wire::SyncGroupRequest request;
    request.group_id = group;
    request.generation_id = as.generation;
    request.member_id = as.member;
    request.group_instance_id = instance;
    request.protocol_type = "consumer";
    request.protocol_name = protocol;
    auto& assignment = request.assignments.emplace_back();
    assignment.member_id = as.member;
    assignment.assignment = "mine";
    return client.Ask<wire::SyncGroupResponse>(request, version);
  }
  static int16_t Beat(KafkaClient& client, std::string_view group, const Joined& as, int16_t version = 4,
                      std::optional<std::string_view> instance = std::nullopt) {
    wire::HeartbeatRequest request;
    request.group_id = group;
    request.generation_id = as.generation;
    request.member_id = as.member;
    request.group_instance_id = instance;
    return client.Ask<wire::HeartbeatResponse>(request, version).error_code;
  }
  // Of one partition, by name or by the topic's id.
  int16_t Commit(KafkaClient& client, int64_t offset, int16_t version, const Joined& as = {},
                 std::string_view group = "g", std::string_view topic_name = "t") {
    OffsetCommitRequest request;
    request.group_id = group;
    request.generation_id_or_member_epoch = as.generation;
    request.member_id = as.member;
    auto& topic = request.topics.emplace_back();
    topic.name = topic_name;
    topic.topic_id = ids_[std::string(topic_name)];
    auto& partition = topic.partitions.emplace_back();
    partition.committed_offset = offset;
    partition.committed_leader_epoch = 3;
    partition.committed_metadata = "note";
    const auto response = client.Ask<OffsetCommitResponse>(request, version);
    return response.topics.at(0).partitions.at(0).error_code;
  }
  OffsetFetchRequest FetchOffsetOf(const std::vector<std::string_view>& groups) {
    OffsetFetchRequest request;
    request.group_id = groups[0];
    auto& old_topic = request.topics.emplace().emplace_back();
    old_topic.name = "t";
    old_topic.partition_indexes = {0, 1};
    for (const std::string_view name : groups) {
      auto& group = request.groups.emplace_back();
      group.group_id = name;
      auto& topic = group.topics.emplace().emplace_back();
      topic.name = "t";
      topic.topic_id = ids_["t"];
      topic.partition_indexes = {0, 1};
    }
    return request;
  }
  static wire::DescribeGroupsResponse::DescribedGroup Describe(KafkaClient& client, std::string_view group,
                                                               int16_t version, bool operations = false) {
    wire::DescribeGroupsRequest request;
    request.groups = {group};
    request.include_authorized_operations = operations;
    return client.Ask<wire::DescribeGroupsResponse>(request, version).groups.at(0);
  }
  static std::vector<std::string> List(KafkaClient& client, int16_t version, std::vector<std::string_view> states = {},
                                       std::vector<std::string_view> types = {}) {
    wire::ListGroupsRequest request;
    request.states_filter = std::move(states);
    request.types_filter = std::move(types);
    std::vector<std::string> names;
    for (const auto& group : client.Ask<wire::ListGroupsResponse>(request, version).groups) {
      EXPECT_EQ(group.group_type, version >= 5 ? "classic" : "");
      EXPECT_EQ(group.group_state.empty(), version < 4);
      names.push_back(group.group_id);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
};

TEST_F(GroupAdaptersTest, AMemberJoinsSyncsAndBeatsInEveryVersion) {
  Start();
  KafkaClient client(port());
  for (int16_t version = 0; version <= kNewestJoin; ++version) {
    SCOPED_TRACE(version);
    const std::string group = StrCat("g", version);
    auto joined = client.Ask<JoinGroupResponse>(JoinOf(group, ""), version);
    EXPECT_FALSE(joined.member_id.empty());
    if (version >= 4) {
      EXPECT_EQ(joined.error_code, Code(ErrorCode::kMemberIdRequired));
      const std::string id = joined.member_id;
      joined = client.Ask<JoinGroupResponse>(JoinOf(group, id), version);
      EXPECT_EQ(joined.member_id, id);
    }
    EXPECT_EQ(joined.error_code, 0);
    EXPECT_EQ(joined.generation_id, 1);
    EXPECT_EQ(joined.leader, joined.member_id);
    EXPECT_EQ(joined.protocol_name, "range");
    EXPECT_EQ(joined.protocol_type.value_or(""), version >= 7 ? "consumer" : "");
    EXPECT_FALSE(joined.skip_assignment);
    ASSERT_EQ(joined.members.size(), 1u);
    EXPECT_EQ(joined.members[0].member_id, joined.member_id);
    EXPECT_EQ(joined.members[0].metadata, kSubscription);
    const Joined member{joined.member_id, joined.generation_id};
    const int16_t sync_version = std::min<int16_t>(version, 5);
    const auto synced = Sync(client, group, member, sync_version);
    EXPECT_EQ(synced.error_code, 0);
    EXPECT_EQ(synced.assignment, "mine");
    EXPECT_EQ(synced.protocol_type.value_or(""), sync_version >= 5 ? "consumer" : "");
    EXPECT_EQ(synced.protocol_name.value_or(""), sync_version >= 5 ? "range" : "");
    const int16_t beat_version = std::min<int16_t>(version, 4);
    EXPECT_EQ(Beat(client, group, member, beat_version), 0);
    EXPECT_EQ(Beat(client, group, {member.member, 9}, beat_version), Code(ErrorCode::kIllegalGeneration));
    EXPECT_EQ(Beat(client, group, {"nobody", 1}, beat_version), Code(ErrorCode::kUnknownMemberId));
  }
}

TEST_F(GroupAdaptersTest, AJoinThatFailsHasNoProtocol) {
  Start();
  KafkaClient client(port());
  JoinGroupRequest hasty = JoinOf("g", "");
  hasty.session_timeout_ms = 1;
  for (const int16_t version : {0, 6, 7, 9}) {
    const auto refused = client.Ask<JoinGroupResponse>(hasty, version);
    EXPECT_EQ(refused.error_code, Code(ErrorCode::kInvalidSessionTimeout)) << version;
    EXPECT_EQ(refused.generation_id, -1);
    EXPECT_EQ(refused.protocol_name, version < 7 ? std::optional<std::string>("") : std::nullopt) << version;
    EXPECT_EQ(client.Ask<JoinGroupResponse>(JoinOf("", ""), version).error_code, Code(ErrorCode::kInvalidGroupId));
  }
  JoinAlone(client, "g");
  JoinGroupRequest other = JoinOf("g", "");
  other.protocol_type = "connect";
  EXPECT_EQ(client.Ask<JoinGroupResponse>(other, 3).error_code, Code(ErrorCode::kInconsistentGroupProtocol));
}

TEST_F(GroupAdaptersTest, AStaticMemberIsKnownByItsInstance) {
  Start();
  KafkaClient client(port());
  const auto first = client.Ask<JoinGroupResponse>(JoinOf("g", "", "box"), 5);
  ASSERT_EQ(first.error_code, 0) << "it needs no id to join";
  EXPECT_EQ(first.members.at(0).group_instance_id, "box");
  const Joined member{first.member_id, first.generation_id};
  EXPECT_EQ(Sync(client, "g", member, 3, "box").error_code, 0);
  EXPECT_EQ(Describe(client, "g", 3).members.at(0).group_instance_id, std::nullopt);
  EXPECT_EQ(Describe(client, "g", 4).members.at(0).group_instance_id, "box");

  // It comes back as the leader that it was; only version 9 can be told that the assignment stays.
  const auto again = client.Ask<JoinGroupResponse>(JoinOf("g", "", "box"), 9);
  EXPECT_EQ(again.error_code, 0);
  EXPECT_TRUE(again.skip_assignment);
  EXPECT_NE(again.member_id, first.member_id);
  EXPECT_EQ(Beat(client, "g", member, 3, "box"), Code(ErrorCode::kFencedInstanceId));
  EXPECT_EQ(Beat(client, "g", member, 2, "box"), Code(ErrorCode::kUnknownMemberId)) << "version 2 does not name it";
  EXPECT_EQ(Sync(client, "g", member, 3, "box").error_code, Code(ErrorCode::kFencedInstanceId));
  EXPECT_EQ(Sync(client, "g", member, 2, "box").error_code, Code(ErrorCode::kUnknownMemberId));
  EXPECT_FALSE(client.Ask<JoinGroupResponse>(JoinOf("g", "", "box"), 8).skip_assignment);
}

TEST_F(GroupAdaptersTest, SyncIsCheckedAgainstTheProtocolThatItNames) {
  Start();
  KafkaClient client(port());
  const Joined member = JoinAlone(client, "g");
  EXPECT_EQ(Sync(client, "g", member, 4, std::nullopt, "roundrobin").error_code, 0) << "version 4 does not name it";
  EXPECT_EQ(Sync(client, "g", member, 5, std::nullopt, "roundrobin").error_code,
            Code(ErrorCode::kInconsistentGroupProtocol));
  EXPECT_EQ(Sync(client, "g", {member.member, 7}, 5).error_code, Code(ErrorCode::kIllegalGeneration));
}

TEST_F(GroupAdaptersTest, MembersLeaveOneByOneOrTogether) {
  Start();
  KafkaClient client(port());
  for (int16_t version = 0; version <= 2; ++version) {
    const Joined member = JoinAlone(client, "old");
    wire::LeaveGroupRequest request;
    request.group_id = "old";
    request.member_id = member.member;
    EXPECT_EQ(client.Ask<wire::LeaveGroupResponse>(request, version).error_code, 0);
    EXPECT_EQ(client.Ask<wire::LeaveGroupResponse>(request, version).error_code, Code(ErrorCode::kUnknownMemberId));
  }
  for (int16_t version = 3; version <= 5; ++version) {
    JoinAlone(client, "new", kNewestJoin, "box");
    wire::LeaveGroupRequest request;
    request.group_id = "new";
    request.members.emplace_back().group_instance_id = "box";
    request.members.emplace_back().member_id = "nobody";
    request.members.emplace_back().group_instance_id = "crate";
    const auto left = client.Ask<wire::LeaveGroupResponse>(request, version);
    EXPECT_EQ(left.error_code, 0) << version;
    ASSERT_EQ(left.members.size(), 3u);
    EXPECT_EQ(left.members[0].error_code, 0);
    EXPECT_EQ(left.members[0].group_instance_id, "box");
    EXPECT_EQ(left.members[1].error_code, Code(ErrorCode::kUnknownMemberId));
    EXPECT_EQ(left.members[1].member_id, "nobody");
    EXPECT_EQ(left.members[2].error_code, Code(ErrorCode::kUnknownMemberId));
    EXPECT_EQ(Describe(client, "new", 5).group_state, "Empty");
  }
}

TEST_F(GroupAdaptersTest, OffsetsAreCommittedAndFetchedInEveryVersion) {
  Start();
  CreateTopic("t", 2);
  KafkaClient client(port());
  for (int16_t committed = 2; committed <= 10; ++committed) {
    ASSERT_EQ(Commit(client, 100 + committed, committed), 0) << committed;
    for (int16_t version = 1; version <= 10; ++version) {
      SCOPED_TRACE(StrCat("committed with ", committed, ", fetched with ", version));
      const auto response = client.Ask<OffsetFetchResponse>(FetchOffsetOf({"g"}), version);
      EXPECT_EQ(response.error_code, 0);
      ASSERT_EQ(response.topics.size(), version < 8 ? 1u : 0u);
      ASSERT_EQ(response.groups.size(), version < 8 ? 0u : 1u);
      const int32_t epoch = committed >= 6 && version >= 5 ? 3 : -1;
      const auto check = [&](const auto& topic) {
        ASSERT_EQ(topic.partitions.size(), 2u);
        EXPECT_EQ(topic.partitions[0].committed_offset, 100 + committed);
        EXPECT_EQ(topic.partitions[0].committed_leader_epoch, epoch);
        EXPECT_EQ(topic.partitions[0].metadata, "note");
        EXPECT_EQ(topic.partitions[0].error_code, 0);
        EXPECT_EQ(topic.partitions[1].partition_index, 1);
        EXPECT_EQ(topic.partitions[1].committed_offset, -1) << "there is none";
        EXPECT_EQ(topic.partitions[1].error_code, 0);
      };
      if (version < 8) {
        EXPECT_EQ(response.topics[0].name, "t");
        check(response.topics[0]);
      } else {
        EXPECT_EQ(response.groups[0].group_id, "g");
        EXPECT_EQ(response.groups[0].topics.at(0).name, version < 10 ? "t" : "");
        EXPECT_EQ(response.groups[0].topics.at(0).topic_id, version < 10 ? model::TopicId{} : ids_["t"]);
        check(response.groups[0].topics[0]);
      }
    }
  }
}

TEST_F(GroupAdaptersTest, ManyGroupsAreFetchedAtOnceAndAllOfAGroupWithoutATopic) {
  Start();
  CreateTopic("t", 2);
  KafkaClient client(port());
  ASSERT_EQ(Commit(client, 1, 9, {}, "one"), 0);
  ASSERT_EQ(Commit(client, 2, 9, {}, "two"), 0);
  OffsetFetchRequest request = FetchOffsetOf({"one", "two", "three"});
  request.topics = std::nullopt;
  request.groups[1].topics = std::nullopt;
  for (const int16_t version : {8, 9, 10}) {
    const auto response = client.Ask<OffsetFetchResponse>(request, version);
    ASSERT_EQ(response.groups.size(), 3u);
    EXPECT_EQ(response.groups[0].topics.at(0).partitions.at(0).committed_offset, 1);
    ASSERT_EQ(response.groups[1].topics.at(0).partitions.size(), 1u) << "what has no offset is not listed";
    EXPECT_EQ(response.groups[1].topics[0].partitions[0].committed_offset, 2);
    EXPECT_EQ(response.groups[2].topics.at(0).partitions.at(0).committed_offset, -1);
    EXPECT_EQ(response.groups[2].error_code, 0);
  }
  const auto of_one = client.Ask<OffsetFetchResponse>(request, 7);
  ASSERT_EQ(of_one.topics.size(), 1u);
  EXPECT_EQ(of_one.topics[0].partitions.size(), 1u);
}

TEST_F(GroupAdaptersTest, TopicsThatAreNotThereAreRefusedByNameAndById) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  ids_["no-such"] = {7, 7};
  EXPECT_EQ(Commit(client, 1, 10, {}, "g", "no-such"), Code(ErrorCode::kUnknownTopicId));
  EXPECT_EQ(Commit(client, 1, 9, {}, "g", "no-such"), Code(ErrorCode::kUnknownTopicOrPartition));
  OffsetFetchRequest request = FetchOffsetOf({"g"});
  request.groups[0].topics->emplace_back().topic_id = {7, 7};
  request.groups[0].topics->back().partition_indexes = {4};
  const auto response = client.Ask<OffsetFetchResponse>(request, 10);
  ASSERT_EQ(response.groups.at(0).topics.size(), 2u);
  EXPECT_EQ(response.groups[0].topics[1].topic_id, (model::TopicId{7, 7}));
  EXPECT_EQ(response.groups[0].topics[1].partitions.at(0).partition_index, 4);
  EXPECT_EQ(response.groups[0].topics[1].partitions[0].error_code, Code(ErrorCode::kUnknownTopicId));
}

TEST_F(GroupAdaptersTest, OnlyMembersCommitWhileThereAreSome) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  const Joined member = JoinAlone(client, "g");
  for (const int16_t version : {2, 9}) {
    EXPECT_EQ(Commit(client, 5, version, member), 0);
    EXPECT_EQ(Commit(client, 6, version, {member.member, 99}), Code(ErrorCode::kIllegalGeneration));
    EXPECT_EQ(Commit(client, 6, version, {"nobody", member.generation}), Code(ErrorCode::kUnknownMemberId));
    EXPECT_EQ(Commit(client, 6, version), Code(ErrorCode::kUnknownMemberId));
  }
  OffsetCommitRequest fenced;
  fenced.group_id = "static";
  const Joined box = JoinAlone(client, "static", kNewestJoin, "box");
  fenced.generation_id_or_member_epoch = box.generation;
  fenced.member_id = "somebody-else";
  fenced.group_instance_id = "box";
  auto& topic = fenced.topics.emplace_back();
  topic.name = "t";
  topic.partitions.emplace_back();
  EXPECT_EQ(client.Ask<OffsetCommitResponse>(fenced, 7).topics.at(0).partitions.at(0).error_code,
            Code(ErrorCode::kFencedInstanceId));
  EXPECT_EQ(client.Ask<OffsetCommitResponse>(fenced, 6).topics.at(0).partitions.at(0).error_code,
            Code(ErrorCode::kUnknownMemberId));
}

TEST_F(GroupAdaptersTest, GroupsAreDescribed) {
  Start();
  KafkaClient client(port());
  const Joined member = JoinAlone(client, "g");
  for (int16_t version = 0; version <= 6; ++version) {
    SCOPED_TRACE(version);
    const auto group = Describe(client, "g", version, true);
    EXPECT_EQ(group.error_code, 0);
    EXPECT_EQ(group.group_state, "Stable");
    EXPECT_EQ(group.protocol_type, "consumer");
    EXPECT_EQ(group.protocol_data, "range");
    EXPECT_EQ(group.authorized_operations, version < 3 ? INT32_MIN : 3400);
    ASSERT_EQ(group.members.size(), 1u);
    EXPECT_EQ(group.members[0].member_id, member.member);
    EXPECT_EQ(group.members[0].client_id, "test");
    EXPECT_EQ(group.members[0].client_host, "/127.0.0.1");
    EXPECT_EQ(group.members[0].member_metadata, kSubscription);
    EXPECT_EQ(group.members[0].member_assignment, "mine");
    EXPECT_EQ(Describe(client, "g", version).authorized_operations, INT32_MIN);
    const auto unknown = Describe(client, "no-such", version);
    EXPECT_EQ(unknown.error_code, version < 6 ? 0 : Code(ErrorCode::kGroupIdNotFound));
    EXPECT_EQ(unknown.error_message.has_value(), version >= 6);
    EXPECT_EQ(unknown.group_state, "Dead");
  }
}

TEST_F(GroupAdaptersTest, GroupsAreListedByStateAndType) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  JoinAlone(client, "busy");
  ASSERT_EQ(Commit(client, 1, 9, {}, "empty"), 0);
  const std::vector<std::string> both = {"busy", "empty"};
  for (int16_t version = 0; version <= 5; ++version) EXPECT_EQ(List(client, version), both) << version;
  EXPECT_EQ(List(client, 4, {"Stable"}), std::vector<std::string>{"busy"});
  EXPECT_EQ(List(client, 5, {"empty", "Dead"}), std::vector<std::string>{"empty"}) << "in whatever case";
  EXPECT_EQ(List(client, 5, {}, {"Classic"}), both);
  EXPECT_EQ(List(client, 5, {}, {"consumer"}), std::vector<std::string>{});
  EXPECT_EQ(List(client, 3, {"Dead"}, {"consumer"}), both) << "version 3 has no filters";
}

TEST_F(GroupAdaptersTest, OnlyGroupsWithoutMembersAreDeleted) {
  Start();
  CreateTopic("t");
  KafkaClient client(port());
  JoinAlone(client, "busy");
  for (int16_t version = 0; version <= 2; ++version) {
    ASSERT_EQ(Commit(client, 1, 9, {}, "empty"), 0);
    wire::DeleteGroupsRequest request;
    request.groups_names = {"busy", "no-such", "empty"};
    const auto response = client.Ask<wire::DeleteGroupsResponse>(request, version);
    ASSERT_EQ(response.results.size(), 3u);
    EXPECT_EQ(response.results[0].group_id, "busy");
    EXPECT_EQ(response.results[0].error_code, Code(ErrorCode::kNonEmptyGroup));
    EXPECT_EQ(response.results[1].error_code, Code(ErrorCode::kGroupIdNotFound));
    EXPECT_EQ(response.results[2].error_code, 0);
  }
  EXPECT_EQ(List(client, 5), std::vector<std::string>{"busy"});
}

TEST_F(GroupAdaptersTest, OffsetsOfTopicsThatNobodyReadsAreDeleted) {
  Start();
  CreateTopic("t");
  CreateTopic("u");
  KafkaClient client(port());
  const Joined member = JoinAlone(client, "g");
  ASSERT_EQ(Commit(client, 1, 9, member, "g", "t"), 0);
  ASSERT_EQ(Commit(client, 1, 9, member, "g", "u"), 0);
  wire::OffsetDeleteRequest request;
  request.group_id = "g";
  for (const std::string_view name : {"t", "u"}) {
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.partitions.emplace_back();
  }
  const auto deleted = client.Ask<wire::OffsetDeleteResponse>(request, 0);
  EXPECT_EQ(deleted.error_code, 0);
  EXPECT_EQ(deleted.topics.at(0).partitions.at(0).error_code, Code(ErrorCode::kGroupSubscribedToTopic));
  EXPECT_EQ(deleted.topics.at(1).partitions.at(0).error_code, 0);
  OffsetFetchRequest left = FetchOffsetOf({"g"});
  left.groups[0].topics = std::nullopt;
  const auto kept = client.Ask<OffsetFetchResponse>(left, 9);
  ASSERT_EQ(kept.groups.at(0).topics.size(), 1u);
  EXPECT_EQ(kept.groups[0].topics[0].name, "t");
  request.group_id = "no-such";
  const auto unknown = client.Ask<wire::OffsetDeleteResponse>(request, 0);
  EXPECT_EQ(unknown.error_code, Code(ErrorCode::kGroupIdNotFound));
  EXPECT_TRUE(unknown.topics.empty());
}

TEST_F(GroupAdaptersTest, AnUnknownKindOfCoordinatorIsRefusedKeyByKey) {
  Start();
  KafkaClient client(port());
  wire::FindCoordinatorRequest request;
  request.key = "k";
  request.coordinator_keys = {"a", "b"};
  for (int16_t version = 0; version <= 6; ++version) {
    SCOPED_TRACE(version);
    for (const int8_t type : {0, 1, 3}) {
      request.key_type = type;
      const auto response = client.Ask<wire::FindCoordinatorResponse>(request, version);
      const bool known = type < 2 || version == 0;  // version 0 asks for groups only
      const int16_t code = known ? 0 : Code(ErrorCode::kInvalidRequest);
      if (version < 4) {
        EXPECT_EQ(response.error_code, code);
        EXPECT_EQ(response.node_id, known ? 1 : -1);
        EXPECT_EQ(response.error_message.value_or("").empty(), known || version == 0);
        continue;
      }
      ASSERT_EQ(response.coordinators.size(), 2u);
      for (const auto& coordinator : response.coordinators) {
        EXPECT_EQ(coordinator.error_code, code);
        EXPECT_EQ(coordinator.port, known ? port() : -1);
        EXPECT_EQ(coordinator.error_message.value_or("").empty(), known);
      }
    }
  }
}

TEST_F(GroupAdaptersTest, AJoinThatWaitsIsAnsweredWhenTheListenerStops) {
  Start();
  KafkaClient first(port()), second(port());
  JoinAlone(first, "g", 3);
  second.Send(KafkaClient::Frame(JoinOf("g", ""), 3, 1));  // waits for the first one to join again
  while (Describe(first, "g", 5).group_state != "PreparingRebalance" && !HasFailure()) {
  }
  StopServer();
  EXPECT_EQ(second.ReceiveAs<JoinGroupResponse>(3, 1).error_code, Code(ErrorCode::kCoordinatorNotAvailable));
}

TEST(GroupCodes, OfTheLogAreToldAsThoseThatClientsKnow) {
  EXPECT_EQ(CommitCode(ErrorCode::kKafkaStorageError), GroupCode(ErrorCode::kCoordinatorNotAvailable));
  EXPECT_EQ(CommitCode(ErrorCode::kRecordListTooLarge), GroupCode(ErrorCode::kInvalidCommitOffsetSize));
  EXPECT_EQ(CommitCode(ErrorCode::kMessageTooLarge), GroupCode(ErrorCode::kInvalidCommitOffsetSize));
  EXPECT_EQ(CommitCode(ErrorCode::kIllegalGeneration), GroupCode(ErrorCode::kIllegalGeneration));
}

}  // namespace
}  // namespace leat::kafka
