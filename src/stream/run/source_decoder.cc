#include "stream/run/source_decoder.h"

#include <algorithm>
#include <set>

namespace leat::run {
namespace {

using plan::TableColumn;

void CollectInputs(const plan::Expression& expression, std::set<int>* inputs) {
  if (expression.kind == plan::Expression::Kind::kInput) inputs->insert(expression.input);
  for (const plan::ExpressionPtr& argument : expression.arguments) CollectInputs(*argument, inputs);
}

// The table columns that must be there to compute `wanted`; computed columns may use each other.
std::set<int> Closure(const plan::Table& table, std::set<int> wanted) {
  std::vector<int> todo(wanted.begin(), wanted.end());
  while (!todo.empty()) {
    const TableColumn& column = table.columns[static_cast<size_t>(todo.back())];
    todo.pop_back();
    if (column.kind != TableColumn::Kind::kComputed) continue;
    std::set<int> inputs;
    CollectInputs(*column.computed, &inputs);
    for (const int input : inputs) {
      if (wanted.insert(input).second) todo.push_back(input);
    }
  }
  return wanted;
}

int64_t FloorMillis(int64_t micros) {
  const int64_t millis = micros / data::kMicrosPerMilli;
  return micros % data::kMicrosPerMilli < 0 ? millis - 1 : millis;
}

// Computed columns in an order in which each one's inputs come first.
void OrderComputed(const plan::Table& table, const std::set<int>& needed, int column, std::set<int>* done,
                   std::vector<int>* order) {
  if (table.columns[static_cast<size_t>(column)].kind != TableColumn::Kind::kComputed || !done->insert(column).second) {
    return;
  }
  std::set<int> inputs;
  CollectInputs(*table.columns[static_cast<size_t>(column)].computed, &inputs);
  for (const int input : inputs) OrderComputed(table, needed, input, done, order);
  order->push_back(column);
}

}  // namespace

// The work on one run of records: columns by table index, and which record each row came from.
struct SourceDecoder::Rows {
  std::vector<data::ColumnPtr> columns;
  std::vector<uint32_t> record;      // per row
  std::vector<data::RowKind> kinds;  // per row; empty: all +I
  std::vector<exec::RowError> errors;
  std::vector<format::DecodeError> decode_errors;

  bool IsDelete(size_t row) const { return !kinds.empty() && kinds[row] == data::RowKind::kDelete; }
};

// With ALL, the columns of the key are in the value as well: the key is decoded only for what the value lacks, and
// where there is no value.
absl::Status SourceDecoder::MakeDecoders(const std::set<int>& needed) {
  const auto make = [&](const std::vector<int>& columns, const auto& wants, std::vector<int>* wanted,
                        std::string_view format, const format::FormatOptions& options) {
    data::Schema fields;
    std::vector<int> positions;
    for (size_t i = 0; i < columns.size(); ++i) {
      fields.fields.push_back(table_schema_->fields[static_cast<size_t>(columns[i])]);
      if (&columns == &options_.key_columns) fields.fields.back().name.erase(0, options_.key_prefix.size());
      if (!needed.contains(columns[i]) || !wants(columns[i])) continue;
      wanted->push_back(columns[i]);
      positions.push_back(static_cast<int>(i));
    }
    return format::MakeDecoder(format, options, fields, positions);
  };
  const std::vector<int>& in_value = options_.value_columns;
  LEAT_ASSIGN_OR_RETURN(value_decoder_, make(
                                            in_value, [](int) { return true; }, &value_wanted_, options_.value_format,
                                            options_.value_options));
  if (options_.key_format.empty()) return absl::OkStatus();
  const auto only_in_key = [&](int column) {
    return options_.upsert || std::find(in_value.begin(), in_value.end(), column) == in_value.end();
  };
  LEAT_ASSIGN_OR_RETURN(
      key_decoder_, make(options_.key_columns, only_in_key, &key_wanted_, options_.key_format, options_.key_options));
  if (key_wanted_.empty()) key_decoder_.reset();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SourceDecoder>> SourceDecoder::Create(const plan::Node& source,
                                                                     const KafkaTable& options) {
  auto made = std::unique_ptr<SourceDecoder>(new SourceDecoder());  // NOLINT: private constructor
  const plan::Table& table = *source.table;
  made->table_ = source.table;
  made->options_ = options;
  made->output_columns_ = source.source_columns;
  made->output_schema_ = source.schema;
  auto schema = std::make_shared<data::Schema>();
  for (const TableColumn& column : table.columns) schema->fields.push_back({column.name, column.type});
  made->table_schema_ = schema;

  std::set<int> wanted(source.source_columns.begin(), source.source_columns.end());
  if (table.watermark != nullptr) {
    wanted.insert(table.watermark_column);
    CollectInputs(*table.watermark, &wanted);
  }
  const std::set<int> needed = Closure(table, std::move(wanted));
  LEAT_RETURN_IF_ERROR(made->MakeDecoders(needed));
  std::set<int> done;
  std::vector<int> order;
  for (const int column : needed) {
    if (table.columns[static_cast<size_t>(column)].kind == TableColumn::Kind::kMetadata)
      made->metadata_.push_back(column);
    OrderComputed(table, needed, column, &done, &order);
  }
  for (const int column : order) {
    LEAT_ASSIGN_OR_RETURN(auto evaluator,
                          exec::Evaluator::Compile(table.columns[static_cast<size_t>(column)].computed));
    made->computed_.emplace_back(column, std::move(evaluator));
  }
  if (table.watermark != nullptr) {
    LEAT_ASSIGN_OR_RETURN(made->watermark_, exec::Evaluator::Compile(table.watermark));
  }
  return made;
}

void SourceDecoder::DecodeColumns(std::span<const model::RecordView> records, Rows* rows) {
  const auto decode = [&](format::Decoder& decoder, const std::vector<int>& wanted, std::vector<uint32_t>* decoded) {
    std::vector<std::shared_ptr<data::Column>> columns;
    std::vector<data::Column*> pointers;
    for (const int column : wanted) {
      columns.push_back(std::make_shared<data::Column>(table_->columns[static_cast<size_t>(column)].type));
      pointers.push_back(columns.back().get());
    }
    decoder.Decode(texts_, pointers, decoded, &rows->decode_errors);
    rows->kinds.insert(rows->kinds.end(), decoder.kinds().begin(), decoder.kinds().end());
    for (size_t i = 0; i < wanted.size(); ++i) rows->columns[static_cast<size_t>(wanted[i])] = columns[i];
  };
  texts_.clear();
  for (const model::RecordView& record : records) texts_.push_back(record.value);
  decode(*value_decoder_, value_wanted_, &rows->record);
  if (key_decoder_ == nullptr) return;
  std::vector<uint32_t> from_key;
  texts_.clear();
  for (const model::RecordView& record : records) texts_.push_back(record.key);
  if (options_.upsert) {
    Rows keys;
    keys.columns.resize(rows->columns.size());
    std::swap(keys, *rows);
    decode(*key_decoder_, key_wanted_, &rows->record);
    std::swap(keys, *rows);
    rows->decode_errors.insert(rows->decode_errors.end(), keys.decode_errors.begin(), keys.decode_errors.end());
    return MergeUpserts(records, keys, rows);
  }
  decode(*key_decoder_, key_wanted_, &from_key);
  if (from_key == rows->record) return;
  // Keep the records of which both sides decoded. A key that is missing where the value is there has no row.
  std::vector<uint32_t> both;
  std::vector<uint32_t> in_value;
  std::vector<uint32_t> in_key;
  for (size_t v = 0, k = 0; v < rows->record.size() && k < from_key.size();) {
    if (rows->record[v] == from_key[k]) {
      both.push_back(rows->record[v]);
      in_value.push_back(static_cast<uint32_t>(v++));
      in_key.push_back(static_cast<uint32_t>(k));  // a record can give two rows
    } else if (rows->record[v] < from_key[k]) {
      ++v;
    } else {
      ++k;
    }
  }
  for (const uint32_t record : rows->record) {
    if (records[record].key.has_value() || std::binary_search(both.begin(), both.end(), record)) continue;
    rows->decode_errors.push_back({record, "the record has no key, and the table reads columns from it"});
  }
  for (const int column : value_wanted_) {
    rows->columns[static_cast<size_t>(column)] = data::Gather(rows->columns[static_cast<size_t>(column)], in_value);
  }
  for (const int column : key_wanted_) {
    rows->columns[static_cast<size_t>(column)] = data::Gather(rows->columns[static_cast<size_t>(column)], in_key);
  }
  std::vector<data::RowKind> kinds;
  for (const uint32_t row : in_value) {
    if (!rows->kinds.empty()) kinds.push_back(rows->kinds[row]);
  }
  rows->kinds = std::move(kinds);
  rows->record = std::move(both);
}

// Records with a key and a value are rows, with the value's word for columns that are in both; those with a key alone
// delete the row of that key.
void SourceDecoder::MergeUpserts(std::span<const model::RecordView> records, const Rows& keys, Rows* rows) const {
  std::vector<uint32_t> in_value;  // per row of the result; kAbsent: a delete
  std::vector<uint32_t> in_key;
  std::vector<uint32_t> merged;
  constexpr uint32_t kAbsent = UINT32_MAX;
  size_t v = 0;
  for (uint32_t k = 0; k < keys.record.size(); ++k) {
    const uint32_t record = keys.record[k];
    while (v < rows->record.size() && rows->record[v] < record) ++v;
    const bool has_value = v < rows->record.size() && rows->record[v] == record;
    if (!has_value && records[record].value.has_value()) continue;  // the value could not be decoded
    merged.push_back(record);
    in_key.push_back(k);
    in_value.push_back(has_value ? static_cast<uint32_t>(v) : kAbsent);
    rows->kinds.push_back(has_value ? data::RowKind::kUpdateAfter : data::RowKind::kDelete);
  }
  for (uint32_t record = 0; record < records.size(); ++record) {
    if (records[record].key.has_value()) continue;
    rows->decode_errors.push_back({record, "the record has no key, and an upsert-kafka table needs one"});
  }
  const bool has_deletes = std::ranges::find(in_value, kAbsent) != in_value.end();
  for (size_t i = 0; i < rows->columns.size(); ++i) {
    const data::ColumnPtr value = rows->columns[i];
    const data::ColumnPtr key = keys.columns[i];
    if (value == nullptr && key == nullptr) continue;
    if (value == nullptr) {
      rows->columns[i] = data::Gather(key, in_key);
      continue;
    }
    if (!has_deletes) {
      rows->columns[i] = data::Gather(value, in_value);
      continue;
    }
    auto column = std::make_shared<data::Column>(value->type());
    for (size_t row = 0; row < merged.size(); ++row) {
      if (in_value[row] != kAbsent) {
        column->AppendFrom(*value, in_value[row]);
      } else if (key != nullptr) {
        column->AppendFrom(*key, in_key[row]);
      } else {
        column->AppendNull();
      }
    }
    rows->columns[i] = column;
  }
  rows->record = std::move(merged);
}

void SourceDecoder::AddMetadata(const data::SourcePartition& partition, std::span<const model::RecordView> records,
                                Rows* rows) const {
  for (const int index : metadata_) {
    const TableColumn& column = table_->columns[static_cast<size_t>(index)];
    auto made = std::make_shared<data::Column>(column.type);
    const auto add_number = [&](int64_t number) {
      if (column.type.storage() == data::Storage::kInt32)
        made->Append(static_cast<int32_t>(number));
      else
        made->Append(number);
    };
    for (const uint32_t record : rows->record) {
      if (column.metadata_key == "topic")
        made->AppendText(partition.topic);
      else if (column.metadata_key == "partition")
        add_number(partition.partition);
      else if (column.metadata_key == "offset")
        add_number(records[record].offset.value());
      else if (column.metadata_key == "leader-epoch")
        made->AppendNull();  // not part of a record's view
      else if (column.metadata_key == "timestamp-type")
        made->AppendText("CreateTime");
      else
        add_number(records[record].timestamp_ms * data::kMicrosPerMilli);  // timestamp
    }
    rows->columns[static_cast<size_t>(index)] = std::move(made);
  }
}

void SourceDecoder::AddComputed(const exec::Context& context, Rows* rows) const {
  data::Batch table_batch{.schema = table_schema_, .columns = rows->columns, .rows = rows->record.size()};
  for (const auto& [column, evaluator] : computed_) {
    table_batch.columns[static_cast<size_t>(column)] = evaluator->Evaluate(table_batch, context, &rows->errors);
  }
  if (table_->watermark != nullptr) {
    const data::ColumnPtr& rowtime = table_batch.columns[static_cast<size_t>(table_->watermark_column)];
    for (size_t row = 0; row < rows->record.size() && rowtime->has_nulls(); ++row) {
      if (!rowtime->IsNull(row) || rows->IsDelete(row)) continue;
      rows->errors.push_back(
          {static_cast<uint32_t>(row),
           StrCat("the event time column ", table_->columns[static_cast<size_t>(table_->watermark_column)].name,
                  " is NULL; every row needs an event time")});
    }
  }
  rows->columns = std::move(table_batch.columns);
}

// Removes the rows that have an error.
void SourceDecoder::Drop(Rows* rows) {
  std::set<uint32_t> failed;
  for (const exec::RowError& error : rows->errors) failed.insert(error.row);
  std::vector<uint32_t> keep;
  std::vector<uint32_t> records;
  std::vector<data::RowKind> kinds;
  for (uint32_t row = 0; row < rows->record.size(); ++row) {
    if (failed.contains(row)) continue;
    keep.push_back(row);
    records.push_back(rows->record[row]);
    if (!rows->kinds.empty()) kinds.push_back(rows->kinds[row]);
  }
  rows->kinds = std::move(kinds);
  for (data::ColumnPtr& column : rows->columns) {
    if (column != nullptr) column = data::Gather(column, keep);
  }
  rows->record = std::move(records);
}

namespace {

DeadRecord LetterOf(const data::SourcePartition& source, const model::RecordView& record, const std::string& reason,
                    std::string step) {
  DeadRecord letter{.reason = reason,
                    .step = std::move(step),
                    .topic = source.topic,
                    .partition = source.partition,
                    .offset = record.offset.value(),
                    .attempt = AttemptOf(record)};
  if (record.key) letter.key = std::string(*record.key);
  if (record.value) letter.value = std::string(*record.value);
  for (const model::Header& header : record.headers) {
    if (header.key.starts_with("leat.")) continue;
    letter.headers.emplace_back(header.key, header.value ? std::optional<std::string>(*header.value) : std::nullopt);
  }
  return letter;
}

}  // namespace

absl::StatusOr<SourceDecoder::Decoded> SourceDecoder::Decode(
    const std::shared_ptr<const data::SourcePartition>& partition, std::span<const model::RecordView> records,
    const exec::Context& context, const DeadRecordSink& dead) {
  Rows rows;
  rows.columns.resize(table_->columns.size());
  DecodeColumns(records, &rows);
  AddMetadata(*partition, records, &rows);
  AddComputed(context, &rows);
  const auto bury = [&](uint32_t record, const std::string& reason, std::string step) {
    dead(LetterOf(*partition, records[record], reason, std::move(step)));
  };
  for (const format::DecodeError& error : rows.decode_errors)
    bury(error.record, error.reason, "decode " + table_->name);
  if (!rows.errors.empty()) {
    std::set<uint32_t> said;
    for (const exec::RowError& error : rows.errors) {
      if (said.insert(error.row).second) bury(rows.record[error.row], error.reason, "columns of " + table_->name);
    }
    Drop(&rows);
  }
  Decoded decoded;
  if (watermark_ != nullptr && !rows.record.empty()) {
    const data::Batch table_batch{.schema = table_schema_, .columns = rows.columns, .rows = rows.record.size()};
    std::vector<exec::RowError> ignored;  // a failing watermark expression is a smaller watermark, not a failing row
    const data::ColumnPtr marks = watermark_->Evaluate(table_batch, context, &ignored);
    decoded.watermarks_ms.assign(rows.record.size(), exec::kMinWatermark);
    const std::span<const int64_t> values = marks->values<int64_t>();
    for (size_t row = 0; row < rows.record.size(); ++row) {
      if (!marks->IsNull(row)) decoded.watermarks_ms[row] = FloorMillis(values[row]);
    }
    for (const exec::RowError& error : ignored) decoded.watermarks_ms[error.row] = exec::kMinWatermark;
  }
  decoded.batch.schema = output_schema_;
  decoded.batch.rows = rows.record.size();
  for (const int column : output_columns_) decoded.batch.columns.push_back(rows.columns[static_cast<size_t>(column)]);
  decoded.batch.kinds = std::move(rows.kinds);
  decoded.batch.source = partition;
  for (const uint32_t record : rows.record) decoded.batch.offsets.push_back(records[record].offset.value());
  return decoded;
}

}  // namespace leat::run
