// What is served of records, and where they are: one line an API, with its versions.
#include "kafka/features.h"
#include "kafka/handlers.h"
#include "kafka/serve.h"
#include "wire/messages/api_versions.h"
#include "wire/messages/describe_cluster.h"
#include "wire/messages/fetch.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/list_offsets.h"
#include "wire/messages/metadata.h"
#include "wire/messages/offset_for_leader_epoch.h"
#include "wire/messages/produce.h"

namespace leat::kafka {

std::vector<Api> CoreApis() {
  return {
      // Versions 0 to 2 of Produce are refused in words: librdkafka takes their absence for a broker without
      // compression.
      Serve<&HandleProduce>(0, HonoursTransactionVersion2() ? 13 : 11),
      Serve<&HandleFetch>(4, 18),
      Serve<&HandleListOffsets>(1, 11),
      Serve<&HandleMetadata>(0, 13),
      Serve<&HandleFindCoordinator>(0, 6),
      Serve<&HandleApiVersions>(0, 4),
      Serve<&HandleOffsetForLeaderEpoch>(2, 4),
      Serve<&HandleDescribeCluster>(0, 2),
  };
}

}  // namespace leat::kafka
