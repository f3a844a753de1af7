// query_cost: one worker of a job over records in memory, from the bytes of the log to the bytes of the log, with its
// state in memory and checkpoints in between: what a query costs without disk, threads and network. For counting
// instructions (query_cost.py) and for profiles.
//
// The script's topics are read from FOLDER/<topic>.<partition>, a line a record; key, tab, value where the table is
// an upsert-kafka one.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sql/compile.h"
#include "stream/run/changelog.h"
#include "stream/run/job_runner.h"
#include "stream/run/partition_cursor.h"
#include "stream/run/sink_writer.h"
#include "stream/run/task.h"
#include "stream/run/task_store.h"

namespace leat::run {
namespace {

constexpr size_t kBatchBytes = size_t{256} << 10;
constexpr size_t kAheadBytes = size_t{32} << 20;  // of state, before the committed store gets it

struct Options {
  std::string script;
  std::string folder;
  int64_t events = INT64_MAX;        // of each topic
  int64_t checkpoint_rows = 50'000;  // so many records between checkpoints
};

struct Source {
  int node;
  std::unique_ptr<SourceDecoder> decoder;
  std::unique_ptr<PartitionCursor> cursor;
  std::vector<std::string> batches;  // as the log would give them
  size_t next = 0;
  int64_t watermark_ms = exec::kMinWatermark;
};

class Run final : public TaskOutput {
 public:
  explicit Run(Options options) : options_(std::move(options)) {}

  absl::Status Do() {
    std::ifstream file(options_.script);
    std::stringstream text;
    text << file.rdbuf();
    LEAT_ASSIGN_OR_RETURN(sql::Compiled compiled, sql::Compile(text.str(), {.check_table = CheckTable}));
    plan_ = std::move(compiled.plan);
    LEAT_ASSIGN_OR_RETURN(graph_, BuildGraph(plan_));
    backend_ = state::StateBackend::Create(tasks_store_, {});
    LEAT_ASSIGN_OR_RETURN(task_, Task::Open(graph_, {.worker = 0, .workers = 1}, *backend_, *this));
    for (size_t i = 0; i < graph_.nodes.size(); ++i) LEAT_RETURN_IF_ERROR(OpenTable(static_cast<int>(i)));
    LEAT_RETURN_IF_ERROR(ReadAll());
    for (const int source : graph_.sources) {
      LEAT_RETURN_IF_ERROR(task_->SourceWatermark(source, exec::kMaxWatermark));
    }
    LEAT_RETURN_IF_ERROR(Checkpoint());
    std::printf(
        "{\"records\":%llu,\"rows_out\":%llu,\"bytes_out\":%llu,\"changes\":%llu,\"changelog_bytes\":%llu,"
        "\"applied\":%llu,\"late\":%llu,\"dead\":%llu}\n",
        static_cast<unsigned long long>(records_), static_cast<unsigned long long>(rows_out_),
        static_cast<unsigned long long>(bytes_out_), static_cast<unsigned long long>(changes_),
        static_cast<unsigned long long>(changelog_bytes_), static_cast<unsigned long long>(applied_),
        static_cast<unsigned long long>(late_), static_cast<unsigned long long>(dead_));
    return absl::OkStatus();
  }

  void SendBatch(int, int, int, data::Batch) override { LEAT_CHECK(false) << "there is one worker"; }
  void SendWatermark(int, int, int64_t) override { LEAT_CHECK(false) << "there is one worker"; }
  absl::Status WriteSink(int node, const data::Batch& batch) override {
    rows_out_ += batch.rows;
    const auto sink = sinks_.find(node);
    if (sink == sinks_.end()) return absl::OkStatus();
    std::vector<PendingAppend> ready;
    LEAT_RETURN_IF_ERROR(sink->second->Write(
        batch, 0, [this](size_t, const std::string&) { ++dead_; }, &ready));
    for (const PendingAppend& append : ready) bytes_out_ += append.batches.size();
    return absl::OkStatus();
  }
  void Late(int, const data::Batch&, std::span<const uint32_t> rows) override { late_ += rows.size(); }
  void Fail(int, exec::FailedRow) override { ++dead_; }

 private:
  absl::Status OpenTable(int node) {
    const plan::Node& description = *graph_.nodes[static_cast<size_t>(node)].plan;
    if (description.table == nullptr || !IsKafkaTable(*description.table)) return absl::OkStatus();
    LEAT_ASSIGN_OR_RETURN(const KafkaTable table, ParseKafkaTable(*description.table));
    if (description.kind == plan::NodeKind::kSink) {
      LEAT_ASSIGN_OR_RETURN(sinks_[node], SinkWriter::Create(description, table, TopicShape{}, kBatchBytes));
      return absl::OkStatus();
    }
    for (int partition = 0;; ++partition) {
      const auto path = std::filesystem::path(options_.folder) / StrCat(table.topics.at(0), ".", partition);
      if (!std::filesystem::exists(path)) break;
      const model::TopicPartition of{table.topics.at(0), model::PartitionId{partition}};
      LEAT_ASSIGN_OR_RETURN(auto decoder, SourceDecoder::Create(description, table));
      sources_.push_back(
          {node,
           std::move(decoder),
           std::make_unique<PartitionCursor>(PartitionCursor::Options{.partition = of, .start = model::Offset{0}}),
           {}});
      LEAT_RETURN_IF_ERROR(Load(path, table.upsert, &sources_.back().batches));
    }
    return absl::OkStatus();
  }

  absl::Status Load(const std::filesystem::path& path, bool keyed, std::vector<std::string>* batches) const {
    std::ifstream file(path);
    std::string line;
    std::optional<model::BatchBuilder> builder;
    int64_t offset = 0;
    const auto finish = [&]() -> absl::Status {
      if (!builder) return absl::OkStatus();
      const int64_t count = builder->record_count();
      LEAT_ASSIGN_OR_RETURN(std::string batch, builder->Finish());
      model::SetBaseOffset(batch.data(), model::Offset{offset});
      offset += count;
      batches->push_back(std::move(batch));
      builder.reset();
      return absl::OkStatus();
    };
    for (int64_t count = 0; count < options_.events && std::getline(file, line); ++count) {
      if (!builder) builder.emplace(model::BatchBuilder::Options{});
      const std::string_view whole = line;
      const size_t tab = keyed ? whole.find('\t') : std::string_view::npos;
      if (tab == std::string_view::npos) {
        builder->Add(0, std::nullopt, whole, {});
      } else {
        builder->Add(0, whole.substr(0, tab), whole.substr(tab + 1), {});
      }
      if (builder->uncompressed_bytes() >= kBatchBytes) LEAT_RETURN_IF_ERROR(finish());
    }
    return finish();
  }

  // What is measured: not inlined, so that valgrind can tell it from loading.
  [[gnu::noinline]] absl::Status ReadAll() {
    uint64_t next_checkpoint = static_cast<uint64_t>(options_.checkpoint_rows);
    for (bool more = true; more;) {
      more = false;
      for (Source& source : sources_) {
        if (!source.cursor->has_data()) {
          if (source.next == source.batches.size()) continue;
          source.cursor->Feed(std::move(source.batches[source.next++]), model::Offset{INT64_MAX});
        }
        more = true;
        LEAT_RETURN_IF_ERROR(Read(source));
      }
      if (records_ < next_checkpoint) continue;
      next_checkpoint = records_ + static_cast<uint64_t>(options_.checkpoint_rows);
      LEAT_RETURN_IF_ERROR(Checkpoint());
    }
    return absl::OkStatus();
  }

  absl::Status Read(Source& source) {
    const exec::Context context{.wall_ms = 0, .watermark_ms = source.cursor->watermark_ms()};
    LEAT_ASSIGN_OR_RETURN(auto chunks, source.cursor->Next(*source.decoder, data::kBatchRows, context,
                                                           [this](const DeadRecord&) { ++dead_; }));
    for (SourceChunk& chunk : chunks) {
      records_ += chunk.batch.rows;
      LEAT_RETURN_IF_ERROR(task_->PushSource(source.node, std::move(chunk.batch)));
      source.watermark_ms = chunk.watermark_ms;
      int64_t watermark_ms = exec::kMaxWatermark;
      for (const Source& other : sources_) {
        const bool ended = !other.cursor->has_data() && other.next == other.batches.size();
        if (other.node == source.node && !ended) watermark_ms = std::min(watermark_ms, other.watermark_ms);
      }
      LEAT_RETURN_IF_ERROR(task_->SourceWatermark(source.node, watermark_ms));
    }
    return absl::OkStatus();
  }

  absl::Status Checkpoint() {
    ++epoch_;
    LEAT_RETURN_IF_ERROR(task_->Barrier());
    for (const auto& [node, sink] : sinks_) {
      std::vector<PendingAppend> ready;
      LEAT_RETURN_IF_ERROR(sink->Flush(&ready));
      for (const PendingAppend& append : ready) bytes_out_ += append.batches.size();
    }
    EpochPartBuilder builder(0, kBatchBytes * 2);
    backend_->TakeChanges(epoch_, WorkerPrefix(0), [&](std::string_view key, std::optional<std::string_view> value) {
      builder.Add(key, value);
      ++changes_;
    });
    LEAT_ASSIGN_OR_RETURN(EpochPart part, builder.Finish());
    LEAT_ASSIGN_OR_RETURN(const auto batches, EncodeEpochBatches(epoch_, std::move(part), 0, kBatchBytes * 2));
    for (const std::string& batch : batches) changelog_bytes_ += batch.size();
    if (backend_->DirtyBytes() < kAheadBytes) return absl::OkStatus();
    const std::vector<state::Change> unapplied = backend_->TakeUnapplied(WorkerPrefix(0));
    applied_ += unapplied.size();
    LEAT_RETURN_IF_ERROR(store_->Apply(unapplied, epoch_));
    backend_->OnApplied(epoch_);
    return absl::OkStatus();
  }

  const Options options_;
  plan::JobPlan plan_;
  Graph graph_;
  std::unique_ptr<state::CommittedStore> store_ = state::MakeMemoryStore();
  TaskStore tasks_store_{*store_, 0};
  std::unique_ptr<state::StateBackend> backend_;
  std::unique_ptr<Task> task_;
  std::vector<Source> sources_;
  std::map<int, std::unique_ptr<SinkWriter>> sinks_;
  int64_t epoch_ = 0;
  uint64_t records_ = 0, rows_out_ = 0, bytes_out_ = 0, changes_ = 0, changelog_bytes_ = 0, applied_ = 0, late_ = 0,
           dead_ = 0;
};

int Main(int argc, char** argv) {
  CLI::App app("One worker of a job over records in memory");
  Options options;
  app.add_option("script", options.script)->required()->check(CLI::ExistingFile);
  app.add_option("folder", options.folder)->required()->check(CLI::ExistingDirectory);
  app.add_option("--events", options.events, "records of each partition, at most");
  app.add_option("--checkpoint", options.checkpoint_rows, "records between checkpoints")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = Run(std::move(options)).Do();
  if (status.ok()) return 0;
  std::fprintf(stderr, "query_cost: %s\n", status.ToString().c_str());
  return 1;
}

}  // namespace
}  // namespace leat::run

int main(int argc, char** argv) { return leat::run::Main(argc, argv); }
