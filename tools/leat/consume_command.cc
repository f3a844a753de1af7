#include <cstdio>

#include "base/status.h"
#include "leat/client/admin.h"
#include "leat/client/consumer.h"
#include "tools/leat/commands.h"
#include "tools/leat/record_format.h"
#include "tools/leat/start_position.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

constexpr absl::Duration kPollTimeout = absl::Milliseconds(200);  // also how soon Ctrl-C is seen
constexpr absl::Duration kCommitInterval = absl::Seconds(1);
constexpr size_t kMostPolled = 2000;

struct ConsumeOptions {
  std::string topic;
  bool from_beginning = false;
  std::optional<int64_t> offset;
  std::string time;
  std::optional<int64_t> time_ms;
  std::optional<int64_t> tail;
  std::vector<int32_t> partitions;
  std::optional<uint64_t> count;
  bool exit_at_end = false;
  std::string group;
  std::string assignor;
  std::string isolation = "read_committed";
  std::string format = "%v\\n";
  std::optional<RecordFormat> parsed_format;
};

class Run {
 public:
  Run(const Context& context, const ConsumeOptions& options, std::unique_ptr<client::Consumer> consumer)
      : context_(context), options_(options), consumer_(std::move(consumer)) {}

  absl::Status Start() {
    if (Shares()) {
      client::RebalanceCallbacks callbacks;
      // What was printed was delivered: the next owner begins behind it.
      callbacks.on_revoked = [this](const std::vector<client::TopicPartition>&) { commit_error_ = Commit(); };
      return consumer_->Subscribe({options_.topic}, std::move(callbacks));
    }
    if (options_.partitions.empty()) {
      LEAT_RETURN_IF_ERROR(consumer_->AssignTopic(options_.topic));
    } else {
      std::vector<client::TopicPartition> assignment;
      for (const int32_t partition : options_.partitions) assignment.push_back({options_.topic, partition});
      LEAT_RETURN_IF_ERROR(consumer_->Assign(assignment));
    }
    if (options_.exit_at_end) {
      LEAT_ASSIGN_OR_RETURN(ends_, consumer_->Offsets());
    }
    return SeekToStart();
  }

  absl::Status ReadAll() {
    absl::Time next_commit = absl::Now() + kCommitInterval;
    while (!Interrupted() && !Finished()) {
      const uint64_t left = options_.count ? *options_.count - printed_ : kMostPolled;
      LEAT_ASSIGN_OR_RETURN(const std::vector<client::ConsumerRecord> records,
                            consumer_->Poll(kPollTimeout, std::min<uint64_t>(left, kMostPolled)));
      for (const client::ConsumerRecord& record : records) PrintRecord(record);
      LEAT_RETURN_IF_ERROR(WriteOut());
      LEAT_RETURN_IF_ERROR(commit_error_);
      if (!options_.group.empty() && absl::Now() >= next_commit) {
        LEAT_RETURN_IF_ERROR(Commit());
        next_commit = absl::Now() + kCommitInterval;
      }
    }
    // What was printed was delivered, however the command ends.
    return options_.group.empty() ? absl::OkStatus() : Commit();
  }

 private:
  // True for a member of a group that goes on for ever: it takes its share of the topic. Who names partitions, a start
  // or an end means those, and takes the group's positions without being a member.
  bool Shares() const {
    return !options_.group.empty() && options_.partitions.empty() && !options_.exit_at_end && !options_.offset &&
           !options_.time_ms && !options_.tail;
  }

  // A member that the group has gone on without commits nothing: the next owner has the records again.
  absl::Status Commit() {
    const absl::Status status = consumer_->Commit();
    return Shares() && absl::IsFailedPrecondition(status) ? absl::OkStatus() : status;
  }

  absl::Status SeekToStart() {
    if (options_.offset) {
      for (const client::TopicPartition& partition : consumer_->assignment()) {
        LEAT_RETURN_IF_ERROR(consumer_->Seek(partition, *options_.offset));
      }
    }
    if (options_.time_ms) return consumer_->SeekToTime(*options_.time_ms);
    if (options_.tail) return SeekToTail(consumer_.get(), *options_.tail);
    // A group goes on where it was; only one without a position begins at the beginning (by `reset`).
    if (options_.from_beginning && options_.group.empty()) return consumer_->SeekToBeginning();
    return absl::OkStatus();
  }

  bool Finished() const {
    if (options_.count && printed_ >= *options_.count) return true;
    if (!options_.exit_at_end) return false;
    for (const auto& [partition, range] : ends_) {
      if (consumer_->Position(partition) < range.end) return false;
    }
    return true;
  }

  void PrintRecord(const client::ConsumerRecord& record) {
    // With --exit-at-end what came later is not part of the answer. A group is told that it has these records, too.
    const auto end = ends_.find(record.partition);
    if (options_.group.empty() && end != ends_.end() && record.offset >= end->second.end) return;
    ++printed_;
    context_.json() ? AppendRecordJson(record, &out_) : options_.parsed_format->Append(record, &out_);
  }

  absl::Status WriteOut() {
    if (out_.empty()) return absl::OkStatus();
    Print(out_);
    out_.clear();
    if (std::fflush(stdout) != 0) return DataLoss("the output could not be written; is the disk full?");
    return absl::OkStatus();
  }

  const Context& context_;
  const ConsumeOptions& options_;
  std::unique_ptr<client::Consumer> consumer_;
  std::map<client::TopicPartition, client::OffsetRange> ends_;
  uint64_t printed_ = 0;
  absl::Status commit_error_;  // of the callback
  std::string out_;
};

client::ConsumerOptions::Assignor AssignorOf(std::string_view name) {
  using Assignor = client::ConsumerOptions::Assignor;
  if (name == "cooperative-sticky") return Assignor::kCooperativeSticky;
  return name == "roundrobin" ? Assignor::kRoundRobin : Assignor::kRange;
}

absl::Status Consume(Context* context, const ConsumeOptions& options) {
  InstallInterrupt();
  using Reset = client::ConsumerOptions::Reset;
  const Reset reset = options.from_beginning                              ? Reset::kEarliest
                      : options.offset || options.time_ms || options.tail ? Reset::kError
                                                                          : Reset::kLatest;
  using Isolation = client::ConsumerOptions::Isolation;
  client::ConsumerOptions consumer_options{.group = options.group, .reset = reset};
  consumer_options.isolation =
      options.isolation == "read_committed" ? Isolation::kReadCommitted : Isolation::kReadUncommitted;
  if (!options.assignor.empty()) consumer_options.assignors = {AssignorOf(options.assignor)};
  LEAT_ASSIGN_OR_RETURN(std::unique_ptr<client::Consumer> consumer,
                        client::Consumer::Create(context->connection(), consumer_options));
  Run run(*context, options, std::move(consumer));
  LEAT_RETURN_IF_ERROR(run.Start());
  return run.ReadAll();
}

void Settle(ConsumeOptions* options) {
  if (!options->time.empty()) {
    const absl::StatusOr<int64_t> time = ParseTimeText(options->time);
    if (!time.ok()) ThrowUsage(StrCat("--time: ", Message(time.status())));
    options->time_ms = *time;
  }
  absl::StatusOr<RecordFormat> format = RecordFormat::Parse(options->format);
  if (!format.ok()) ThrowUsage(StrCat("--format: ", Message(format.status())));
  options->parsed_format = *std::move(format);
}

void AddStartOptions(CLI::App* command, ConsumeOptions* options) {
  std::vector<CLI::Option*> starts = {
      command->add_flag("--from-beginning", options->from_beginning,
                        "from the first record there is; with --group only where the group has no position"),
      command->add_option("--offset", options->offset, "from this offset of every partition")
          ->check(CLI::NonNegativeNumber),
      command->add_option("--time", options->time,
                          "from the first record at or after this time: ISO 8601, or ms since 1970"),
      command->add_option("--tail", options->tail, "from the last N records of every partition")
          ->check(CLI::NonNegativeNumber)};
  for (CLI::Option* start : starts) {
    for (CLI::Option* other : starts) {
      if (start != other) start->excludes(other);
    }
  }
}

}  // namespace

void AddConsumeCommand(CLI::App* app, Context* context) {
  CLI::App* command =
      AddCommand(app, {.name = "consume",
                       .description = "Print the records of a topic; without a start, only the new ones",
                       .examples = "  leat consume clicks\n"
                                   "  leat consume clicks --from-beginning --exit-at-end -o json\n"
                                   "  leat consume clicks --tail 10 --count 10 --format '%p/%o %k=%v\\n'\n"
                                   "  leat consume clicks --time 2024-01-31T12:00:00Z --partition 0\n"
                                   "  leat consume clicks --group billing --from-beginning"});
  auto options = std::make_shared<ConsumeOptions>();
  command->add_option("topic", options->topic, "the topic")->required();
  AddStartOptions(command, options.get());
  command->add_option("--partition", options->partitions, "only this partition; may be repeated, or 0,1,2")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::NonNegativeNumber);
  command->add_option("--count", options->count, "end after this many records")->check(CLI::NonNegativeNumber);
  command->add_flag("--exit-at-end", options->exit_at_end, "end at the records that were there when it began");
  command->add_option("--group", options->group,
                      "share the topic with the other members of this group, and commit what was printed");
  command
      ->add_option("--assignor", options->assignor,
                   "of --group, the same for all its members: range, roundrobin or cooperative-sticky")
      ->check(CLI::IsMember({"range", "roundrobin", "cooperative-sticky"}))
      ->type_name("TEXT");
  command
      ->add_option("--isolation", options->isolation,
                   "read_committed: nothing of a transaction before it is committed; read_uncommitted: everything")
      ->check(CLI::IsMember({"read_committed", "read_uncommitted"}))
      ->type_name("TEXT")
      ->capture_default_str();
  command
      ->add_option("--format", options->format,
                   "%t topic, %p partition, %o offset, %k key, %v value, %T timestamp in ms, %h headers, %%, \\n, \\t")
      ->capture_default_str();
  command->callback([=] {
    Settle(options.get());
    context->command = [=] { return Consume(context, *options); };
  });
}

}  // namespace leat::tool
