#include "broker/job_messages.h"

#include <type_traits>

namespace leat::broker {

template <typename Fields>
void Visit(Fields& fields, AskEnds& it) {
  fields(it.partitions);
}
template <typename Fields>
void Visit(Fields& fields, AskOffsetForTime& it) {
  fields(it.partition, it.timestamp_ms);
}
template <typename Fields>
void Visit(Fields& fields, AskFetch& it) {
  fields(it.fetch);
}
template <typename Fields>
void Visit(Fields& fields, AskAppend& it) {
  fields(it.append);
}
template <typename Fields>
void Visit(Fields& fields, AskOpenProducer& it) {
  fields(it.transactional_id, it.timeout);
}
template <typename Fields>
void Visit(Fields& fields, AskAddToTransaction& it) {
  fields(it.transactional_id, it.producer, it.partitions);
}
template <typename Fields>
void Visit(Fields& fields, AskEndTransaction& it) {
  fields(it.transactional_id, it.producer);
  fields.Choice(it.end, model::TransactionEnd::kCommit);
}
template <typename Fields>
void Visit(Fields& fields, AskCommit& it) {
  fields(it.group, it.offsets);
}
template <typename Fields>
void Visit(Fields& fields, AskCommitted& it) {
  fields(it.group, it.partitions);
}
template <typename Fields>
void Visit(Fields& fields, AskForget& it) {
  fields(it.group);
}
template <typename Fields>
void Visit(Fields& fields, AskCommittedOf& it) {
  fields(it.groups);
}
template <typename Fields>
void Visit(Fields& fields, AskLag& it) {
  fields(it.items);
}
template <typename Fields>
void Visit(Fields& fields, AskSettle& it) {
  fields(it.name);
  fields.Choice(it.desired, meta::DesiredState::kStopped);
  fields.Choice(it.wish, AskSettle::Wish::kStartAgain);
}
template <typename Fields>
void Visit(Fields& fields, AskJobs& it) {
  fields(it.names);
}
template <typename Fields>
void Visit(Fields& fields, AskJobLogs& it) {
  fields(it.name);
}
template <typename Fields>
void Visit(Fields& fields, AskTroubled& it) {
  fields(it.groups);
}
template <typename Fields>
void Visit(Fields& fields, AskJobProgress& it) {
  fields(it.name);
}
template <typename Fields>
void Visit(Fields& fields, AskJobGroups& it) {
  fields(it.name);
}

template <typename Fields>
void Visit(Fields& fields, AskUpgrade& it) {
  fields(it.name, it.sql, it.drop_state);
}
template <typename Fields>
void Visit(Fields& fields, AskUpgraded& it) {
  fields(it.name, it.revision);
}

template <typename Fields>
void Visit(Fields& fields, AskView& it) {
  fields.Choice(it.what, AskView::What::kDescribe);
  fields(it.partition, it.begin, it.has_end, it.end, it.max_rows, it.max_bytes);
}

namespace {

// Tries the kinds from the first on.
template <size_t kIndex = 0>
absl::StatusOr<JobMessage> DecodeKind(uint8_t kind, std::string_view fields) {
  if constexpr (kIndex == std::variant_size_v<JobMessage>) {
    return absl::UnimplementedError(StrCat("a request of kind ", int{kind},
                                           ", which this program does not know: it is older than the node that asks"));
  } else {
    using Message = std::variant_alternative_t<kIndex, JobMessage>;
    if (kind != Message::kKind) return DecodeKind<kIndex + 1>(kind, fields);
    FieldReader reader(fields);
    Message message;
    reader(message);
    if (!reader.ok()) {
      return InvalidArgument("a request of kind ", int{kind}, " with ", fields.size(), " bytes cannot be read");
    }
    return JobMessage(std::move(message));
  }
}

}  // namespace

std::string EncodeJobMessage(JobMessage message) {
  return std::visit(
      [](auto& one) {
        FieldWriter writer;
        uint8_t kind = std::remove_reference_t<decltype(one)>::kKind;
        writer(kind, one);
        return writer.Take();
      },
      message);
}

absl::StatusOr<JobMessage> DecodeJobMessage(std::string_view bytes) {
  if (bytes.empty()) return InvalidArgument("expected a request, got no bytes");
  return DecodeKind(static_cast<uint8_t>(bytes[0]), bytes.substr(1));
}

namespace internal {

std::string EncodeAnswerStatus(const absl::Status& status) {
  std::string bytes;
  BytesWriter writer(&bytes);
  const std::string_view text = Message(status);
  writer.Write(static_cast<uint8_t>(status.code()));
  writer.Write(static_cast<uint32_t>(text.size()));
  writer.WriteBytes(text);
  return bytes;
}

absl::Status TakeAnswerStatus(std::string_view bytes, std::string_view* rest) {
  BytesReader reader(bytes);
  const auto code = reader.Read<uint8_t>();
  const std::string_view text = reader.ReadBytes(reader.Read<uint32_t>());
  if (!reader.ok() || code > static_cast<uint8_t>(absl::StatusCode::kUnauthenticated)) {
    return InvalidArgument("another node's answer, ", bytes.size(), " bytes, cannot be read");
  }
  *rest = reader.rest();
  return {static_cast<absl::StatusCode>(code), std::string(text)};
}

}  // namespace internal

}  // namespace leat::broker
