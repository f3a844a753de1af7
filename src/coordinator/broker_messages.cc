#include "coordinator/broker_messages.h"

#include "leat/internal/broker.pb.h"

namespace leat::coordinator {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 20;

struct Encoder {
  internal::BrokerRequest& out;

  void operator()(const MarkerMessage& message) {
    auto* to = out.mutable_write_marker();
    to->set_topic(message.partition.topic);
    to->set_partition(message.partition.partition.value());
    to->set_producer_id(message.marker.producer_id.value());
    to->set_producer_epoch(message.marker.producer_epoch);
    to->set_coordinator_epoch(message.marker.marker.coordinator_epoch);
    to->set_commit(message.marker.marker.end == model::TransactionEnd::kCommit);
    to->set_newer_epoch(message.marker.expects == log::ProducerState::Marker::Epoch::kNewer);
  }
  void operator()(const CheckMessage& message) {
    auto* to = out.mutable_check_transaction();
    to->set_transactional_id(message.producer.transactional_id);
    to->set_producer_id(message.producer.producer_id.value());
    to->set_producer_epoch(message.producer.producer_epoch);
    to->set_topic(message.partition.topic);
    to->set_partition(message.partition.partition.value());
    to->set_epoch_rises(txn::EpochRises(message.version));
  }
  void operator()(const VoterMessage& message) {
    auto* to = out.mutable_change_voter();
    to->set_node(message.node.value());
    to->set_directory_high(message.directory.high);
    to->set_directory_low(message.directory.low);
    to->set_remove(message.change == VoterMessage::Change::kRemove);
  }
};

// The fields that both kinds have.
template <typename Message>
absl::Status Check(const Message& in) {
  if (in.producer_epoch() < -1 || in.producer_epoch() > INT16_MAX) {
    return InvalidArgument("broker request: expected a producer epoch of -1 to 32767, got ", in.producer_epoch());
  }
  if (in.partition() < 0) return InvalidArgument("broker request: expected a partition, got ", in.partition());
  return absl::OkStatus();
}

template <typename Message>
model::TopicPartition PartitionIn(const Message& in) {
  return {in.topic(), model::PartitionId(in.partition())};
}

absl::StatusOr<BrokerMessage> DecodeMarker(const internal::WriteMarkerRequest& in) {
  LEAT_RETURN_IF_ERROR(Check(in));
  using Epoch = log::ProducerState::Marker::Epoch;
  MarkerMessage message{.partition = PartitionIn(in), .marker = {}};
  message.marker.producer_id = model::ProducerId(in.producer_id());
  message.marker.producer_epoch = static_cast<int16_t>(in.producer_epoch());
  message.marker.marker = {in.commit() ? model::TransactionEnd::kCommit : model::TransactionEnd::kAbort,
                           in.coordinator_epoch()};
  message.marker.expects = in.newer_epoch() ? Epoch::kNewer : Epoch::kSameOrNewer;
  return message;
}

absl::StatusOr<BrokerMessage> DecodeCheck(const internal::CheckTransactionRequest& in) {
  LEAT_RETURN_IF_ERROR(Check(in));
  return CheckMessage{.producer = {in.transactional_id(), model::ProducerId(in.producer_id()),
                                   static_cast<int16_t>(in.producer_epoch())},
                      .partition = PartitionIn(in),
                      .version = in.epoch_rises() ? txn::Version::kEpochPerTransaction : txn::Version::kClassic};
}

absl::StatusOr<BrokerMessage> DecodeVoter(const internal::ChangeVoterRequest& in) {
  if (in.node() < 0) return InvalidArgument("broker request: expected a node, got ", in.node());
  return VoterMessage{.change = in.remove() ? VoterMessage::Change::kRemove : VoterMessage::Change::kAdd,
                      .node = model::NodeId(in.node()),
                      .directory = {in.directory_high(), in.directory_low()}};
}

}  // namespace

std::string EncodeBrokerMessage(const BrokerMessage& message) {
  internal::BrokerRequest out;
  std::visit(Encoder{out}, message);
  return out.SerializeAsString();
}

std::string EncodeBrokerAnswer(const BrokerAnswer& answer) {
  internal::BrokerReply out;
  out.set_code(static_cast<int32_t>(answer.code));
  out.set_message(answer.message);
  return out.SerializeAsString();
}

absl::StatusOr<BrokerMessage> DecodeBrokerMessage(std::string_view bytes) {
  internal::BrokerRequest in;
  if (bytes.size() > kMaxBytes || !in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return InvalidArgument("expected a broker's request of at most ", kMaxBytes, " bytes, got ", bytes.size(),
                           " bytes that are none");
  }
  switch (in.kind_case()) {
    case internal::BrokerRequest::kWriteMarker:
      return DecodeMarker(in.write_marker());
    case internal::BrokerRequest::kCheckTransaction:
      return DecodeCheck(in.check_transaction());
    case internal::BrokerRequest::kChangeVoter:
      return DecodeVoter(in.change_voter());
    case internal::BrokerRequest::KIND_NOT_SET:
      break;
  }
  return absl::UnimplementedError("a broker's request of a kind that this program does not know");
}

absl::StatusOr<BrokerAnswer> DecodeBrokerAnswer(std::string_view bytes) {
  internal::BrokerReply in;
  if (bytes.size() > kMaxBytes || !in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return InvalidArgument("expected a broker's answer, got ", bytes.size(), " bytes that are none");
  }
  if (in.code() < INT16_MIN || in.code() > INT16_MAX) {
    return InvalidArgument("broker answer: expected an error code of 16 bits, got ", in.code());
  }
  return BrokerAnswer{static_cast<model::ErrorCode>(in.code()), in.message()};
}

}  // namespace leat::coordinator
