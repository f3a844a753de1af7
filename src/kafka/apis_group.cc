// What is served of groups: one line an API, with its versions.
#include "kafka/apis.h"
#include "kafka/handlers.h"
#include "kafka/serve.h"
#include "wire/messages/delete_groups.h"
#include "wire/messages/describe_groups.h"
#include "wire/messages/heartbeat.h"
#include "wire/messages/join_group.h"
#include "wire/messages/leave_group.h"
#include "wire/messages/list_groups.h"
#include "wire/messages/offset_commit.h"
#include "wire/messages/offset_delete.h"
#include "wire/messages/offset_fetch.h"
#include "wire/messages/sync_group.h"

namespace leat::kafka {

std::vector<Api> GroupApis() {
  return {
      Serve<&HandleOffsetCommit>(2, 10),  Serve<&HandleOffsetFetch>(1, 10), Serve<&HandleJoinGroup>(0, 9),
      Serve<&HandleHeartbeat>(0, 4),      Serve<&HandleLeaveGroup>(0, 5),   Serve<&HandleSyncGroup>(0, 5),
      Serve<&HandleDescribeGroups>(0, 6), Serve<&HandleListGroups>(0, 5),   Serve<&HandleDeleteGroups>(0, 2),
      Serve<&HandleOffsetDelete>(0, 0),
  };
}

}  // namespace leat::kafka
