// Groups through the admin API: what is there, what they committed, and how they go away.
#include <memory>

#include "admin.h"
#include "client.h"
#include "group.h"
#include "tests.h"

namespace clients {
namespace {

using DeleteGroup = std::unique_ptr<rd_kafka_DeleteGroup_t, Destroy<rd_kafka_DeleteGroup_destroy>>;
using ListOffsetsOf =
    std::unique_ptr<rd_kafka_ListConsumerGroupOffsets_t, Destroy<rd_kafka_ListConsumerGroupOffsets_destroy>>;
using AlterOffsetsOf =
    std::unique_ptr<rd_kafka_AlterConsumerGroupOffsets_t, Destroy<rd_kafka_AlterConsumerGroupOffsets_destroy>>;
using DeleteOffsetsOf =
    std::unique_ptr<rd_kafka_DeleteConsumerGroupOffsets_t, Destroy<rd_kafka_DeleteConsumerGroupOffsets_destroy>>;

struct GroupState {
  rd_kafka_consumer_group_state_t state;
  size_t members;
  std::string assignor;
};

GroupState Describe(const std::string& group) {
  const Event event = Ask([&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
    const char* name = group.c_str();
    rd_kafka_DescribeConsumerGroups(handle, &name, 1, nullptr, queue);
  });
  size_t count = 0;
  const auto* groups =
      rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
  Expect(count == 1 && rd_kafka_ConsumerGroupDescription_error(groups[0]) == nullptr, "a description of the group");
  return {rd_kafka_ConsumerGroupDescription_state(groups[0]), rd_kafka_ConsumerGroupDescription_member_count(groups[0]),
          rd_kafka_ConsumerGroupDescription_partition_assignor(groups[0])};
}

bool Listed(const std::string& group) {
  const Event event =
      Ask([](rd_kafka_t* handle, rd_kafka_queue_t* queue) { rd_kafka_ListConsumerGroups(handle, nullptr, queue); });
  size_t count = 0;
  const auto* groups =
      rd_kafka_ListConsumerGroups_result_valid(rd_kafka_event_ListConsumerGroups_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    if (group == rd_kafka_ConsumerGroupListing_group_id(groups[i])) return true;
  }
  return false;
}

rd_kafka_resp_err_t Delete(const std::string& group) {
  const DeleteGroup wanted(rd_kafka_DeleteGroup_new(group.c_str()));
  const Event event = Ask([&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
    rd_kafka_DeleteGroup_t* list = wanted.get();
    rd_kafka_DeleteGroups(handle, &list, 1, nullptr, queue);
  });
  size_t count = 0;
  const auto* results = rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event.get()), &count);
  return rd_kafka_error_code(rd_kafka_group_result_error(results[0]));
}

void DescribeListDelete() {
  const std::string topic = Name("groups");
  const std::string group = Name("described");
  CreateTopic(topic, 2);
  Produce(topic, Numbered(10));
  {
    Member member("only", topic, {{"group.id", group}});
    member.PollUntil([&] { return member.values().size() == 10; });
    member.Commit();
    const GroupState state = Describe(group);
    Expect(state.state == RD_KAFKA_CONSUMER_GROUP_STATE_STABLE && state.members == 1, "a stable group with one member");
    Expect(state.assignor == "range", "the range assignor, got " + state.assignor);
    Expect(Listed(group), "the group to be listed");
    ExpectCode(RD_KAFKA_RESP_ERR_NON_EMPTY_GROUP, Delete(group), "delete a group with members");
  }
  Expect(Describe(group).state == RD_KAFKA_CONSUMER_GROUP_STATE_EMPTY, "an empty group after its member left");
  ExpectCode(RD_KAFKA_RESP_ERR_NO_ERROR, Delete(group), "delete the group");
  Expect(!Listed(group), "the group to be gone");
  ExpectCode(RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND, Delete(group), "delete it again");
}

int64_t Committed(const std::string& group, const std::string& topic) {
  const Partitions list = MakePartitions(topic, 1, 0);
  const ListOffsetsOf wanted(rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), list.get()));
  const Event event = Ask([&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
    rd_kafka_ListConsumerGroupOffsets_t* one = wanted.get();
    rd_kafka_ListConsumerGroupOffsets(handle, &one, 1, nullptr, queue);
  });
  size_t count = 0;
  const auto* groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
  return rd_kafka_group_result_partitions(groups[0])->elems[0].offset;
}

void GroupOffsets() {
  const std::string topic = Name("group-offsets");
  const std::string group = Name("group-offsets");
  CreateTopic(topic, 1);
  Produce(topic, Numbered(10));
  const Partitions list = MakePartitions(topic, 1, 7);
  const AlterOffsetsOf wanted(rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), list.get()));
  Ask([&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
    rd_kafka_AlterConsumerGroupOffsets_t* one = wanted.get();
    rd_kafka_AlterConsumerGroupOffsets(handle, &one, 1, nullptr, queue);
  });
  Expect(Committed(group, topic) == 7, "an offset of 7 after it was set");
  const DeleteOffsetsOf gone(rd_kafka_DeleteConsumerGroupOffsets_new(group.c_str(), list.get()));
  Ask([&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
    rd_kafka_DeleteConsumerGroupOffsets_t* one = gone.get();
    rd_kafka_DeleteConsumerGroupOffsets(handle, &one, 1, nullptr, queue);
  });
  Expect(Committed(group, topic) == RD_KAFKA_OFFSET_INVALID, "no offset after it was deleted");
}

}  // namespace

std::vector<Test> AdminGroupTests() {
  return {{"admin_describe_list_delete_groups", DescribeListDelete}, {"admin_group_offsets", GroupOffsets}};
}

}  // namespace clients
