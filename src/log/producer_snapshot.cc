#include "base/bytes.h"
#include "base/crc32c.h"
#include "log/producer_state.h"

namespace leat::log {
namespace {
constexpr int16_t kVersion = 1;
constexpr size_t kCrcAt = 2;
constexpr size_t kCrcCoversFrom = 6;
constexpr size_t kEntryBytes = 46;
constexpr std::string_view kOlderBatches = "LEAT";

absl::Status Damaged(std::string_view what) { return DataLoss("producer snapshot: ", what); }
}  // namespace

// In the order of silence, so that the order survives.
std::string ProducerState::EncodeSnapshot() const {
  std::string bytes;
  BytesWriter out(&bytes);
  out.Write(kVersion);
  out.Write(uint32_t{0});
  out.Write(static_cast<int32_t>(producers_.size()));
  for (const model::ProducerId id : order_) {
    const Producer& producer = producers_.at(id);
    const Batch last = producer.batches.empty() ? Batch{} : producer.batches.back();
    out.Write(id.value());
    out.Write(producer.epoch);
    out.Write(last.last_sequence);
    out.Write(last.last_offset.value());
    out.Write(last.offset_delta);
    out.Write(producer.last_timestamp_ms);
    out.Write(producer.coordinator_epoch);
    out.Write(producer.open_since.value());
  }
  out.WriteBytes(kOlderBatches);
  for (const model::ProducerId id : order_) {
    const auto& batches = producers_.at(id).batches;
    const size_t older = batches.empty() ? 0 : batches.size() - 1;
    out.Write(static_cast<int8_t>(older));
    for (size_t i = 0; i < older; ++i) {
      out.Write(batches[i].last_sequence);
      out.Write(batches[i].last_offset.value());
      out.Write(batches[i].offset_delta);
      out.Write(batches[i].timestamp_ms);
    }
  }
  StoreBigEndian(bytes.data() + kCrcAt, Crc32c(std::string_view(bytes).substr(kCrcCoversFrom)));
  return bytes;
}

absl::StatusOr<ProducerState> ProducerState::DecodeSnapshot(std::string_view bytes, model::Offset end) {
  BytesReader in(bytes);
  const auto version = in.Read<int16_t>();
  const auto crc = in.Read<uint32_t>();
  const auto count = in.Read<int32_t>();
  if (!in.ok()) return Damaged("cut off in its header");
  if (version != kVersion) return Damaged(StrCat("expected version ", kVersion, ", got ", version));
  if (crc != Crc32c(bytes.substr(kCrcCoversFrom))) return Damaged("its checksum does not match");
  if (count < 0 || static_cast<size_t>(count) > in.remaining() / kEntryBytes) {
    return Damaged(StrCat(count, " producers do not fit in ", in.remaining(), " bytes"));
  }
  ProducerState state(end);
  std::vector<Producer*> in_order;
  state.producers_.reserve(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) {
    const model::ProducerId id(in.Read<int64_t>());
    const auto [it, fresh] = state.producers_.try_emplace(id);
    if (!fresh) return Damaged(StrCat("producer ", id, " is there twice"));
    Producer& producer = it->second;
    producer.epoch = in.Read<int16_t>();
    Batch last;
    last.last_sequence = in.Read<int32_t>();
    last.last_offset = model::Offset(in.Read<int64_t>());
    last.offset_delta = in.Read<int32_t>();
    last.timestamp_ms = producer.last_timestamp_ms = in.Read<int64_t>();
    producer.coordinator_epoch = in.Read<int32_t>();
    producer.open_since = model::Offset(in.Read<int64_t>());
    if (last.last_offset >= end || producer.open_since >= end || last.offset_delta < 0) {
      return Damaged(StrCat("producer ", id, " has offsets that do not lie before offset ", end));
    }
    if (last.last_sequence >= 0) producer.batches.push_back(last);
    producer.order = state.order_.insert(state.order_.end(), id);
    if (producer.open_since.value() >= 0) state.open_.insert({producer.open_since, id});
    in_order.push_back(&producer);
  }
  // Kafka writes none of this: its snapshot remembers one batch of each.
  if (in.ReadBytes(static_cast<int64_t>(kOlderBatches.size())) != kOlderBatches) return state;
  for (Producer* producer : in_order) {
    const auto older = in.Read<int8_t>();
    if (!in.ok() || older < 0 || static_cast<size_t>(older) >= kRememberedBatches ||
        (older > 0 && producer->batches.empty())) {
      return Damaged("the list of older batches is cut off");
    }
    for (int8_t i = 0; i < older; ++i) {
      Batch batch;
      batch.last_sequence = in.Read<int32_t>();
      batch.last_offset = model::Offset(in.Read<int64_t>());
      batch.offset_delta = in.Read<int32_t>();
      batch.timestamp_ms = in.Read<int64_t>();
      producer->batches.insert(producer->batches.end() - 1, batch);
    }
  }
  if (!in.ok()) return Damaged("the list of older batches is cut off");
  return state;
}

}  // namespace leat::log
