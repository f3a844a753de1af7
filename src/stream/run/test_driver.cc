// TestDriver: the same task, cursor, decoder, writer and changelog code as a running job, driven by one thread.
#include "leat/stream/test_driver.h"

#include <deque>
#include <map>

#include "base/bytes.h"
#include "sql/compile.h"
#include "stream/run/changelog.h"
#include "stream/run/datagen.h"
#include "stream/run/file_tables.h"
#include "stream/run/job_options.h"
#include "stream/run/job_runner.h"
#include "stream/run/partition_cursor.h"
#include "stream/run/sink_writer.h"
#include "stream/run/table_options.h"
#include "stream/run/task.h"
#include "stream/run/task_store.h"

namespace leat::stream {
namespace {

using run::KafkaTable;

constexpr size_t kSmallBatch = 1;  // every record is its own batch: the order of writing is the order of reading

struct Topic {
  std::vector<std::string> batches;  // one record each: the offset is the index
  size_t taken = 0;
  size_t committed = 0;  // at the last checkpoint
};

struct Message {
  int node, input, sender;
  std::optional<data::Batch> batch;
  int64_t watermark_ms = 0;
};

}  // namespace

struct TestDriver::Impl {
  // One worker and its mailbox.
  struct Worker final : run::TaskOutput {
    Worker(Impl& driver, int number) : impl(driver), index(number) {}
    void SendBatch(int worker, int node, int input, data::Batch batch) override {
      impl.workers[static_cast<size_t>(worker)]->inbox.push_back({node, input, index, std::move(batch)});
    }
    void SendWatermark(int node, int input, int64_t watermark_ms) override {
      for (const auto& other : impl.workers) {
        if (other->index != index) other->inbox.push_back({node, input, index, std::nullopt, watermark_ms});
      }
    }
    absl::Status WriteSink(int node, const data::Batch& batch) override {
      const auto sink = impl.sinks.find(node);
      if (sink == impl.sinks.end()) return absl::OkStatus();  // print, blackhole
      std::vector<run::PendingAppend> ready;
      const std::string& table = impl.graph.nodes[static_cast<size_t>(node)].plan->table->name;
      LEAT_RETURN_IF_ERROR(sink->second->Write(
          batch, impl.now_ms,
          [&](size_t row, std::string reason) {
            impl.Bury(run::FromUnwrittenRow(batch, row, std::move(reason), table));
          },
          &ready));
      LEAT_RETURN_IF_ERROR(sink->second->Flush(&ready));
      impl.Append(ready);
      return absl::OkStatus();
    }
    void Late(int node, const data::Batch& batch, std::span<const uint32_t> rows) override {
      impl.late += rows.size();
      if (impl.late_topic.empty()) return;
      const std::string step = impl.graph.nodes[static_cast<size_t>(node)].op->Name();
      run::TopicWriter writer(impl.late_topic, run::TopicShape{}, kSmallBatch);
      std::vector<run::PendingAppend> ready;
      LEAT_CHECK_OK(run::WriteLateRows(batch, rows, step, impl.options.job, impl.now_ms, writer, &ready));
      impl.Append(ready);
    }
    void Fail(int node, exec::FailedRow row) override {
      impl.Bury(run::FromFailedRow(std::move(row), impl.graph.nodes[static_cast<size_t>(node)].op->Name()));
    }
    Impl& impl;
    const int index;
    std::unique_ptr<run::TaskStore> store;
    std::unique_ptr<state::StateBackend> backend;
    std::unique_ptr<run::Task> task;
    std::deque<Message> inbox;
  };
  struct Source {
    int node;
    std::unique_ptr<run::SourceDecoder> decoder;
    std::unique_ptr<run::PartitionCursor> cursor;
    int worker;
    int64_t watermark_ms = exec::kMinWatermark;              // behind the rows pushed so far
    std::unique_ptr<run::RowGenerator> generator = nullptr;  // of a datagen table
  };

  absl::Status Open();
  absl::Status Drain();
  absl::Status Pump();
  absl::Status Read(Source& source);
  absl::Status Generate(Source& source);
  bool Generates() const;
  absl::Status Checkpoint();
  absl::Status EmitValues();
  absl::Status UpdateSourceWatermark(int node);
  void Append(const std::vector<run::PendingAppend>& ready);
  void Bury(run::DeadRecord record);
  bool Reads(const std::string& topic) const;
  void DropUncommitted();

  Options options;
  plan::JobPlan plan;
  run::Graph graph;
  std::map<int, KafkaTable> tables;
  std::string dead_letter_topic;
  std::string late_topic;
  int64_t now_ms = 0;
  uint64_t late = 0;
  uint64_t dead = 0;
  uint64_t committed_late = 0;  // at the last checkpoint
  uint64_t committed_dead = 0;
  int64_t epoch = 0;
  bool finished = false;
  absl::Status failed;            // while the clock went on
  bool values_emitted = false;    // in this life
  bool values_committed = false;  // in the checkpoint
  std::map<std::string, Topic> topics;
  std::unique_ptr<state::CommittedStore> store = state::MakeMemoryStore();
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<Source> sources;
  std::map<int, std::unique_ptr<run::SinkWriter>> sinks;
};

// Makes workers, cursors and sinks from the checkpoint.
absl::Status TestDriver::Impl::Open() {
  sources.clear();
  sinks.clear();
  workers.clear();
  values_emitted = values_committed;
  for (int i = 0; i < options.parallelism; ++i) workers.push_back(std::make_unique<Worker>(*this, i));
  for (const auto& worker : workers) {
    worker->store = std::make_unique<run::TaskStore>(*store, worker->index);
    worker->backend = state::StateBackend::Create(*worker->store, {});
    LEAT_ASSIGN_OR_RETURN(
        worker->task,
        run::Task::Open(graph, {.worker = worker->index, .workers = options.parallelism}, *worker->backend, *worker));
    worker->task->SetWallMillis(now_ms);
  }
  std::map<std::pair<int, model::TopicPartition>, run::SourcePosition> positions;
  absl::Status bad;
  LEAT_RETURN_IF_ERROR(
      store->Scan(run::PositionKeysBegin(), run::PositionKeysEnd(), [&](std::string_view key, std::string_view value) {
        auto position = run::DecodePosition(key, value);
        bad.Update(position.status());
        if (position.ok()) positions[{position->node_id, position->partition}] = *position;
        return bad.ok();
      }));
  LEAT_RETURN_IF_ERROR(bad);
  for (const auto& [node, table] : tables) {
    const plan::Node& description = *graph.nodes[static_cast<size_t>(node)].plan;
    if (description.kind == plan::NodeKind::kSink) {
      LEAT_ASSIGN_OR_RETURN(sinks[node], run::SinkWriter::Create(description, table, run::TopicShape{}, kSmallBatch));
      continue;
    }
    for (const std::string& topic : table.topics) {
      run::PartitionCursor::Options cursor{.partition = {topic, model::PartitionId{0}},
                                           .start = model::Offset{0},
                                           .watermark_on_event = table.watermark_on_event};
      if (const auto known = positions.find({description.id, cursor.partition}); known != positions.end()) {
        cursor.start = known->second.next;
        cursor.watermark_ms = known->second.watermark_ms;
      }
      LEAT_ASSIGN_OR_RETURN(auto decoder, run::SourceDecoder::Create(description, table));
      const int worker = static_cast<int>(sources.size()) % options.parallelism;
      sources.push_back(
          {node, std::move(decoder), std::make_unique<run::PartitionCursor>(cursor), worker, cursor.watermark_ms});
      if (!run::IsGenerated(table)) continue;
      LEAT_ASSIGN_OR_RETURN(sources.back().generator,
                            run::RowGenerator::Create(*description.table, cursor.start.value(), now_ms));
    }
  }
  // What the checkpoint knew is known again before the first row, as in a running job.
  for (const Source& source : sources) LEAT_RETURN_IF_ERROR(UpdateSourceWatermark(source.node));
  return Pump();
}

absl::Status TestDriver::Impl::EmitValues() {
  if (std::exchange(values_emitted, true)) return absl::OkStatus();
  for (const int source : graph.sources) {
    const plan::Node& node = *graph.nodes[static_cast<size_t>(source)].plan;
    if (node.kind != plan::NodeKind::kValues) continue;
    LEAT_RETURN_IF_ERROR(workers.front()->task->PushSource(source, run::ValuesBatch(node)));
  }
  return absl::OkStatus();
}

// Delivers what the workers have sent each other until nothing is left.
absl::Status TestDriver::Impl::Drain() {
  for (bool more = true; more;) {
    more = false;
    for (const auto& worker : workers) {
      while (!worker->inbox.empty()) {
        more = true;
        Message message = std::move(worker->inbox.front());
        worker->inbox.pop_front();
        if (message.batch) {
          LEAT_RETURN_IF_ERROR(worker->task->Receive(message.node, message.input, *std::move(message.batch)));
        } else {
          LEAT_RETURN_IF_ERROR(
              worker->task->ReceiveWatermark(message.node, message.input, message.sender, message.watermark_ms));
        }
      }
    }
  }
  return absl::OkStatus();
}

absl::Status TestDriver::Impl::UpdateSourceWatermark(int node) {
  int64_t watermark_ms = exec::kMaxWatermark;
  for (const Source& source : sources) {
    if (source.node == node) watermark_ms = std::min(watermark_ms, source.watermark_ms);
  }
  // Workers without a partition of the source hold nothing back; one that shares it says the same.
  for (const auto& worker : workers) LEAT_RETURN_IF_ERROR(worker->task->SourceWatermark(node, watermark_ms));
  return Drain();
}

// Reads everything that is in the source topics, and what is due of the tables that are made up.
absl::Status TestDriver::Impl::Pump() {
  LEAT_RETURN_IF_ERROR(EmitValues());
  for (Source& source : sources) {
    if (source.generator != nullptr) {
      LEAT_RETURN_IF_ERROR(Generate(source));
      continue;
    }
    Topic& topic = topics[source.cursor->partition().topic];
    const model::Offset end{static_cast<int64_t>(topic.batches.size())};
    std::string unread;
    for (auto i = static_cast<size_t>(source.cursor->fetch_offset().value()); i < topic.batches.size(); ++i) {
      unread += topic.batches[i];
    }
    source.cursor->Feed(std::move(unread), end);
    LEAT_RETURN_IF_ERROR(Read(source));
  }
  return Drain();
}

absl::Status TestDriver::Impl::Generate(Source& source) {
  while (!source.cursor->finished()) {
    const int64_t from = source.cursor->fetch_offset().value();
    const int64_t to = std::min(source.generator->DueEnd(now_ms), from + static_cast<int64_t>(data::kBatchRows));
    if (to <= from) break;
    LEAT_ASSIGN_OR_RETURN(std::string batch, source.generator->MakeBatch(from, to, now_ms));
    source.cursor->Feed(std::move(batch), model::Offset{to});
    LEAT_RETURN_IF_ERROR(Read(source));
  }
  return absl::OkStatus();
}

absl::Status TestDriver::Impl::Read(Source& source) {
  while (source.cursor->has_data()) {
    const exec::Context context{.wall_ms = now_ms, .watermark_ms = source.cursor->watermark_ms()};
    LEAT_ASSIGN_OR_RETURN(auto chunks,
                          source.cursor->Next(*source.decoder, data::kBatchRows, context,
                                              [this](run::DeadRecord record) { Bury(std::move(record)); }));
    for (run::SourceChunk& chunk : chunks) {
      run::Task& task = *workers[static_cast<size_t>(source.worker)]->task;
      LEAT_RETURN_IF_ERROR(task.PushSource(source.node, std::move(chunk.batch)));
      LEAT_RETURN_IF_ERROR(Drain());
      source.watermark_ms = chunk.watermark_ms;
      LEAT_RETURN_IF_ERROR(UpdateSourceWatermark(source.node));
    }
  }
  return absl::OkStatus();
}

bool TestDriver::Impl::Generates() const {
  return std::ranges::any_of(sources, [](const Source& source) { return source.generator != nullptr; });
}

absl::Status TestDriver::Impl::Checkpoint() {
  ++epoch;
  std::vector<state::Change> changes;
  for (const auto& worker : workers) {
    LEAT_RETURN_IF_ERROR(worker->task->Barrier());
    const auto take = [&](std::string_view key, std::optional<std::string_view> value) {
      changes.push_back({.key = std::string(key), .value = std::nullopt});
      if (value) changes.back().value = std::string(*value);
    };
    worker->backend->TakeChanges(epoch, run::WorkerPrefix(worker->index), take);
    worker->backend->TakeUnapplied("");  // the store gets the same from the changelog
  }
  for (const Source& source : sources) {
    changes.push_back(run::EncodePosition({.node_id = graph.nodes[static_cast<size_t>(source.node)].plan->id,
                                           .partition = source.cursor->partition(),
                                           .next = source.cursor->next_offset(),
                                           .watermark_ms = source.cursor->watermark_ms()}));
  }
  // Through the bytes of the changelog and back, as a restart would read them.
  LEAT_ASSIGN_OR_RETURN(const std::string bytes, run::EncodeEpoch(epoch, changes, now_ms, size_t{1} << 16));
  run::ChangelogReplay replay;
  LEAT_RETURN_IF_ERROR(replay.Feed(
      bytes, model::Offset{0}, [&](run::ChangelogReplay::Epoch& read) { return store->Apply(read.changes, epoch); }));
  for (const auto& worker : workers) worker->backend->OnApplied(epoch);
  values_committed = values_emitted;
  for (auto& [name, topic] : topics) topic.committed = topic.batches.size();
  committed_late = late;
  committed_dead = dead;
  return absl::OkStatus();
}

// As an aborted transaction does. What the test has inserted stays.
void TestDriver::Impl::DropUncommitted() {
  for (auto& [name, topic] : topics) {
    if (!Reads(name)) topic.batches.resize(topic.committed);
  }
  late = committed_late;
  dead = committed_dead;
}

void TestDriver::Impl::Append(const std::vector<run::PendingAppend>& ready) {
  for (const run::PendingAppend& append : ready) {
    Topic& topic = topics[append.partition.topic];
    std::string batch = append.batches;
    model::SetBaseOffset(batch.data(), model::Offset{static_cast<int64_t>(topic.batches.size())});
    topic.batches.push_back(std::move(batch));
  }
}

void TestDriver::Impl::Bury(run::DeadRecord record) {
  ++dead;
  run::TopicWriter writer(dead_letter_topic, run::TopicShape{}, kSmallBatch);
  std::vector<run::PendingAppend> ready;
  LEAT_CHECK_OK(run::WriteDeadRecord(record, options.job, now_ms, writer, &ready));
  Append(ready);
}

bool TestDriver::Impl::Reads(const std::string& topic) const {
  for (const Source& source : sources) {
    if (source.cursor->partition().topic == topic) return true;
  }
  return false;
}

TestDriver::TestDriver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TestDriver::~TestDriver() = default;

absl::StatusOr<std::unique_ptr<TestDriver>> TestDriver::Create(const std::string& sql, const Options& options) {
  if (options.parallelism < 1 || options.parallelism > data::kMaxParallelism) {
    return InvalidArgument("parallelism: expected 1 to ", data::kMaxParallelism, ", got ", options.parallelism);
  }
  LEAT_ASSIGN_OR_RETURN(sql::Compiled compiled, sql::Compile(sql, {.check_table = run::CheckTable}));
  LEAT_RETURN_IF_ERROR(run::CheckPlan(compiled.plan));
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->now_ms = options.start_ms;
  impl->plan = std::move(compiled.plan);
  LEAT_ASSIGN_OR_RETURN(const run::JobOptions job, run::ParseJobOptions(impl->plan.settings, options.job));
  impl->late_topic = job.late_topic;
  impl->dead_letter_topic = job.dead_letter_topic;
  if (options.job.empty() && !impl->plan.settings.contains("leat.dead-letter.topic")) {
    impl->dead_letter_topic = "dead-letters";
  }
  if (options.job.empty()) impl->options.job = "test";
  LEAT_ASSIGN_OR_RETURN(impl->graph, run::BuildGraph(impl->plan));
  for (size_t i = 0; i < impl->graph.nodes.size(); ++i) {
    const plan::Node& node = *impl->graph.nodes[i].plan;
    if (node.table == nullptr) continue;
    if (run::IsFileTable(*node.table)) {
      return Unimplemented("table ", node.table->name, ": the test driver has no files, only topics");
    }
    if (run::IsDatagenTable(*node.table)) {
      LEAT_ASSIGN_OR_RETURN(impl->tables[static_cast<int>(i)], run::DatagenSource(*node.table));
    } else if (run::IsKafkaTable(*node.table)) {
      LEAT_ASSIGN_OR_RETURN(run::KafkaTable table, run::ParseKafkaTable(*node.table));
      run::ApplyTo(job, node.kind == plan::NodeKind::kSink ? run::Direction::kWrite : run::Direction::kRead, &table);
      impl->tables[static_cast<int>(i)] = std::move(table);
    }
  }
  LEAT_RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<TestDriver>(new TestDriver(std::move(impl)));  // NOLINT: private constructor
}

absl::Status TestDriver::Insert(const std::string& topic, const TestRecord& record) {
  return InsertBatch(topic, {record});
}

absl::Status TestDriver::InsertBatch(const std::string& topic, const std::vector<TestRecord>& records) {
  if (impl_->finished) return FailedPrecondition("the input has been finished: no record can follow");
  if (!impl_->Reads(topic)) return NotFound("no table of the job reads topic ", topic);
  const auto view = [](const std::optional<std::string>& text) {
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
  };
  run::TopicWriter writer(topic, run::TopicShape{}, kSmallBatch);
  for (const TestRecord& record : records) {
    std::vector<model::Header> headers;
    for (const auto& [key, value] : record.headers) headers.push_back({key, std::string_view(value)});
    std::vector<run::PendingAppend> ready;
    LEAT_RETURN_IF_ERROR(writer.Add(record.timestamp_ms, view(record.key), view(record.value), headers, &ready));
    impl_->Append(ready);
  }
  return impl_->Pump();
}

std::vector<TestRecord> TestDriver::Take(const std::string& name) {
  Topic& topic = impl_->topics[name];
  std::vector<TestRecord> records;
  const size_t end = impl_->options.exactly_once && !impl_->Reads(name) ? topic.committed : topic.batches.size();
  for (; topic.taken < end; ++topic.taken) {
    auto iterator = model::RecordIterator::Open(topic.batches[topic.taken], size_t{64} << 20);
    LEAT_CHECK_OK(iterator.status());
    model::RecordView view;
    while (*iterator->Next(&view)) {
      TestRecord record{.key = std::nullopt, .value = std::nullopt, .headers = {}, .timestamp_ms = view.timestamp_ms};
      if (view.key) record.key = std::string(*view.key);
      if (view.value) record.value = std::string(*view.value);
      for (const model::Header& header : view.headers) {
        record.headers.emplace_back(std::string(header.key), std::string(header.value.value_or("")));
      }
      records.push_back(std::move(record));
    }
  }
  return records;
}

void TestDriver::AdvanceClock(int64_t by_ms) {
  impl_->now_ms += by_ms;
  for (const auto& worker : impl_->workers) {
    worker->task->SetWallMillis(impl_->now_ms);
    impl_->failed.Update(worker->task->OnTime().status());
  }
  impl_->failed.Update(impl_->Drain());
  if (impl_->Generates() && !impl_->finished) impl_->failed.Update(impl_->Pump());
}

absl::Status TestDriver::Finish() {
  LEAT_RETURN_IF_ERROR(impl_->failed);
  impl_->finished = true;
  for (const int source : impl_->graph.sources) {
    for (const auto& worker : impl_->workers)
      LEAT_RETURN_IF_ERROR(worker->task->SourceWatermark(source, exec::kMaxWatermark));
    LEAT_RETURN_IF_ERROR(impl_->Drain());
  }
  return absl::OkStatus();
}

absl::Status TestDriver::Checkpoint() {
  LEAT_RETURN_IF_ERROR(impl_->failed);
  return impl_->Checkpoint();
}
absl::Status TestDriver::Crash() {
  if (impl_->options.exactly_once) impl_->DropUncommitted();
  return impl_->Open();
}

bool TestDriver::Writes(const std::string& topic) const {
  if (topic == impl_->dead_letter_topic || topic == impl_->late_topic) return true;
  return std::ranges::any_of(impl_->tables, [&](const auto& item) {
    const plan::Node& node = *impl_->graph.nodes[static_cast<size_t>(item.first)].plan;
    return node.kind == plan::NodeKind::kSink && item.second.topics.front() == topic;
  });
}

absl::Status TestDriver::AdvanceEventTime(const std::string& topic, int64_t watermark_ms) {
  if (impl_->finished) return FailedPrecondition("the input has been finished: its time is over");
  std::vector<int> nodes;
  for (Impl::Source& source : impl_->sources) {
    if (!topic.empty() && source.cursor->partition().topic != topic) continue;
    if (!source.decoder->has_watermark()) continue;
    source.cursor->AdvanceWatermark(watermark_ms);
    source.watermark_ms = source.cursor->watermark_ms();
    nodes.push_back(source.node);
  }
  if (nodes.empty()) {
    return NotFound("no table", topic.empty() ? "" : StrCat(" that reads topic ", topic), " has a WATERMARK");
  }
  for (const int node : nodes) LEAT_RETURN_IF_ERROR(impl_->UpdateSourceWatermark(node));
  return impl_->Drain();
}
uint64_t TestDriver::late_rows() const { return impl_->late; }
uint64_t TestDriver::dead_rows() const { return impl_->dead; }

}  // namespace leat::stream
