#include "broker/replica_wire.h"

#include <algorithm>
#include <utility>

#include "model/record_batch.h"
#include "wire/messages/fetch.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace leat::broker {
namespace {

using model::Offset;
using wire::FetchRequest;
using wire::FetchResponse;

constexpr int16_t kFetchVersion = FetchRequest::kMaxVersion;
// What stands in front of Kafka's message; a change of it is another number.
constexpr int8_t kEnvelope = 1;
constexpr int8_t kDamagedFlag = 1;
constexpr int8_t kRepairFlag = 2;
// What a message may allocate when it is read, beside its records.
constexpr size_t kDecodeBudget = size_t{64} << 20;

size_t CountPartitions(const FetchRequest& request) {
  size_t count = 0;
  for (const auto& topic : request.topics) count += topic.partitions.size();
  return count;
}

size_t CountPartitions(const FetchResponse& response) {
  size_t count = 0;
  for (const auto& topic : response.responses) count += topic.partitions.size();
  return count;
}

absl::Status CheckEnvelope(int8_t envelope, std::string_view message) {
  if (envelope == kEnvelope) return absl::OkStatus();
  return InvalidArgument(message, ": expected envelope ", int{kEnvelope}, ", got ", int{envelope},
                         ": the nodes of this cluster run programs that do not fit together");
}

FetchRequest::FetchPartition ToWire(const ReplicaFetchRequest::Item& item) {
  FetchRequest::FetchPartition partition;
  partition.partition = item.partition.partition.value();
  partition.current_leader_epoch = item.leader_epoch.value();
  partition.fetch_offset = item.offset.value();
  partition.last_fetched_epoch = item.last_epoch.value();
  partition.log_start_offset = item.log_start.value();
  partition.partition_max_bytes = static_cast<int32_t>(std::min<size_t>(item.max_bytes, INT32_MAX));
  partition.high_watermark = item.high_watermark.value();
  return partition;
}

ReplicaFetchRequest::Item FromWire(const model::TopicId& topic, const FetchRequest::FetchPartition& partition,
                                   int8_t flags) {
  return {.partition = {topic, model::PartitionId(partition.partition)},
          .leader_epoch = model::LeaderEpoch(partition.current_leader_epoch),
          .offset = Offset(partition.fetch_offset),
          .last_epoch = model::LeaderEpoch(partition.last_fetched_epoch),
          .log_start = Offset(partition.log_start_offset),
          .high_watermark = Offset(partition.high_watermark),
          .purpose = (flags & kRepairFlag) != 0 ? replication::FetchPurpose::kRepair
                                                : replication::FetchPurpose::kFollow,
          .health = (flags & kDamagedFlag) != 0 ? replication::Health::kDamaged : replication::Health::kWhole,
          .max_bytes = static_cast<size_t>(std::max(0, partition.partition_max_bytes))};
}

}  // namespace

std::string EncodeReplicaFetch(const ReplicaFetchRequest& request) {
  FetchRequest message;
  message.replica_state.replica_id = request.node.value();
  message.replica_state.replica_epoch = request.broker_epoch.value();
  message.max_wait_ms = static_cast<int32_t>(absl::ToInt64Milliseconds(request.max_wait));
  message.min_bytes = 1;
  message.max_bytes = static_cast<int32_t>(std::min<size_t>(request.max_bytes, INT32_MAX));
  wire::Writer out;
  out.Number(kEnvelope);
  out.Count(wire::Form::kCompact, request.items.size());
  for (const ReplicaFetchRequest::Item& item : request.items) {
    const bool damaged = item.health == replication::Health::kDamaged;
    const bool repair = item.purpose == replication::FetchPurpose::kRepair;
    out.Number(static_cast<int8_t>((damaged ? kDamagedFlag : 0) | (repair ? kRepairFlag : 0)));
    if (message.topics.empty() || message.topics.back().topic_id != item.partition.topic) {
      message.topics.emplace_back().topic_id = item.partition.topic;
    }
    message.topics.back().partitions.push_back(ToWire(item));
  }
  message.Encode(out, kFetchVersion);
  return out.TakeString();
}

absl::StatusOr<ReplicaFetchRequest> DecodeReplicaFetch(std::string_view bytes) {
  wire::Reader in(bytes, kDecodeBudget);
  int8_t envelope = 0;
  in.Number("envelope", &envelope);
  if (in.ok()) LEAT_RETURN_IF_ERROR(CheckEnvelope(envelope, "a replica's fetch"));
  std::vector<int8_t> flags;
  in.Numbers("flags", wire::Form::kCompact, &flags);
  FetchRequest message;
  LEAT_RETURN_IF_ERROR(message.Decode(in, kFetchVersion));
  if (flags.size() != CountPartitions(message)) {
    return InvalidArgument("a replica's fetch: ", flags.size(), " flags for ", CountPartitions(message), " partitions");
  }
  ReplicaFetchRequest request{
      .node = model::NodeId(message.replica_state.replica_id),
      .broker_epoch = replication::BrokerEpoch(message.replica_state.replica_epoch),
      .max_wait = absl::Milliseconds(std::max(0, message.max_wait_ms)),
      .max_bytes = static_cast<size_t>(std::max(0, message.max_bytes)),
      .items = {}};
  for (const auto& topic : message.topics) {
    for (const auto& partition : topic.partitions) {
      request.items.push_back(FromWire(topic.topic_id, partition, flags[request.items.size()]));
    }
  }
  return request;
}

std::string EncodeReplicaAnswer(std::vector<ReplicaFetchPart> parts) {
  wire::Writer out;
  out.Number(kEnvelope);
  out.Count(wire::Form::kCompact, parts.size());
  FetchResponse message;
  for (ReplicaFetchPart& part : parts) {
    const replication::FetchVerdict& verdict = part.verdict;
    out.Number(verdict.log_end.value());
    if (message.responses.empty() || message.responses.back().topic_id != part.partition.topic) {
      message.responses.emplace_back().topic_id = part.partition.topic;
    }
    FetchResponse::PartitionData& data = message.responses.back().partitions.emplace_back();
    data.partition_index = part.partition.partition.value();
    data.error_code = static_cast<int16_t>(verdict.error);
    data.high_watermark = verdict.high_watermark.value();
    data.log_start_offset = verdict.log_start.value();
    data.current_leader.leader_epoch = verdict.leader_epoch.value();
    if (verdict.diverging) {
      data.diverging_epoch.epoch = verdict.diverging->epoch.value();
      data.diverging_epoch.end_offset = verdict.diverging->end.value();
    }
    data.aborted_transactions.reset();
    data.records = std::move(part.records);
  }
  std::move(message).Encode(out, kFetchVersion);
  return out.TakeString();
}

absl::StatusOr<std::vector<ReplicaFetchPart>> DecodeReplicaAnswer(std::string_view bytes) {
  wire::Reader in(bytes, kDecodeBudget + bytes.size());
  int8_t envelope = 0;
  in.Number("envelope", &envelope);
  if (in.ok()) LEAT_RETURN_IF_ERROR(CheckEnvelope(envelope, "the answer to a replica's fetch"));
  std::vector<int64_t> log_ends;
  in.Numbers("log_ends", wire::Form::kCompact, &log_ends);
  FetchResponse message;
  LEAT_RETURN_IF_ERROR(message.Decode(in, kFetchVersion));
  if (log_ends.size() != CountPartitions(message)) {
    return InvalidArgument("the answer to a replica's fetch: ", log_ends.size(), " log ends for ",
                           CountPartitions(message), " partitions");
  }
  std::vector<ReplicaFetchPart> parts;
  for (auto& topic : message.responses) {
    for (FetchResponse::PartitionData& data : topic.partitions) {
      ReplicaFetchPart& part = parts.emplace_back();
      part.partition = {topic.topic_id, model::PartitionId(data.partition_index)};
      part.verdict = {.error = static_cast<model::ErrorCode>(data.error_code),
                      .diverging = std::nullopt,
                      .leader_epoch = model::LeaderEpoch(data.current_leader.leader_epoch),
                      .high_watermark = Offset(data.high_watermark),
                      .log_start = Offset(data.log_start_offset),
                      .log_end = Offset(log_ends[parts.size() - 1])};
      if (data.diverging_epoch.end_offset >= 0) {
        part.verdict.diverging = replication::EpochEnd{model::LeaderEpoch(data.diverging_epoch.epoch),
                                                       Offset(data.diverging_epoch.end_offset)};
      }
      part.records = std::move(data.records);
    }
  }
  return parts;
}

absl::StatusOr<std::vector<replication::FetchedBatch>> CheckFetchedBatches(std::string_view records) {
  std::vector<replication::FetchedBatch> batches;
  while (!records.empty()) {
    const absl::StatusOr<std::string_view> batch = model::TakeBatch(&records);
    if (!batch.ok()) return DataLoss("behind ", batches.size(), " batches: ", Message(batch.status()));
    LEAT_ASSIGN_OR_RETURN(const model::BatchHeader header,
                          model::ValidateBatch(*batch, model::RecordCheck::kHeaderAndCrc, 0));
    if (!batches.empty() && header.base_offset < batches.back().end) {
      return DataLoss("a batch at offset ", header.base_offset, " follows one that ends at ", batches.back().end);
    }
    batches.push_back({header.base_offset, header.next_offset(), header.leader_epoch});
  }
  return batches;
}

}  // namespace leat::broker
