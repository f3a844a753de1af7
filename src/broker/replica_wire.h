// The messages between a follower and its leader, as bytes: Kafka's Fetch in the newest version that we know (topics by
// id, the sender's node and broker epoch in the replica state, its high watermark with each partition), and in front of
// it what Kafka's message has no place for: which fetches come from a damaged log or are about damaged ranges, and
// where the leader's logs end. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/owned_bytes.h"
#include "base/status.h"
#include "base/time.h"
#include "meta/partition.h"
#include "replication/follower_core.h"
#include "replication/leader_core.h"

namespace leat::broker {

struct ReplicaFetchRequest {
  struct Item {
    meta::PartitionKey partition;
    model::LeaderEpoch leader_epoch;
    model::Offset offset;
    model::LeaderEpoch last_epoch{-1};
    model::Offset log_start;
    model::Offset high_watermark;
    replication::FetchPurpose purpose = replication::FetchPurpose::kFollow;
    replication::Health health = replication::Health::kWhole;
    size_t max_bytes = 0;
  };
  model::NodeId node;
  replication::BrokerEpoch broker_epoch;
  Duration max_wait;
  size_t max_bytes = 0;
  std::vector<Item> items;
};

// Of one partition; the answers come in the order of the request.
struct ReplicaFetchPart {
  meta::PartitionKey partition;
  replication::FetchVerdict verdict;
  std::string records;
};

std::string EncodeReplicaFetch(const ReplicaFetchRequest& request);
// kInvalidArgument, kResourceExhausted: from another program, or damaged.
absl::StatusOr<ReplicaFetchRequest> DecodeReplicaFetch(std::string_view bytes);

std::string EncodeReplicaAnswer(std::vector<ReplicaFetchPart> parts);
absl::StatusOr<std::vector<ReplicaFetchPart>> DecodeReplicaAnswer(std::string_view bytes);

// Looks at every batch of `records`: lengths, CRC, offsets that rise. kDataLoss says what is wrong.
absl::StatusOr<std::vector<replication::FetchedBatch>> CheckFetchedBatches(std::string_view records);

}  // namespace leat::broker
