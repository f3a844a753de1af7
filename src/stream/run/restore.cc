#include "stream/run/restore.h"

#include <absl/strings/numbers.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/logging.h"
#include "rocks/rocks_store.h"
#include "stream/run/await.h"
#include "stream/run/datagen.h"
#include "stream/run/job_options.h"
#include "stream/run/merged_changes.h"
#include "stream/run/operator_entries.h"
#include "stream/run/place_operators.h"

namespace leat::run {
namespace {

using Partitions = std::vector<PartitionOffsets>;

constexpr size_t kReplayBytes = size_t{4} << 20;
constexpr size_t kApplyBytes = size_t{32} << 20;  // of changed entries that go to the store at once
constexpr size_t kMuchBytes = size_t{4} << 20;    // of changelog: nobody should have to read it again

// The log, for a thread that waits for the answers.
struct Log {
  LogPort& port;
  Threads& threads;
};

absl::Status EnsureTopic(const Log& log, const std::string& topic, int32_t partitions,
                         std::vector<std::pair<std::string, std::string>> configs) {
  return Await<absl::Status>(
      log.threads, [&](auto done) { log.port.EnsureTopic(topic, partitions, std::move(configs), std::move(done)); });
}

absl::StatusOr<Partitions> Describe(const Log& log, const std::string& topic) {
  return Await<absl::StatusOr<Partitions>>(log.threads,
                                           [&](auto done) { log.port.DescribeTopic(topic, std::move(done)); });
}

// A topic that the job writes to, made if missing.
absl::StatusOr<TopicShape> EnsureOutput(const Log& log, const std::string& topic, int32_t partitions) {
  LEAT_RETURN_IF_ERROR(EnsureTopic(log, topic, partitions, {}));
  LEAT_ASSIGN_OR_RETURN(const Partitions found, Describe(log, topic));
  return TopicShape{.partitions = static_cast<int32_t>(found.size()), .max_batch_bytes = found.front().max_batch_bytes};
}

// Where a partition is read from and to, by the table's options.
class CursorPlanner {
 public:
  CursorPlanner(const Log& log, const KafkaTable& table, std::string group)
      : log_(log), table_(table), group_(std::move(group)) {}

  absl::StatusOr<model::Offset> Start(const model::TopicPartition& tp, const PartitionOffsets& log) {
    switch (table_.startup) {
      case Startup::kEarliest:
        return log.earliest;
      case Startup::kLatest:
        return log.latest;
      case Startup::kTimestamp:
        return AtTime(tp, table_.startup_timestamp_ms);
      case Startup::kSpecificOffsets:
        if (table_.startup_offset) return model::Offset{*table_.startup_offset};
        return Specific(table_.startup_offsets, tp, "scan.startup.specific-offsets");
      case Startup::kGroupOffsets:
        break;
    }
    LEAT_ASSIGN_OR_RETURN(const model::Offset committed, Committed(tp));
    // Without a committed offset Kafka's consumer has auto.offset.reset; Flink's default for it is the earliest.
    return committed.value() >= 0 ? committed : log.earliest;
  }

  absl::StatusOr<model::Offset> End(const model::TopicPartition& tp, const PartitionOffsets& log) {
    switch (table_.bounded) {
      case Bounded::kUnbounded:
        return model::Offset{INT64_MAX};
      case Bounded::kLatest:
        return log.latest;
      case Bounded::kTimestamp:
        return AtTime(tp, table_.bounded_timestamp_ms);
      case Bounded::kSpecificOffsets:
        return Specific(table_.bounded_offsets, tp, "scan.bounded.specific-offsets");
      case Bounded::kGroupOffsets:
        return Committed(tp);
    }
    return log.latest;
  }

 private:
  absl::StatusOr<model::Offset> AtTime(const model::TopicPartition& tp, int64_t timestamp_ms) {
    return Await<absl::StatusOr<model::Offset>>(
        log_.threads, [&](auto done) { log_.port.OffsetForTime(tp, timestamp_ms, std::move(done)); });
  }
  absl::StatusOr<model::Offset> Committed(const model::TopicPartition& tp) {
    LEAT_ASSIGN_OR_RETURN(const std::vector<model::Offset> offsets,
                          Await<absl::StatusOr<std::vector<model::Offset>>>(log_.threads, [&](auto done) {
                            log_.port.CommittedOffsets(group_, {tp}, std::move(done));
                          }));
    return offsets.empty() ? model::Offset{-1} : offsets.front();
  }
  static absl::StatusOr<model::Offset> Specific(const std::map<int32_t, int64_t>& offsets,
                                                const model::TopicPartition& tp, std::string_view option) {
    const auto it = offsets.find(tp.partition.value());
    if (it == offsets.end()) return InvalidArgument("'", option, "' names no offset for ", tp.ToString());
    return model::Offset{it->second};
  }
  const Log log_;
  const KafkaTable& table_;
  std::string group_;
};

// A datagen table is one partition, which lies nowhere.
absl::Status PlanGenerated(JobContext& job, int node, const Restored& restored, std::vector<CursorStart>* cursors) {
  const KafkaTable& table = job.tables.at(node);
  CursorStart start{.node = node, .partition = {table.topics.front(), model::PartitionId{0}}};
  LEAT_ASSIGN_OR_RETURN(const DatagenTable made,
                        ParseDatagenTable(*job.graph.nodes[static_cast<size_t>(node)].plan->table));
  start.end = model::Offset{made.rows};
  const int plan_id = job.graph.nodes[static_cast<size_t>(node)].plan->id;
  if (const auto known = restored.positions.find({plan_id, start.partition}); known != restored.positions.end()) {
    start.start = known->second.next;
    start.watermark_ms = known->second.watermark_ms;
  }
  auto progress = std::make_unique<JobContext::Progress>();
  progress->high_watermark.store(start.start.value());
  progress->watermark_ms.store(start.watermark_ms);
  job.progress[{node, start.partition}] = std::move(progress);
  cursors->push_back(std::move(start));
  return absl::OkStatus();
}

// The files of a table are one partition, whose offsets mean nothing to anybody else.
absl::Status PlanFiles(JobContext& job, int node, std::vector<CursorStart>* cursors) {
  CursorStart start{.node = node, .partition = {job.tables.at(node).topics.front(), model::PartitionId{0}}};
  const int plan_id = job.graph.nodes[static_cast<size_t>(node)].plan->id;
  if (const auto known = job.known_files.find(plan_id); known != job.known_files.end()) {
    start.watermark_ms = known->second.watermark_ms;
  }
  start.start = model::Offset{0};
  auto progress = std::make_unique<JobContext::Progress>();
  progress->high_watermark.store(0);
  progress->watermark_ms.store(start.watermark_ms);
  job.progress[{node, start.partition}] = std::move(progress);
  cursors->push_back(std::move(start));
  return absl::OkStatus();
}

// What earlier lives have left of a sink's files.
absl::Status SettleSink(JobContext& job, int node) {
  const int plan_id = job.graph.nodes[static_cast<size_t>(node)].plan->id;
  const auto known = job.known_files.find(plan_id);
  LEAT_ASSIGN_OR_RETURN(job.settled[node], SettleFiles(*job.disk, job.files.at(node), plan_id, job.job,
                                                       known == job.known_files.end() ? KnownFiles() : known->second));
  return absl::OkStatus();
}

// Sinks that the SQL before had: what they have written is not lost with them.
absl::Status SettleDroppedSinks(JobContext& job, Placement* placement) {
  for (const auto& [id, known] : placement->dropped_files) {
    if (job.disk == nullptr) return FailedPrecondition("folder ", FolderOf(known), ": there are no files here");
    LEAT_ASSIGN_OR_RETURN(SettledFiles settled,
                          SettleDroppedFiles(*job.disk, id, job.job, known, &placement->first_changes));
    job.dropped_files[id] = {FolderOf(known), std::move(settled)};
  }
  return absl::OkStatus();
}

// Lists the cursors of one source node; *cursors gets them in partition order.
absl::Status PlanSource(JobContext& job, const Log& port, int node, const Restored& restored,
                        std::vector<CursorStart>* cursors) {
  const KafkaTable& table = job.tables.at(node);
  if (IsGenerated(table)) return PlanGenerated(job, node, restored, cursors);
  if (job.files.contains(node)) return PlanFiles(job, node, cursors);
  CursorPlanner planner(port, table, table.group_id.empty() ? job.job : table.group_id);
  const int plan_id = job.graph.nodes[static_cast<size_t>(node)].plan->id;
  for (const std::string& topic : table.topics) {
    LEAT_RETURN_IF_ERROR(EnsureTopic(port, topic, -1, {}));
    LEAT_ASSIGN_OR_RETURN(const Partitions partitions, Describe(port, topic));
    for (const PartitionOffsets& log : partitions) {
      CursorStart start{.node = node, .partition = {topic, log.partition}};
      if (const auto known = restored.positions.find({plan_id, start.partition}); known != restored.positions.end()) {
        start.start = known->second.next;
        start.watermark_ms = known->second.watermark_ms;
      } else {
        LEAT_ASSIGN_OR_RETURN(start.start, planner.Start(start.partition, log));
      }
      if (start.start < log.earliest || start.start > log.latest) {
        return OutOfRange(
            start.partition.ToString(), ": the job goes on at offset ", start.start.value(), ", but the log holds ",
            log.earliest.value(), " to ", log.latest.value(),
            "; records were deleted before they were read: raise the topic's retention, or delete the job and "
            "submit it again to start over");
      }
      LEAT_ASSIGN_OR_RETURN(start.end, planner.End(start.partition, log));
      auto progress = std::make_unique<JobContext::Progress>();
      progress->high_watermark.store(log.latest.value());
      progress->watermark_ms.store(start.watermark_ms);
      job.progress[{node, start.partition}] = std::move(progress);
      cursors->push_back(std::move(start));
    }
  }
  return absl::OkStatus();
}

std::string Setting(const plan::JobPlan& plan, const std::string& key, std::string_view fallback) {
  const auto it = plan.settings.find(key);
  return it == plan.settings.end() ? std::string(fallback) : it->second;
}

absl::Status ParseTables(JobContext& job, const plan::JobPlan& plan, const JobOptions& options) {
  LEAT_ASSIGN_OR_RETURN(const int64_t idle_ms,
                        ParseDurationMillis(Setting(plan, "table.exec.source.idle-timeout",
                                                    StrCat(absl::ToInt64Milliseconds(job.options.idle_timeout)))));
  for (size_t i = 0; i < job.graph.nodes.size(); ++i) {
    const plan::Node& node = *job.graph.nodes[i].plan;
    if (node.table == nullptr) continue;
    const bool generated = node.kind == plan::NodeKind::kSource && IsDatagenTable(*node.table);
    const bool files = IsFileTable(*node.table);
    if (!generated && !files && !IsKafkaTable(*node.table)) continue;
    LEAT_ASSIGN_OR_RETURN(KafkaTable table, generated ? DatagenSource(*node.table)
                                            : files   ? FileLines(*node.table)
                                                      : ParseKafkaTable(*node.table));
    if (files) {
      LEAT_RETURN_IF_ERROR(CheckFolders(*node.table, job.options.filesystem_folders));
      if (job.disk == nullptr) return FailedPrecondition("table ", node.table->name, ": there are no files here");
      LEAT_ASSIGN_OR_RETURN(job.files[static_cast<int>(i)], ParseFileTable(*node.table));
      // Two INSERTs into one table are two sinks.
      StrAppend(&table.topics.front(), ":", i);
    }
    if (!generated && !files) {
      ApplyTo(options, node.kind == plan::NodeKind::kSink ? Direction::kWrite : Direction::kRead, &table);
    }
    if (!table.idle_timeout_ms && idle_ms > 0) table.idle_timeout_ms = idle_ms;
    if (node.kind == plan::NodeKind::kSink) {
      const Delivery delivery = job.transaction == nullptr ? Delivery::kAtLeastOnce : Delivery::kExactlyOnce;
      LEAT_ASSIGN_OR_RETURN(job.deliveries[static_cast<int>(i)], DeliveryOfSink(*node.table, delivery));
    }
    job.tables[static_cast<int>(i)] = std::move(table);
  }
  return absl::OkStatus();
}

// How many workers: what the state was cut for, else the setting, else one a core but no more than partitions.
absl::StatusOr<int> ChooseWorkers(const plan::JobPlan& plan, const Options& options, const Restored& restored,
                                  size_t partitions) {
  if (restored.workers > 0) return restored.workers;
  int wanted = options.parallelism;
  if (const std::string set = Setting(plan, "parallelism.default", ""); !set.empty()) {
    if (!absl::SimpleAtoi(set, &wanted) || wanted < 1 || wanted > data::kMaxParallelism) {
      return InvalidArgument("SET 'parallelism.default': expected 1 to ", data::kMaxParallelism, ", got '", set, "'");
    }
    return wanted;
  }
  if (wanted <= 0) wanted = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return std::clamp(wanted, 1, static_cast<int>(std::max<size_t>(1, partitions)));
}

}  // namespace

namespace {

std::string StateFolder(const std::string& job, const Options& options) {
  return options.state_dir.empty() ? "" : StrCat(options.state_dir, "/", job);
}

class RocksStores final : public StateStores {
 public:
  absl::StatusOr<std::unique_ptr<state::CommittedStore>> Open(const std::string& job, const Options& options) override {
    const std::string folder = StateFolder(job, options);
    if (folder.empty()) return state::MakeMemoryStore();
    return rocks::OpenRocksStore(folder, {}, rocks::SharedCache::Create(options.memory_limit_bytes / 8));
  }
  absl::Status Drop(const std::string& job, const Options& options) override {
    const std::string folder = StateFolder(job, options);
    if (folder.empty()) return absl::OkStatus();
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    if (error) return Unavailable("removing ", folder, ": ", error.message());
    return absl::OkStatus();
  }
};

// What is damaged, or goes beyond what is this changelog's, begins anew: the changelog has everything.
absl::StatusOr<std::unique_ptr<state::CommittedStore>> OpenStore(const JobRunner::Spec& spec) {
  auto store = spec.stores->Open(spec.name, spec.options);
  const bool foreign = store.ok() && (*store)->position() > spec.usable_state_until;
  if (!foreign && !absl::IsDataLoss(store.status())) return store;
  LogWarning("jobs", "the state of job ", spec.name, " on this disk is made anew from its changelog: ",
             foreign ? "it is of another history" : Message(store.status()));
  store = Unavailable("closed");
  LEAT_RETURN_IF_ERROR(spec.stores->Drop(spec.name, spec.options));
  return spec.stores->Open(spec.name, spec.options);
}

}  // namespace

StateStores& RocksStateStores() {
  static RocksStores stores;
  return stores;
}

absl::Status RestoreStore(const JobRunner::Spec& spec, LogPort& port, std::unique_ptr<state::CommittedStore>* store) {
  const std::string& job = spec.name;
  const std::string topic = ChangelogTopic(job);
  const Log log{port, *spec.threads};
  LEAT_RETURN_IF_ERROR(EnsureTopic(log, topic, 1, {{"retention.ms", "-1"}, {"retention.bytes", "-1"}}));
  LEAT_ASSIGN_OR_RETURN(const Partitions partitions, Describe(log, topic));
  const model::Offset earliest = partitions.front().earliest;
  const model::Offset latest = partitions.front().latest;
  if (*store == nullptr) {
    LEAT_ASSIGN_OR_RETURN(*store, OpenStore(spec));
  }
  model::Offset next{std::max<int64_t>((*store)->position(), 0)};
  if (next < earliest || next > latest) {
    return DataLoss(
        "the state of job ", job, " stands at changelog offset ", next.value(), ", but the changelog ", topic,
        " holds ", earliest.value(), " to ", latest.value(),
        "; the two do not belong together: restore both from one backup, or delete the job and submit it again");
  }
  ChangelogReplay replay;
  MergedChanges changes;
  size_t bytes_read = 0;
  model::Offset read_to = next;  // the end of the last epoch that was read
  const auto apply = [&] {
    return read_to == next ? absl::OkStatus() : (*store)->Apply(changes.Take(), read_to.value());
  };
  model::Offset fetch = next;
  while (fetch < latest) {
    LEAT_ASSIGN_OR_RETURN(const LogData data, Await<absl::StatusOr<LogData>>(log.threads, [&](auto done) {
                            port.Fetch({.partition = {topic, model::PartitionId{0}},
                                        .offset = fetch,
                                        .max_bytes = kReplayBytes,
                                        .max_wait = absl::ZeroDuration()},
                                       std::move(done));
                          }));
    if (data.batches.empty())
      return DataLoss("the changelog ", topic, " ends at ", fetch.value(), " before ", latest.value());
    bytes_read += data.batches.size();
    LEAT_RETURN_IF_ERROR(replay.Feed(data.batches, next, [&](ChangelogReplay::Epoch& epoch) {
      changes.Add(std::move(epoch.changes));
      read_to = epoch.next;
      return changes.bytes() < kApplyBytes ? absl::OkStatus() : apply();
    }));
    fetch = replay.next_offset();
  }
  LEAT_RETURN_IF_ERROR(apply());
  return bytes_read < kMuchBytes ? absl::OkStatus() : (*store)->Flush().status();
}

namespace {

absl::Status AddOperator(int id, std::string_view value, Restored* restored) {
  LEAT_ASSIGN_OR_RETURN(OperatorEntry entry, DecodeOperator(id, value));
  if (!entry.identity) {
    restored->dropped.push_back(id);
    return absl::OkStatus();
  }
  restored->revision = std::max(restored->revision, entry.revision);
  restored->operators.push_back({.id = id, .identity = *std::move(entry.identity)});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Restored> ReadPositions(state::CommittedStore& store) {
  Restored restored;
  std::vector<SourcePosition> files;
  absl::Status bad;
  const auto visit = [&](std::string_view key, std::string_view value) {
    absl::StatusOr<SourcePosition> position = DecodePosition(key, value);
    if (!position.ok()) {
      bad = position.status();
    } else if (IsFilePosition(*position)) {
      files.push_back(*std::move(position));
    } else if (position->node_id == kParallelismNode) {
      restored.workers = static_cast<int>(position->next.value());
    } else if (position->node_id == kValuesNode) {
      restored.values_emitted = true;
    } else if (position->node_id == kTotalsNode) {
      const absl::StatusOr<Totals> totals = DecodeTotals(value);
      if (totals.ok()) restored.totals = *totals;
      bad = totals.status();
    } else if (position->node_id == kOperatorNode) {
      bad = AddOperator(position->partition.partition.value(), value, &restored);
    } else {
      restored.positions[{position->node_id, position->partition}] = *position;
    }
    return bad.ok();
  };
  LEAT_RETURN_IF_ERROR(store.Scan(PositionKeysBegin(), PositionKeysEnd(), visit));
  LEAT_RETURN_IF_ERROR(bad);
  LEAT_ASSIGN_OR_RETURN(restored.files, FilesOf(files));
  return restored;
}

absl::StatusOr<std::shared_ptr<TransactionWriter>> OpenTransactions(const JobRunner::Spec& spec, LogPort& port) {
  LEAT_ASSIGN_OR_RETURN(const Delivery delivery, DeliveryOfJob(spec.plan));
  if (delivery == Delivery::kAtLeastOnce) return std::shared_ptr<TransactionWriter>();
  LEAT_ASSIGN_OR_RETURN(const CheckpointInterval interval, IntervalOf(spec.plan, spec.options));
  LEAT_ASSIGN_OR_RETURN(const Duration timeout, TransactionTimeout(interval, spec.delivery));
  const std::string id = TransactionalId(spec.name);
  absl::StatusOr<TransactionalProducer> producer = Await<absl::StatusOr<TransactionalProducer>>(
      *spec.threads, [&](auto done) { port.OpenProducer(id, timeout, std::move(done)); });
  if (!producer.ok()) return Annotate(producer.status(), StrCat("taking the transactional id ", id));
  return std::make_shared<TransactionWriter>(port, id, *producer);
}

absl::StatusOr<std::shared_ptr<JobContext>> PrepareRun(const JobRunner::Spec& spec, LogPort& port, Counters& counters,
                                                       state::CommittedStore& store, Restored restored,
                                                       std::shared_ptr<TransactionWriter> transaction) {
  auto job = std::make_shared<JobContext>(*spec.threads);
  const Log log{port, *spec.threads};
  job->job = spec.name;
  job->options = spec.options;
  job->port = &port;
  job->disk = spec.disk;
  job->counters = &counters;
  job->transaction = std::move(transaction);
  job->delivery = spec.delivery;
  LEAT_ASSIGN_OR_RETURN(Placement placement, PlaceOperators(spec, store, &restored));
  const plan::JobPlan& plan = placement.plan;
  LEAT_ASSIGN_OR_RETURN(job->graph, BuildGraph(plan));
  LEAT_ASSIGN_OR_RETURN(const JobOptions options, ParseJobOptions(spec.plan.settings, spec.name));
  LEAT_RETURN_IF_ERROR(ParseTables(*job, plan, options));
  LEAT_ASSIGN_OR_RETURN(job->interval, IntervalOf(spec.plan, spec.options));
  job->dead_letter_topic = options.dead_letter_topic;
  job->late_topic = options.late_topic;
  // Dead letters and late rows go to the first partition, whatever others the topic has.
  LEAT_ASSIGN_OR_RETURN(job->dead_letters, EnsureOutput(log, job->dead_letter_topic, 1));
  job->dead_letters.partitions = 1;
  if (!job->late_topic.empty()) {
    LEAT_ASSIGN_OR_RETURN(job->late_rows, EnsureOutput(log, job->late_topic, 1));
    job->late_rows.partitions = 1;
  }
  job->known_files = restored.files;
  LEAT_RETURN_IF_ERROR(SettleDroppedSinks(*job, &placement));
  counters.Restore(restored.totals);
  std::vector<CursorStart> cursors;
  for (const auto& [node, table] : job->tables) {
    if (job->graph.nodes[static_cast<size_t>(node)].plan->kind == plan::NodeKind::kSource) {
      LEAT_RETURN_IF_ERROR(PlanSource(*job, log, node, restored, &cursors));
    } else if (job->files.contains(node)) {
      LEAT_RETURN_IF_ERROR(SettleSink(*job, node));
      job->sink_topics[node] = TopicShape{};
    } else {
      LEAT_ASSIGN_OR_RETURN(job->sink_topics[node], EnsureOutput(log, table.topics.front(), -1));
    }
  }
  LEAT_ASSIGN_OR_RETURN(job->workers, ChooseWorkers(spec.plan, spec.options, restored, cursors.size()));
  job->cursors.resize(static_cast<size_t>(job->workers));
  for (size_t i = 0; i < cursors.size(); ++i) job->cursors[i % static_cast<size_t>(job->workers)].push_back(cursors[i]);
  job->plan_text = plan::Explain(plan);
  job->operators = std::move(placement.operators);
  job->emitted_values = std::move(placement.emitted_values);
  job->first_changes = std::move(placement.first_changes);
  job->changes_state = placement.changes_state;
  if (options.cpu_limit > 0) job->cpu_budget = std::make_unique<CpuBudget>(options.cpu_limit);
  for (int i = 0; i < job->workers; ++i) {
    job->meters.push_back(std::make_unique<WorkerMeter>(job->graph.nodes.size(), [&port] { return port.Now(); }));
  }
  for (int i = 0; i < job->workers; ++i) job->inboxes.push_back(std::make_unique<Inbox<WorkerMessage>>(*spec.threads));
  return job;
}

}  // namespace leat::run
