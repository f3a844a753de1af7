#include "stream/run/sink_writer.h"

#include <algorithm>
#include <set>

#include "base/murmur2.h"
#include "stream/data/key_codec.h"

namespace leat::run {

namespace {

// At most, of a batch with one record and of each of its headers: what stands around the bytes of others.
constexpr size_t kBatchOverhead = 61 + 40;
constexpr size_t kHeaderOverhead = 10;

size_t BytesOf(std::optional<std::string_view> key, std::optional<std::string_view> value,
               const std::vector<model::Header>& headers) {
  size_t bytes = (key ? key->size() : 0) + (value ? value->size() : 0) + kBatchOverhead;
  for (const model::Header& header : headers) {
    bytes += header.key.size() + (header.value ? header.value->size() : 0) + kHeaderOverhead;
  }
  return bytes;
}

}  // namespace

TopicWriter::TopicWriter(std::string topic, const TopicShape& shape, size_t batch_bytes)
    : topic_(std::move(topic)), batch_bytes_(batch_bytes), max_batch_bytes_(shape.max_batch_bytes) {
  LEAT_CHECK(shape.partitions > 0) << topic_;
  builders_.resize(static_cast<size_t>(shape.partitions));
}

size_t TopicWriter::max_record_bytes() const {
  return std::min(kMaxRecordBytes, max_batch_bytes_ - std::min(max_batch_bytes_, kBatchOverhead));
}

absl::Status TopicWriter::Add(int64_t timestamp_ms, std::optional<std::string_view> key,
                              std::optional<std::string_view> value, const std::vector<model::Header>& headers,
                              std::vector<PendingAppend>* ready) {
  const size_t partition =
      key ? static_cast<size_t>(PartitionForKey(*key, static_cast<int32_t>(builders_.size()))) : sticky_;
  std::optional<model::BatchBuilder>& builder = builders_[partition];
  if (builder && builder->uncompressed_bytes() + BytesOf(key, value, headers) > max_batch_bytes_) {
    LEAT_RETURN_IF_ERROR(Finish(partition, ready));
  }
  if (!builder) builder.emplace(model::BatchBuilder::Options{});
  builder->Add(timestamp_ms, key, value, headers);
  ++records_;
  if (builder->uncompressed_bytes() < batch_bytes_) return absl::OkStatus();
  if (!key) sticky_ = (sticky_ + 1) % builders_.size();
  return Finish(partition, ready);
}

absl::Status TopicWriter::Finish(size_t partition, std::vector<PendingAppend>* ready) {
  std::optional<model::BatchBuilder>& builder = builders_[partition];
  records_ -= static_cast<size_t>(builder->record_count());
  LEAT_ASSIGN_OR_RETURN(std::string batch, builder->Finish());
  builder.reset();
  ready->push_back({{topic_, model::PartitionId{static_cast<int32_t>(partition)}}, std::move(batch)});
  return absl::OkStatus();
}

absl::Status TopicWriter::Flush(std::vector<PendingAppend>* ready) {
  for (size_t partition = 0; partition < builders_.size(); ++partition) {
    if (builders_[partition]) LEAT_RETURN_IF_ERROR(Finish(partition, ready));
  }
  sticky_ = (sticky_ + 1) % builders_.size();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SinkWriter>> SinkWriter::Create(const plan::Node& sink, const KafkaTable& options,
                                                               const TopicShape& shape, size_t batch_bytes) {
  auto made = std::unique_ptr<SinkWriter>(  // NOLINT: private constructor
      new SinkWriter(TopicWriter(options.topics.front(), shape, batch_bytes)));
  const plan::Table& table = *sink.table;
  // The sink's input holds the persisted columns in their order; find each table column's place among them.
  std::vector<int> place(table.columns.size(), -1);
  int next = 0;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const plan::TableColumn& column = table.columns[i];
    const bool persisted = column.kind == plan::TableColumn::Kind::kPhysical ||
                           (column.kind == plan::TableColumn::Kind::kMetadata && !column.metadata_virtual);
    if (!persisted) continue;
    place[i] = next++;
    const data::Type& given = sink.inputs[0]->schema->fields[static_cast<size_t>(place[i])].type;
    if (!column.type.nullable && given.nullable) made->not_null_inputs_.push_back(place[i]);
    if (column.kind != plan::TableColumn::Kind::kMetadata) continue;
    if (column.metadata_key != "timestamp") {
      return InvalidArgument("table ", table.name, ": metadata column ", column.name, " FROM '", column.metadata_key,
                             "' can only be read: declare it VIRTUAL; only 'timestamp' can be written");
    }
    made->timestamp_input_ = place[i];
  }
  const auto pick = [&](const std::vector<int>& columns, std::vector<int>* inputs) {
    auto schema = std::make_shared<data::Schema>();
    for (const int column : columns) {
      inputs->push_back(place[static_cast<size_t>(column)]);
      schema->fields.push_back(
          {table.columns[static_cast<size_t>(column)].name, table.columns[static_cast<size_t>(column)].type});
    }
    return data::SchemaPtr(schema);
  };
  made->value_schema_ = pick(options.value_columns, &made->value_inputs_);
  LEAT_ASSIGN_OR_RETURN(made->value_encoder_,
                        format::MakeEncoder(options.value_format, options.value_options, *made->value_schema_));
  if (!options.key_format.empty()) {
    auto keys = std::make_shared<data::Schema>(*pick(options.key_columns, &made->key_inputs_));
    for (data::Field& field : keys->fields) field.name.erase(0, options.key_prefix.size());
    made->key_schema_ = std::move(keys);
    LEAT_ASSIGN_OR_RETURN(made->key_encoder_,
                          format::MakeEncoder(options.key_format, options.key_options, *made->key_schema_));
  }
  made->upsert_ = options.upsert;
  return made;
}

// The old value of an update is dropped where the new one follows in the same batch; alone it is a delete.
std::vector<SinkWriter::Fate> SinkWriter::FatesOf(const data::Batch& batch, const data::Batch& keys) const {
  std::vector<Fate> fates(batch.rows, Fate::kWrite);
  if (!upsert_ || batch.kinds.empty()) return fates;
  std::set<std::string> written;  // keys that a later row of the batch writes
  std::string key;
  for (size_t row = batch.rows; row > 0; --row) {
    key.clear();
    data::EncodeKey(keys.columns, row - 1, &key);
    switch (batch.kinds[row - 1]) {
      case data::RowKind::kInsert:
      case data::RowKind::kUpdateAfter:
        written.insert(key);
        break;
      case data::RowKind::kDelete:
        fates[row - 1] = Fate::kDelete;
        break;
      case data::RowKind::kUpdateBefore:
        fates[row - 1] = written.contains(key) ? Fate::kDrop : Fate::kDelete;
        break;
    }
  }
  return fates;
}

absl::Status SinkWriter::CheckNotNull(const data::Batch& batch, size_t row) const {
  for (const int input : not_null_inputs_) {
    if (!batch.columns[static_cast<size_t>(input)]->IsNull(row)) continue;
    return InvalidArgument(
        "column ", batch.schema->fields[static_cast<size_t>(input)].name,
        " is NOT NULL in the table that is written (as a column of its PRIMARY KEY, or by its type), "
        "and the row has NULL there; filter such rows, or give a value with COALESCE");
  }
  return absl::OkStatus();
}

absl::Status SinkWriter::Write(const data::Batch& batch, int64_t wall_ms, const FailedRowSink& fail,
                               std::vector<PendingAppend>* ready) {
  const auto view = [&](const std::vector<int>& inputs, const data::SchemaPtr& schema) {
    data::Batch part{.schema = schema, .columns = {}, .rows = batch.rows};
    for (const int input : inputs) part.columns.push_back(batch.columns[static_cast<size_t>(input)]);
    return part;
  };
  data::Batch values = view(value_inputs_, value_schema_);
  values.kinds = batch.kinds;
  const data::Batch keys = key_encoder_ ? view(key_inputs_, key_schema_) : data::Batch{};
  const data::Column* timestamps =
      timestamp_input_ < 0 ? nullptr : batch.columns[static_cast<size_t>(timestamp_input_)].get();
  std::string value;
  std::string key;
  const std::vector<Fate> fates = FatesOf(batch, keys);
  for (size_t row = 0; row < batch.rows; ++row) {
    if (fates[row] == Fate::kDrop) continue;
    const bool deletes = fates[row] == Fate::kDelete;
    value.clear();
    key.clear();
    absl::Status encoded = CheckNotNull(batch, row);
    if (encoded.ok() && !deletes) encoded = value_encoder_->Encode(values, row, &value);
    if (encoded.ok() && key_encoder_) encoded = key_encoder_->Encode(keys, row, &key);
    if (encoded.ok() && key.size() + value.size() > topic_.max_record_bytes()) {
      encoded = OutOfRange("the record would have ", key.size() + value.size(), " bytes, at most ",
                           topic_.max_record_bytes(), " can be written (max.message.bytes of the topic)");
    }
    if (!encoded.ok()) {
      fail(row, std::string(Message(encoded)));
      continue;
    }
    const std::optional<std::string_view> key_view = key_encoder_ ? std::optional<std::string_view>(key) : std::nullopt;
    int64_t timestamp_ms = wall_ms;
    if (timestamps != nullptr && !timestamps->IsNull(row)) {
      timestamp_ms = timestamps->values<int64_t>()[row] / data::kMicrosPerMilli;
    }
    LEAT_RETURN_IF_ERROR(
        topic_.Add(timestamp_ms, key_view, deletes ? std::nullopt : std::optional<std::string_view>(value), {}, ready));
  }
  return absl::OkStatus();
}

}  // namespace leat::run
