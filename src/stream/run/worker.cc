#include "stream/run/worker.h"

#include <algorithm>
#include <set>
#include <utility>

#include "stream/run/datagen.h"
#include "stream/run/partition_cursor.h"
#include "stream/run/sink_writer.h"
#include "stream/run/task.h"
#include "stream/run/task_store.h"
#include "stream/run/worker_appends.h"
#include "stream/run/worker_files.h"

namespace leat::run {
namespace {

constexpr size_t kSinkBatchBytes = size_t{256} << 10;
constexpr size_t kMaxInFlightBytes = size_t{32} << 20;
constexpr Duration kFetchWait = absl::Seconds(30);
constexpr size_t kChangelogBatchBytes = size_t{512} << 10;

class Worker final : public TaskOutput {
 public:
  Worker(std::shared_ptr<JobContext> job, int index, state::CommittedStore& store)
      : job_(std::move(job)),
        index_(index),
        inbox_(*job_->inboxes[static_cast<size_t>(index)]),
        meter_(*job_->meters[static_cast<size_t>(index)]),
        cpu_(job_->threads),
        appends_(job_, index) {
    state::StateBackend::Options options;
    options.memory_bytes = job_->options.memory_limit_bytes / 2 / static_cast<size_t>(job_->workers);
    state_budget_ = options.memory_bytes;
    backend_ = state::StateBackend::Create(store, options);
  }

  absl::Status Run() {
    LEAT_RETURN_IF_ERROR(Open());
    // There may be nothing to wait for: no partition, or all of them bounded and read.
    LEAT_RETURN_IF_ERROR(OnIdle());
    Append();
    while (true) {
      const bool can_read = CanRead();
      std::vector<WorkerMessage> messages = can_read ? inbox_.Take(absl::ZeroDuration()) : Wait();
      now_ms_ = job_->port->WallMillis();
      task_->SetWallMillis(now_ms_);
      if (job_->cpu_budget != nullptr) cpu_debt_ = debt_.Left(job_->Spend(cpu_.Take()), job_->port->Now());
      for (WorkerMessage& message : messages) {
        if (std::holds_alternative<StopMessage>(message)) return absl::OkStatus();
        LEAT_RETURN_IF_ERROR(std::visit([this](auto& m) { return On(m); }, message));
      }
      for (size_t i = 0; i < cursors_.size(); ++i) Generate(i);
      // A file that is old enough is closed by a checkpoint, also when no row comes any more.
      if (files_.NextDueMs() >= 0 && files_.NextDueMs() <= now_ms_) Progressed();
      LEAT_RETURN_IF_ERROR(write_error_);
      if (!paused_) {
        LEAT_ASSIGN_OR_RETURN(next_time_ms_, task_->OnTime());
      }
      if (CanRead()) LEAT_RETURN_IF_ERROR(ReadSome());
      if (!CanRead()) LEAT_RETURN_IF_ERROR(OnIdle());  // before the next wait: nothing sleeps on rows
      Append();
      SayWhetherReading();
    }
  }

  // TaskOutput
  void SendBatch(int worker, int node, int input, data::Batch batch) override {
    job_->in_flight.fetch_add(1);
    job_->in_flight_bytes.fetch_add(batch.MemoryBytes());
    job_->inboxes[static_cast<size_t>(worker)]->Push(RowsMessage{node, input, std::move(batch)});
  }
  void SendWatermark(int node, int input, int64_t watermark_ms) override {
    for (int worker = 0; worker < job_->workers; ++worker) {
      if (worker == index_) continue;
      job_->in_flight.fetch_add(1);
      job_->inboxes[static_cast<size_t>(worker)]->Push(WatermarkMessage{node, input, index_, watermark_ms});
    }
  }
  absl::Status WriteSink(int node, const data::Batch& batch) override;
  void Late(int node, const data::Batch& batch, std::span<const uint32_t> rows) override;
  void Fail(int node, exec::FailedRow row) override;

 private:
  struct Cursor {
    int node;
    PartitionCursor reader;
    JobContext::Progress* progress;
    int64_t watermark_ms;  // behind the rows pushed so far; the reader's is behind the rows decoded
    bool fetching = false;
    bool holds_rows = false;  // decoded, and not pushed yet: the reader is ahead
    int64_t at_end_since_ms = -1;
    std::unique_ptr<RowGenerator> generator = nullptr;  // of a datagen table: makes what others fetch
    std::unique_ptr<FileReader> files = nullptr;        // of a filesystem table: likewise
  };

  absl::Status Open();
  absl::Status EmitValues();
  // Messages
  absl::Status On(RowsMessage& message);
  absl::Status On(WatermarkMessage& message);
  absl::Status On(FetchedMessage& message);
  absl::Status On(WakeMessage&) { return absl::OkStatus(); }
  absl::Status On(PauseMessage&);
  absl::Status On(BarrierMessage& message);
  absl::Status On(CommittedMessage& message);
  absl::Status On(ResumeMessage&);
  absl::Status On(StopMessage&) { return absl::OkStatus(); }
  void Received(size_t bytes);

  bool HasRows() const {
    return std::any_of(cursors_.begin(), cursors_.end(), [](const Cursor& cursor) { return cursor.reader.has_data(); });
  }
  bool CanRead() const;
  std::vector<WorkerMessage> Wait();
  Duration IdleWait() const;
  Duration Until(int64_t due_ms) const;
  absl::Status ReadSome();
  absl::Status OnIdle();
  void Fetch(size_t cursor);
  void Generate(size_t cursor);
  void ReadFiles(Cursor* cursor);
  absl::Status UpdateSourceWatermark(int node);
  std::optional<int64_t> WatermarkOfOthers(int node) const;
  void Progressed();
  void ShowUse();
  void Bury(int node, DeadRecord record);
  void Append() { write_error_.Update(appends_.Send(&files_, now_ms_)); }
  absl::Status FlushSinks(Delivery least);
  void SayWhetherReading();
  // Of what is not a sink's: dead letters, late rows.
  Delivery delivery() const { return job_->transaction == nullptr ? Delivery::kAtLeastOnce : Delivery::kExactlyOnce; }

  std::shared_ptr<JobContext> job_;
  const int index_;
  Inbox<WorkerMessage>& inbox_;
  WorkerMeter& meter_;
  CpuMeter cpu_;
  std::unique_ptr<state::StateBackend> backend_;
  size_t state_budget_ = 0;
  size_t shown_state_bytes_ = 0;
  Duration cpu_debt_ = absl::ZeroDuration();  // above 0: nothing is read before it is paid
  CpuDebt debt_;
  ReadSamples read_;  // in this epoch
  std::unique_ptr<Task> task_;
  std::map<int, std::unique_ptr<SourceDecoder>> decoders_;  // by node
  std::vector<Cursor> cursors_;
  size_t next_cursor_ = 0;
  std::map<int, std::unique_ptr<SinkWriter>> sinks_;  // by node
  WorkerFiles files_;
  std::optional<TopicWriter> dead_letters_;
  std::optional<TopicWriter> late_rows_;
  absl::Status write_error_;  // of dead letters and late rows, looked at in the loop
  WorkerAppends appends_;
  bool paused_ = false;
  bool reading_ = false;  // counted in job_->reading
  bool said_end_ = false;
  bool values_emitted_ = false;
  bool early_checkpoint_asked_ = false;
  int64_t now_ms_ = 0;
  int64_t next_time_ms_ = exec::kMaxWatermark;  // when an operator has something to do without a row
};

absl::Status Worker::Open() {
  now_ms_ = job_->port->WallMillis();
  LEAT_ASSIGN_OR_RETURN(
      task_,
      Task::Open(job_->graph, {.worker = index_, .workers = job_->workers, .observer = &meter_}, *backend_, *this));
  task_->SetWallMillis(now_ms_);
  for (const auto& [node, table] : job_->tables) {
    const plan::Node& description = *job_->graph.nodes[static_cast<size_t>(node)].plan;
    if (description.kind == plan::NodeKind::kSource) {
      LEAT_ASSIGN_OR_RETURN(decoders_[node], SourceDecoder::Create(description, table));
    } else {
      LEAT_ASSIGN_OR_RETURN(sinks_[node],
                            SinkWriter::Create(description, table, job_->sink_topics.at(node), kSinkBatchBytes));
    }
  }
  dead_letters_.emplace(job_->dead_letter_topic, job_->dead_letters, kSinkBatchBytes);
  if (!job_->late_topic.empty()) late_rows_.emplace(job_->late_topic, job_->late_rows, kSinkBatchBytes);
  for (const CursorStart& start : job_->cursors[static_cast<size_t>(index_)]) {
    PartitionCursor reader({.partition = start.partition,
                            .start = start.start,
                            .end = start.end,
                            .watermark_ms = start.watermark_ms,
                            .watermark_on_event = job_->tables.at(start.node).watermark_on_event});
    JobContext::Progress* progress = job_->progress.at({start.node, start.partition}).get();
    cursors_.push_back(
        {.node = start.node, .reader = std::move(reader), .progress = progress, .watermark_ms = start.watermark_ms});
  }
  for (Cursor& cursor : cursors_) {
    if (!IsGenerated(job_->tables.at(cursor.node))) continue;
    const plan::Node& source = *job_->graph.nodes[static_cast<size_t>(cursor.node)].plan;
    LEAT_ASSIGN_OR_RETURN(cursor.generator,
                          RowGenerator::Create(*source.table, cursor.reader.next_offset().value(), now_ms_));
  }
  for (Cursor& cursor : cursors_) {
    LEAT_ASSIGN_OR_RETURN(cursor.files, WorkerFiles::OpenReader(*job_, cursor.node));
  }
  files_ = WorkerFiles::Open(*job_, index_, now_ms_);
  if (files_.left_over()) Progressed();
  for (size_t i = 0; i < cursors_.size(); ++i) Fetch(i);
  LEAT_RETURN_IF_ERROR(write_error_);
  for (const int source : job_->graph.sources) LEAT_RETURN_IF_ERROR(UpdateSourceWatermark(source));
  if (index_ == 0) LEAT_RETURN_IF_ERROR(EmitValues());
  return absl::OkStatus();
}

absl::Status Worker::EmitValues() {
  values_emitted_ = true;
  for (const int source : job_->graph.sources) {
    const plan::Node& node = *job_->graph.nodes[static_cast<size_t>(source)].plan;
    if (node.kind != plan::NodeKind::kValues || job_->emitted_values.contains(node.id)) continue;
    LEAT_RETURN_IF_ERROR(task_->PushSource(source, ValuesBatch(node)));
    Progressed();
  }
  return absl::OkStatus();
}

// --- messages ---

void Worker::Received(size_t bytes) {
  job_->in_flight_bytes.fetch_sub(bytes);
  if (job_->in_flight.fetch_sub(1) == 1 && job_->pausing.load()) job_->control.Push(QuietEvent{});
}

absl::Status Worker::On(RowsMessage& message) {
  const size_t bytes = message.batch.MemoryBytes();
  const absl::Status status = task_->Receive(message.node, message.input, std::move(message.batch));
  Received(bytes);
  return status;
}

absl::Status Worker::On(WatermarkMessage& message) {
  const absl::Status status =
      task_->ReceiveWatermark(message.node, message.input, message.sender, message.watermark_ms);
  Received(0);
  return status;
}

absl::Status Worker::On(FetchedMessage& message) {
  Cursor& cursor = cursors_[message.cursor];
  cursor.fetching = false;
  if (!message.data.ok()) {
    return Annotate(message.data.status(), StrCat("reading ", cursor.reader.partition().ToString()));
  }
  cursor.progress->high_watermark.store(
      std::max(cursor.progress->high_watermark.load(), message.data->high_watermark.value()));
  cursor.reader.Feed(std::move(message.data->batches), message.data->end, std::move(message.data->aborted));
  Fetch(message.cursor);
  return absl::OkStatus();
}

absl::Status Worker::On(PauseMessage&) {
  paused_ = true;
  job_->control.Push(PausedEvent{index_});
  return absl::OkStatus();
}

absl::Status Worker::On(BarrierMessage& message) {
  LEAT_RETURN_IF_ERROR(task_->Barrier());
  LEAT_RETURN_IF_ERROR(FlushSinks(Delivery::kExactlyOnce));
  Append();
  EpochEvent part{.worker = index_,
                  .epoch = message.epoch,
                  .part = {},
                  .positions = {},
                  .unapplied = {},
                  .ahead_bytes = 0,
                  .read = read_.Take()};
  EpochPartBuilder builder(now_ms_, kChangelogBatchBytes);
  const std::string prefix = WorkerPrefix(index_);
  backend_->TakeChanges(message.epoch, prefix,
                        [&](std::string_view key, std::optional<std::string_view> value) { builder.Add(key, value); });
  LEAT_ASSIGN_OR_RETURN(part.part, builder.Finish());
  part.ahead_bytes = backend_->DirtyBytes();
  if (message.apply) part.unapplied = backend_->TakeUnapplied(prefix);
  // Whose input has ended writes no more, unless others send it rows: its files are whole.
  LEAT_RETURN_IF_ERROR(write_error_);
  LEAT_RETURN_IF_ERROR(files_.Barrier(said_end_, now_ms_, &part.positions));
  for (const Cursor& cursor : cursors_) {
    const int plan_id = job_->graph.nodes[static_cast<size_t>(cursor.node)].plan->id;
    if (cursor.files != nullptr) {
      cursor.files->TakeChanges(plan_id, cursor.reader.next_offset().value(), cursor.watermark_ms, &part.positions);
      continue;
    }
    part.positions.push_back(EncodePosition({.node_id = plan_id,
                                             .partition = cursor.reader.partition(),
                                             .next = cursor.reader.next_offset(),
                                             .watermark_ms = cursor.reader.watermark_ms()}));
  }
  if (index_ == 0 && values_emitted_)
    part.positions.push_back(EncodePosition({.node_id = kValuesNode, .partition = {}, .next = model::Offset{1}}));
  const auto closing = appends_.EndEpoch(message.epoch);
  early_checkpoint_asked_ = false;
  ShowUse();
  job_->control.Push(std::move(part));
  appends_.Close(closing);
  return absl::OkStatus();
}

void Worker::ShowUse() {
  if (job_->cpu_budget == nullptr) job_->Spend(cpu_.Take());
  const size_t bytes = backend_->MemoryBytes();
  job_->counters->state_bytes.fetch_add(bytes - std::exchange(shown_state_bytes_, bytes));  // modulo 2^64
  for (size_t i = 0; i < job_->graph.nodes.size(); ++i) {
    const GraphNode& node = job_->graph.nodes[i];
    if (node.op != nullptr) meter_.SetStateBytes(static_cast<int>(i), backend_->MemoryBytesOf(node.plan->id));
  }
}

absl::Status Worker::On(CommittedMessage& message) {
  if (message.applied) backend_->OnApplied(message.epoch);
  return files_.Committed();
}

// Only now: rows that this worker read before another one has handed over would be in the other's epoch, but not in the
// positions of this one.
absl::Status Worker::On(ResumeMessage&) {
  paused_ = false;
  return absl::OkStatus();
}

// --- reading ---

bool Worker::CanRead() const {
  const bool free = !paused_ && !appends_.full() && job_->in_flight_bytes.load() <= kMaxInFlightBytes;
  return free && cpu_debt_ == absl::ZeroDuration() && HasRows();
}

// -1: never.
Duration Worker::Until(int64_t due_ms) const {
  if (due_ms < 0) return absl::InfiniteDuration();
  return absl::Milliseconds(std::max<int64_t>(0, due_ms - now_ms_));
}

// Without messages there is nothing to do, unless a partition may become idle by time alone or rows of others back up.
Duration Worker::IdleWait() const {
  Duration wait = job_->progressed.load() ? absl::InfiniteDuration() : Until(files_.NextDueMs());
  for (const Cursor& cursor : cursors_) {
    if (cursor.generator != nullptr && !paused_) wait = std::min(wait, Until(cursor.generator->NextDueMs(now_ms_)));
    // What has been read of the files comes before they are looked for again.
    if (cursor.files != nullptr && !paused_ && !cursor.reader.has_data())
      wait = std::min(wait, Until(cursor.files->NextDueMs()));
    const std::optional<int64_t>& timeout = job_->tables.at(cursor.node).idle_timeout_ms;
    if (timeout && *timeout > 0 && cursor.at_end_since_ms >= 0) {
      const int64_t left = cursor.at_end_since_ms + *timeout - now_ms_;
      if (left > 0) wait = std::min(wait, absl::Milliseconds(left));
    }
  }
  if (next_time_ms_ != exec::kMaxWatermark && !paused_) wait = std::min(wait, Until(next_time_ms_));
  if (job_->in_flight_bytes.load() > kMaxInFlightBytes) wait = std::min(wait, absl::Milliseconds(1));
  if (cpu_debt_ > absl::ZeroDuration() && !paused_ && HasRows()) wait = std::min(wait, cpu_debt_);
  return wait;
}

void Worker::Fetch(size_t index) {
  Cursor& cursor = cursors_[index];
  if (cursor.generator != nullptr || cursor.files != nullptr) return Generate(index);
  const size_t share =
      job_->options.memory_limit_bytes / 4 / std::max<size_t>(1, cursors_.size() * static_cast<size_t>(job_->workers));
  const size_t max_bytes = std::clamp<size_t>(share / 2, size_t{64} << 10, size_t{1} << 20);
  if (cursor.fetching || cursor.reader.finished() || cursor.reader.buffered_bytes() > max_bytes) return;
  cursor.fetching = true;
  LogFetch fetch{.partition = cursor.reader.partition(),
                 .offset = cursor.reader.fetch_offset(),
                 .max_bytes = max_bytes,
                 .max_wait = kFetchWait,
                 .isolation = job_->tables.at(cursor.node).isolation};
  job_->port->Fetch(std::move(fetch), [job = job_, worker = index_, index](absl::StatusOr<LogData> data) {
    job->inboxes[static_cast<size_t>(worker)]->Push(FetchedMessage{index, std::move(data)});
  });
}

// A datagen table's rows are made when they are due, a batch at a time.
void Worker::Generate(size_t index) {
  Cursor& cursor = cursors_[index];
  if (cursor.files != nullptr) return ReadFiles(&cursor);
  if (cursor.generator == nullptr || cursor.reader.has_data() || cursor.reader.finished()) return;
  const int64_t from = cursor.reader.fetch_offset().value();
  const int64_t to = std::min(cursor.generator->DueEnd(now_ms_), from + static_cast<int64_t>(data::kBatchRows));
  if (to <= from) {
    cursor.reader.Feed("", model::Offset{from});
    return;
  }
  absl::StatusOr<std::string> batch = cursor.generator->MakeBatch(from, to, now_ms_);
  write_error_.Update(batch.status());
  if (!batch.ok()) return;
  cursor.progress->high_watermark.store(to);
  cursor.reader.Feed(*std::move(batch), model::Offset{to});
}

// The next lines of a filesystem table, when there are any.
void Worker::ReadFiles(Cursor* cursor) {
  if (cursor->reader.has_data() || cursor->reader.finished()) return;
  const model::Offset from = cursor->reader.fetch_offset();
  absl::StatusOr<std::string> batches = cursor->files->Read(from.value(), now_ms_);
  write_error_.Update(batches.status());
  if (!batches.ok()) return;
  if (const auto end = cursor->files->end()) cursor->reader.EndAt(model::Offset{*end});
  cursor->reader.Feed(*std::move(batches), from);
  cursor->progress->high_watermark.store(cursor->reader.fetch_offset().value());
}

// REQUIRES: there is nothing to read, or what has been read so far has to go first.
std::vector<WorkerMessage> Worker::Wait() {
  if (paused_ || !HasRows()) return inbox_.Take(IdleWait());
  const Instant before = job_->port->Now();
  std::vector<WorkerMessage> messages = inbox_.Take(IdleWait());
  const Duration waited = job_->port->Now() - before;
  if (cpu_debt_ > absl::ZeroDuration()) {
    job_->cpu_limited_nanos.fetch_add(absl::ToInt64Nanoseconds(waited));
    return messages;
  }
  std::set<int> sources;
  for (const Cursor& cursor : cursors_) {
    if (cursor.reader.has_data() && sources.insert(cursor.node).second) meter_.Backpressured(cursor.node, waited);
  }
  return messages;
}

absl::Status Worker::ReadSome() {
  for (size_t tried = 0; tried < cursors_.size(); ++tried) {
    const size_t index = next_cursor_;
    next_cursor_ = (next_cursor_ + 1) % cursors_.size();
    Cursor& cursor = cursors_[index];
    if (!cursor.reader.has_data()) continue;
    const exec::Context context{.wall_ms = now_ms_, .watermark_ms = cursor.reader.watermark_ms()};
    const uint64_t before = cursor.reader.records_read();
    const OperatorWork work(&meter_, cursor.node);
    LEAT_ASSIGN_OR_RETURN(std::vector<SourceChunk> chunks,
                          cursor.reader.Next(*decoders_.at(cursor.node), data::kBatchRows, context,
                                             [&](DeadRecord record) { Bury(cursor.node, std::move(record)); }));
    const uint64_t read = cursor.reader.records_read() - before;
    meter_.RowsIn(cursor.node, read);
    read_.Add({cursor.reader.oldest_timestamp_ms(), read});
    job_->counters->rows_in.fetch_add(read);
    job_->counters->rows_in_total->Add(static_cast<double>(read));
    cursor.at_end_since_ms = cursor.reader.at_end() ? now_ms_ : -1;
    for (SourceChunk& chunk : chunks) {
      LEAT_RETURN_IF_ERROR(task_->PushSource(cursor.node, std::move(chunk.batch)));
      cursor.watermark_ms = chunk.watermark_ms;
      cursor.holds_rows = &chunk != &chunks.back();
      cursor.progress->watermark_ms.store(chunk.watermark_ms);
      LEAT_RETURN_IF_ERROR(UpdateSourceWatermark(cursor.node));
    }
    if (chunks.empty()) LEAT_RETURN_IF_ERROR(UpdateSourceWatermark(cursor.node));
    Fetch(index);
    Progressed();
    break;
  }
  LEAT_RETURN_IF_ERROR(write_error_);
  if (!early_checkpoint_asked_ && backend_->DirtyBytes() > state_budget_ / 2) {
    early_checkpoint_asked_ = true;
    job_->control.Push(EarlyCheckpointEvent{});
  }
  return absl::OkStatus();
}

// Nothing to read: what lingers in the sinks goes out, idle partitions stop holding the watermark back. Rows of the
// epoch's transaction go with its barrier: nobody could read them before.
absl::Status Worker::OnIdle() {
  for (const int source : job_->graph.sources) LEAT_RETURN_IF_ERROR(UpdateSourceWatermark(source));
  LEAT_RETURN_IF_ERROR(FlushSinks(Delivery::kAtLeastOnce));
  LEAT_RETURN_IF_ERROR(write_error_);
  const bool ended = std::all_of(cursors_.begin(), cursors_.end(), [](const Cursor& c) { return c.reader.finished(); });
  if (ended && !said_end_) {
    said_end_ = true;
    job_->control.Push(InputEndEvent{index_});
  }
  return absl::OkStatus();
}

// The minimum over this worker's partitions of the source. A partition at its end for the idle time-out, as the log
// itself says, is left out; when all are, those of the other workers count, and when they are left out too, the
// watermark stays.
absl::Status Worker::UpdateSourceWatermark(int node) {
  int64_t watermark_ms = exec::kMaxWatermark;
  bool any = false;
  bool active = false;
  for (Cursor& cursor : cursors_) {
    if (cursor.node != node) continue;
    any = true;
    if (cursor.reader.finished() && !cursor.holds_rows) {
      active = true;  // the end of a bounded partition holds nothing back
      cursor.progress->left_out.store(true);
      continue;
    }
    const std::optional<int64_t>& timeout = job_->tables.at(node).idle_timeout_ms;
    const bool idle = timeout && *timeout > 0 && !cursor.holds_rows && cursor.reader.at_end() &&
                      cursor.at_end_since_ms >= 0 && now_ms_ - cursor.at_end_since_ms >= *timeout;
    if (cursor.reader.at_end() && cursor.at_end_since_ms < 0) cursor.at_end_since_ms = now_ms_;
    cursor.progress->left_out.store(idle);
    if (idle) continue;
    active = true;
    watermark_ms = std::min(watermark_ms, cursor.watermark_ms);
  }
  if (any && !active) {
    const std::optional<int64_t> others_ms = WatermarkOfOthers(node);
    if (!others_ms) return absl::OkStatus();
    watermark_ms = *others_ms;
  }
  return task_->SourceWatermark(node, watermark_ms);
}

// REQUIRES: all partitions of this worker are idle. None: so are all others. What the others have read is on its way to
// where it is needed, and their own watermarks come behind it.
std::optional<int64_t> Worker::WatermarkOfOthers(int node) const {
  std::optional<int64_t> watermark_ms;
  for (const auto& [partition, progress] : job_->progress) {
    if (partition.first != node || progress->left_out.load()) continue;
    watermark_ms = std::min(watermark_ms.value_or(exec::kMaxWatermark), progress->watermark_ms.load());
  }
  return watermark_ms;
}

void Worker::Progressed() {
  if (!job_->progressed.load() && !job_->progressed.exchange(true)) job_->control.Push(ProgressEvent{});
}

void Worker::SayWhetherReading() {
  const bool reading = HasRows();
  if (reading == reading_) return;
  reading_ = reading;
  if (reading) {
    job_->reading.fetch_add(1);
  } else if (job_->reading.fetch_sub(1) == 1 && !job_->caught_up.exchange(true)) {
    job_->control.Push(CaughtUpEvent{});
  }
}

// --- writing ---

absl::Status Worker::WriteSink(int node, const data::Batch& batch) {
  job_->counters->rows_out.fetch_add(batch.rows);
  job_->counters->rows_out_total->Add(static_cast<double>(batch.rows));
  meter_.RowsOut(node, batch.rows);
  const plan::Table& table = *job_->graph.nodes[static_cast<size_t>(node)].plan->table;
  if (const auto sink = sinks_.find(node); sink != sinks_.end()) {
    Progressed();  // also by time alone: an idle partition lets windows fire
    return sink->second->Write(
        batch, now_ms_,
        [&](size_t row, std::string reason) {
          Bury(node, FromUnwrittenRow(batch, row, std::move(reason), table.name));
        },
        appends_.ReadyOf(job_->deliveries.at(node)));
  }
  if (table.options.at("connector") == "print") {
    std::vector<std::string> rows;
    for (size_t row = 0; row < batch.rows; ++row) rows.push_back(StrCat(table.name, "> ", data::FormatRow(batch, row)));
    job_->log->Print(now_ms_, std::move(rows));
  }
  return absl::OkStatus();  // blackhole
}

void Worker::Late(int node, const data::Batch& batch, std::span<const uint32_t> rows) {
  job_->counters->rows_late.fetch_add(rows.size());
  job_->counters->rows_late_total->Add(static_cast<double>(rows.size()));
  meter_.RowsLate(node, rows.size());
  if (!late_rows_) return;
  Progressed();
  const std::string step = job_->graph.nodes[static_cast<size_t>(node)].op->Name();
  write_error_.Update(WriteLateRows(batch, rows, step, job_->job, now_ms_, *late_rows_, appends_.ReadyOf(delivery())));
}

void Worker::Fail(int node, exec::FailedRow row) {
  Bury(node, FromFailedRow(std::move(row), job_->graph.nodes[static_cast<size_t>(node)].op->Name()));
}

void Worker::Bury(int node, DeadRecord record) {
  meter_.RowsDead(node, 1);
  job_->counters->rows_dead.fetch_add(1);
  job_->counters->rows_dead_total->Add(1);
  Progressed();
  write_error_.Update(WriteDeadRecord(record, job_->job, now_ms_, *dead_letters_, appends_.ReadyOf(delivery())));
}

// Those that deliver at least once; with kExactlyOnce the others too.
absl::Status Worker::FlushSinks(Delivery least) {
  const auto flushes = [least](Delivery delivery) {
    return least == Delivery::kExactlyOnce || delivery == Delivery::kAtLeastOnce;
  };
  for (const auto& [node, sink] : sinks_) {
    const Delivery delivery = job_->deliveries.at(node);
    if (flushes(delivery)) LEAT_RETURN_IF_ERROR(sink->Flush(appends_.ReadyOf(delivery)));
  }
  if (!flushes(delivery())) return absl::OkStatus();
  LEAT_RETURN_IF_ERROR(dead_letters_->Flush(appends_.ReadyOf(delivery())));
  if (late_rows_) LEAT_RETURN_IF_ERROR(late_rows_->Flush(appends_.ReadyOf(delivery())));
  return absl::OkStatus();
}

}  // namespace

void RunWorker(const std::shared_ptr<JobContext>& job, int worker, state::CommittedStore& store) {
  const absl::Status status = Worker(job, worker, store).Run();
  if (!status.ok()) job->control.Push(FailedEvent{status});
}

}  // namespace leat::run
