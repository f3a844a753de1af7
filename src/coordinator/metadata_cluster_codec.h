// The part of the metadata codec that knows brokers, voters and the states of partitions: the records since feature
// level
// 2. Private to the codec.
#pragma once

#include "base/status.h"
#include "leat/internal/metadata.pb.h"
#include "meta/records.h"

namespace leat::coordinator {

void EncodeInto(const meta::Partition& partition, internal::PartitionState* out);
meta::Partition DecodePartition(const internal::PartitionState& in);
std::vector<meta::Partition> DecodePartitions(const google::protobuf::RepeatedPtrField<internal::PartitionState>& in);

void EncodeInto(const meta::BrokerRegistered& record, internal::BrokerRegistered* out);
meta::BrokerRegistered Decode(const internal::BrokerRegistered& in);

void EncodeInto(const meta::BrokerConfigsChanged& record, internal::BrokerConfigsChanged* out);
meta::BrokerConfigsChanged Decode(const internal::BrokerConfigsChanged& in);

// Without the topic's id.
void EncodeInto(const meta::PartitionChanged& record, internal::PartitionChanged* out);
// kUnimplemented: a kind of election that this program does not know.
absl::StatusOr<meta::PartitionChanged> Decode(const internal::PartitionChanged& in);

void EncodeInto(const meta::VotersChanged& record, internal::VotersChanged* out);
meta::VotersChanged Decode(const internal::VotersChanged& in);

}  // namespace leat::coordinator
