#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>
#include <filesystem>
#include <map>

#include "base/status.h"
#include "leat/client/admin.h"
#include "tools/leat/commands.h"
#include "tools/leat/job_export_command.h"
#include "tools/leat/job_log.h"
#include "tools/leat/job_test_command.h"
#include "tools/leat/job_top.h"
#include "tools/leat/job_top_command.h"
#include "tools/leat/replay.h"
#include "tools/leat/table.h"
#include "tools/leat/text_file.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

namespace json = boost::json;

constexpr absl::Duration kFollowInterval = absl::Milliseconds(500);
constexpr absl::Duration kStartInterval = absl::Milliseconds(50);
constexpr absl::Duration kMostStarting = absl::Seconds(5);

struct JobOptions {
  std::string name;
  std::string file;
  bool replace = false;
  std::vector<std::string> drop_state;
  bool dry_run = false;
  std::vector<std::string> from;
  ReplayOptions replay;
  bool append = false;
  bool yes = false;
  bool follow = false;
};

json::object ToJson(const client::JobInfo& job) {
  json::array inputs;
  for (const client::JobInput& input : job.inputs) {
    json::object object = {{"topic", input.partition.topic},
                           {"partition", input.partition.partition},
                           {"offset", input.offset},
                           {"end_offset", input.end_offset},
                           {"watermark_ms", nullptr}};
    if (input.watermark_ms) object["watermark_ms"] = *input.watermark_ms;
    inputs.push_back(std::move(object));
  }
  json::object all = {{"name", job.name},
                      {"state", job.state},
                      {"node", job.node < 0 ? json::value(nullptr) : json::value(job.node)},
                      {"error", job.error},
                      {"created_ms", job.created_ms},
                      {"revision", job.revision},
                      {"restarts", job.restarts},
                      {"rows_in", job.rows_in},
                      {"rows_out", job.rows_out},
                      {"rows_late", job.rows_late},
                      {"rows_dead", job.rows_dead},
                      {"checkpoints", job.checkpoints},
                      {"checkpoint_age_ms", job.checkpoint_age_ms},
                      {"checkpoint_duration_seconds", job.checkpoint_duration_seconds},
                      {"state_bytes", job.state_bytes},
                      {"inputs", std::move(inputs)},
                      {"sql", job.sql},
                      {"plan", job.plan}};
  if (!job.operators.empty()) {
    json::object progress = ProgressJson(job);
    all.insert(progress.begin(), progress.end());
  }
  return all;
}

std::string NodeText(const client::JobInfo& job) { return job.node < 0 ? "none" : StrCat(job.node); }

std::string Age(int64_t ms) { return ms < 0 ? "none yet" : DurationText(absl::Milliseconds(ms)) + " ago"; }

std::string LastCheckpoint(const client::JobInfo& job) {
  if (job.checkpoint_age_ms < 0 || job.operators.empty()) return "";
  return StrCat(", ", BytesText(job.checkpoint_bytes), " in ",
                DurationText(absl::Seconds(job.checkpoint_duration_seconds)));
}

// Makes room for a job of that name. The new text was compiled before: a typing error leaves the old job running.
absl::Status RemoveOld(client::Admin* admin, const std::string& name) {
  const absl::Status stopped = admin->StopJob(name);
  if (absl::IsNotFound(stopped)) return absl::OkStatus();
  if (!stopped.ok() && !absl::IsFailedPrecondition(stopped)) return stopped;
  return admin->DeleteJob(name);
}

// The job once it has started or failed to; as it is when that takes long.
absl::StatusOr<client::JobInfo> AwaitStart(client::Admin* admin, absl::StatusOr<client::JobInfo> job) {
  const absl::Time deadline = absl::Now() + kMostStarting;
  while (job.ok() && job->state == "STARTING" && absl::Now() < deadline) {
    absl::SleepFor(kStartInterval);
    job = admin->DescribeJob(job->name);
  }
  return job;
}

// What runs now, and where to look next.
void PrintSubmitted(const client::JobInfo& job) {
  Print(StrCat("job ", job.name, " is ", job.state, "\n"));
  std::map<std::string, int> topics;
  for (const client::JobInput& input : job.inputs) ++topics[input.partition.topic];
  for (const auto& [topic, partitions] : topics) {
    Print(StrCat("  reads topic ", topic, ", ", partitions, " partition(s)\n"));
  }
  Table hints({Left("LOOK WITH"), Left("")});
  hints.Add({StrCat("leat job describe ", job.name), "state, rows, checkpoints, watermarks"});
  hints.Add({StrCat("leat lag --group ", job.name), "how far it is behind"});
  hints.Add({StrCat("leat job logs ", job.name), "what it reports"});
  Print(StrCat("\n", hints.Render()));
}

absl::Status Submit(Context* context, const JobOptions& options) {
  LEAT_ASSIGN_OR_RETURN(const std::string sql, ReadText(options.file));
  const std::string name = options.name.empty() ? std::filesystem::path(options.file).stem().string() : options.name;
  client::Admin admin(context->connection());
  const bool replays = options.replay.from || !options.replay.topic_suffix.empty();
  if (options.replace || replays) {
    // As it stands in the file: the places of errors are there.
    if (const absl::Status compiled = admin.Explain(sql).status(); !compiled.ok())
      return Annotate(compiled, options.file);
  }
  if (options.replay.from && !options.append) {
    LEAT_RETURN_IF_ERROR(CheckOutputsAreNew(context->connection(), sql, options.replay));
  }
  const std::string script = WithReplay(sql, options.replay);
  if (options.replace || replays) LEAT_RETURN_IF_ERROR(CheckStartsAreThere(context->connection(), script));
  if (options.replace) LEAT_RETURN_IF_ERROR(RemoveOld(&admin, name));
  absl::StatusOr<client::JobInfo> submitted = admin.SubmitJob(name, script);
  if (absl::IsInvalidArgument(submitted.status())) return Annotate(submitted.status(), options.file);
  LEAT_ASSIGN_OR_RETURN(const client::JobInfo job, AwaitStart(&admin, std::move(submitted)));
  context->json() ? PrintJson(ToJson(job)) : PrintSubmitted(job);
  if (job.state == "FAILED") return FailedPrecondition("job ", name, " failed at its start: ", job.error);
  return absl::OkStatus();
}

absl::Status Upgrade(Context* context, const JobOptions& options) {
  LEAT_ASSIGN_OR_RETURN(const std::string sql, ReadText(options.file));
  client::Admin admin(context->connection());
  const client::UpgradeMode mode = options.dry_run ? client::UpgradeMode::kCheck : client::UpgradeMode::kApply;
  const absl::StatusOr<client::UpgradeResult> upgraded = admin.UpgradeJob(options.name, sql, options.drop_state, mode);
  if (absl::IsInvalidArgument(upgraded.status())) return Annotate(upgraded.status(), options.file);
  LEAT_RETURN_IF_ERROR(upgraded.status());
  absl::StatusOr<client::JobInfo> now = upgraded->job;
  if (!options.dry_run) now = AwaitStart(&admin, std::move(now));
  LEAT_ASSIGN_OR_RETURN(const client::JobInfo job, std::move(now));
  if (context->json()) {
    PrintJson(json::object{{"job", ToJson(job)},
                           {"dry_run", options.dry_run},
                           {"changes", json::array(upgraded->changes.begin(), upgraded->changes.end())}});
  } else {
    Print(options.dry_run
              ? StrCat("job ", job.name, " can be upgraded\n")
              : StrCat("job ", job.name, " is ", job.state, ", with revision ", job.revision, " of its SQL\n"));
    for (const std::string& change : upgraded->changes) Print(StrCat("  ", change, "\n"));
  }
  if (job.state == "FAILED" && !options.dry_run) {
    return FailedPrecondition("job ", job.name, " failed with the new SQL: ", job.error,
                              "; an upgrade to the SQL before goes back");
  }
  return absl::OkStatus();
}

absl::Status List(Context* context, const JobOptions&) {
  client::Admin admin(context->connection());
  LEAT_ASSIGN_OR_RETURN(const std::vector<client::JobInfo> jobs, admin.ListJobs());
  json::array list;
  Table table({Left("JOB"), Left("STATE"), Right("NODE"), Right("ROWS IN"), Right("ROWS OUT"), Right("LATE"),
               Right("DEAD"), Right("STATE SIZE"), Right("CHECKPOINT")});
  for (const client::JobInfo& job : jobs) {
    list.push_back(ToJson(job));
    table.Add({job.name, job.state, NodeText(job), StrCat(job.rows_in), StrCat(job.rows_out), StrCat(job.rows_late),
               StrCat(job.rows_dead), BytesText(job.state_bytes), Age(job.checkpoint_age_ms)});
  }
  context->json() ? PrintJson(list) : Print(table.Render());
  return absl::OkStatus();
}

absl::Status Describe(Context* context, const JobOptions& options) {
  client::Admin admin(context->connection());
  LEAT_ASSIGN_OR_RETURN(client::JobInfo job, admin.DescribeJob(options.name));
  std::sort(job.inputs.begin(), job.inputs.end(),
            [](const client::JobInput& a, const client::JobInput& b) { return a.partition < b.partition; });
  if (context->json()) {
    PrintJson(ToJson(job));
    return absl::OkStatus();
  }
  Print(StrCat("job         ", job.name, "\nstate       ", job.state, "\nnode        ", NodeText(job), "\n"));
  if (job.revision > 1) Print(StrCat("revision    ", job.revision, " of its SQL\n"));
  if (!job.error.empty()) Print(StrCat("error       ", job.error, "\n"));
  const bool runs = !job.operators.empty();
  Print(StrCat("rows        ", job.rows_in, " in, ", job.rows_out, " out, ", job.rows_late, " late, ", job.rows_dead,
               " dead\ncheckpoints ", job.checkpoints, ", last ", Age(job.checkpoint_age_ms), LastCheckpoint(job),
               "\nstate size  ", BytesText(job.state_bytes), "\nrestarts    ", job.restarts, "\n"));
  if (runs)
    Print(StrCat("cpu         ", CpuText(job), "\nlatency     ", LatencyText(job.latency), "\n\n", OperatorsText(job)));
  Print("\n");
  Table inputs({Left("TOPIC"), Right("PARTITION"), Right("OFFSET"), Right("END"), Left("WATERMARK")});
  for (const client::JobInput& input : job.inputs) {
    inputs.Add({input.partition.topic, StrCat(input.partition.partition), input.offset < 0 ? "-" : StrCat(input.offset),
                input.end_offset < 0 ? "-" : StrCat(input.end_offset),
                input.watermark_ms ? TimeText(*input.watermark_ms) : "-"});
  }
  if (!inputs.empty()) Print(StrCat(inputs.Render(), "\n"));
  Print(StrCat(job.plan, job.plan.ends_with('\n') ? "" : "\n"));
  return absl::OkStatus();
}

void Say(const Context& context, const std::string& sentence, const json::object& object) {
  context.json() ? PrintJson(object) : Print(StrCat(sentence, "\n"));
}

absl::Status Stop(Context* context, const JobOptions& options) {
  LEAT_RETURN_IF_ERROR(client::Admin(context->connection()).StopJob(options.name));
  Say(*context, StrCat("stopped job ", options.name, "; `leat job start ", options.name, "` goes on where it was"),
      {{"stopped", options.name}});
  return absl::OkStatus();
}

absl::Status Start(Context* context, const JobOptions& options) {
  LEAT_RETURN_IF_ERROR(client::Admin(context->connection()).StartJob(options.name));
  Say(*context, StrCat("started job ", options.name), {{"started", options.name}});
  return absl::OkStatus();
}

absl::Status Delete(Context* context, const JobOptions& options) {
  if (Declined(StrCat("Delete job ", options.name, " and its state?"), options.yes)) {
    return FailedPrecondition("job ", options.name, " was not deleted");
  }
  LEAT_RETURN_IF_ERROR(client::Admin(context->connection()).DeleteJob(options.name));
  Say(*context, StrCat("deleted job ", options.name), {{"deleted", options.name}});
  return absl::OkStatus();
}

absl::Status Logs(Context* context, const JobOptions& options) {
  client::Admin admin(context->connection());
  std::vector<client::JobLogLine> seen;
  if (options.follow) InstallInterrupt();
  do {
    LEAT_ASSIGN_OR_RETURN(std::vector<client::JobLogLine> lines, admin.JobLogs(options.name));
    for (size_t i = FirstNewLine(seen, lines); i < lines.size(); ++i) {
      if (context->json()) {
        PrintJson(json::object{{"time_ms", lines[i].time_ms}, {"text", lines[i].text}});
      } else {
        Print(StrCat(TimeText(lines[i].time_ms), " ", lines[i].text, "\n"));
      }
    }
    std::fflush(stdout);
    seen = std::move(lines);
    if (options.follow) absl::SleepFor(kFollowInterval);
  } while (options.follow && !Interrupted());
  return absl::OkStatus();
}

absl::Status Explain(Context* context, const JobOptions& options) {
  LEAT_ASSIGN_OR_RETURN(const std::string sql, ReadText(options.file));
  const absl::StatusOr<std::string> explained = client::Admin(context->connection()).Explain(sql);
  if (!explained.ok()) return Annotate(explained.status(), options.file);
  const std::string& plan = *explained;
  if (context->json()) {
    PrintJson(json::object{{"plan", plan}});
  } else {
    Print(StrCat(plan, plan.ends_with('\n') ? "" : "\n"));
  }
  return absl::OkStatus();
}

using Action = absl::Status (*)(Context*, const JobOptions&);

struct Added {
  CLI::App* command;
  std::shared_ptr<JobOptions> options;
};
Added Add(CLI::App* group, Context* context, Action action, const CommandText& text) {
  Added added{AddCommand(group, text), std::make_shared<JobOptions>()};
  added.command->callback(
      [context, action, options = added.options] { context->command = [=] { return action(context, *options); }; });
  return added;
}
Added AddNamed(CLI::App* group, Context* context, Action action, const CommandText& text) {
  Added added = Add(group, context, action, text);
  added.command->add_option("name", added.options->name, "the job")->required();
  return added;
}

void AddReplayOptions(CLI::App* command, Context* context, const std::shared_ptr<JobOptions>& options) {
  command
      ->add_option(
          "--from", options->from,
          "earliest, latest, offset N (of each partition) or time T: where its sources begin, whatever the SQL "
          "says; its output topics have to be empty")
      ->expected(1, 2);
  command->add_option("--topic-suffix", options->replay.topic_suffix,
                      "is added to the topics that the job writes, and to the groups that its SQL names");
  command->add_flag("--append", options->append, "with --from: write to output topics that have records already");
  command->callback([=] {
    if (!options->from.empty()) {
      const absl::StatusOr<ResetTarget> from = ParseResetTarget(options->from);
      if (!from.ok()) ThrowUsage(StrCat("--from: ", Message(from.status())));
      options->replay.from = *from;
    }
    context->command = [=] { return Submit(context, *options); };
  });
}

void AddSubmit(CLI::App* group, Context* context) {
  const Added submit =
      Add(group, context, Submit,
          {.name = "submit",
           .description = "Start a job from a file of SQL",
           .examples = "  leat job submit fraud.sql\n  leat job submit fraud.sql --name fraud-v2\n"
                       "  leat job submit fraud.sql --replace\n"
                       "  leat job submit fraud.sql --name fraud-v2 --from earliest --topic-suffix=-v2"});
  submit.command->add_option("file", submit.options->file, "the SQL")->required();
  submit.command->add_option("--name", submit.options->name, "the job's name; without it, the file's");
  submit.command->add_flag("--replace", submit.options->replace,
                           "delete the job of that name and its state first, if the new SQL compiles");
  AddReplayOptions(submit.command, context, submit.options);
}

void AddUpgrade(CLI::App* group, Context* context) {
  const Added upgrade =
      AddNamed(group, context, Upgrade,
               {.name = "upgrade",
                .description = "Give a job other SQL; it goes on where it was, with its state",
                .examples = "  leat job upgrade fraud fraud.sql --dry-run\n  leat job upgrade fraud fraud.sql\n"
                            "  leat job upgrade fraud fraud.sql --drop-state GroupAggregate#4"});
  upgrade.command->add_option("file", upgrade.options->file, "the new SQL, all of it")->required();
  upgrade.command->add_flag("--dry-run", upgrade.options->dry_run,
                            "say whether the new SQL fits the job's state and what becomes of it; change nothing");
  AddRepeated(upgrade.command, "--drop-state", &upgrade.options->drop_state,
              "an operator whose state may be lost, as the refusal names it, or all; more than once for several");
}

}  // namespace

void AddJobCommands(CLI::App* app, Context* context) {
  CLI::App* group = AddGroup(app, {.name = "job",
                                   .description = "Submit and look after streaming SQL jobs",
                                   .examples = "  leat job submit fraud.sql\n  leat job describe fraud"});
  AddSubmit(group, context);
  AddUpgrade(group, context);
  const Added explain = Add(group, context, Explain,
                            {.name = "explain",
                             .description = "Show how a file of SQL would run, without starting it",
                             .examples = "  leat job explain fraud.sql"});
  explain.command->add_option("file", explain.options->file, "the SQL")->required();
  AddJobTestCommand(group, context);
  AddJobExportCommand(group, context);
  Add(group, context, List,
      {.name = "list", .description = "List the jobs", .examples = "  leat job list\n  leat job list -o json"});
  AddNamed(group, context, Describe,
           {.name = "describe",
            .description = "Show a job's state, counters, positions, watermarks and plan",
            .examples = "  leat job describe fraud\n  leat job describe fraud -o json"});
  AddJobTopCommand(group, context);
  AddNamed(group, context, Stop,
           {.name = "stop",
            .description = "Stop a job; it keeps its state and its positions",
            .examples = "  leat job stop fraud"});
  AddNamed(group, context, Start,
           {.name = "start",
            .description = "Start a stopped or failed job where it was",
            .examples = "  leat job start fraud"});
  const Added remove = AddNamed(
      group, context, Delete,
      {.name = "delete", .description = "Delete a job and its state", .examples = "  leat job delete fraud --yes"});
  remove.command->add_flag("--yes", remove.options->yes, "do not ask");
  const Added logs = AddNamed(group, context, Logs,
                              {.name = "logs",
                               .description = "Print what a job has reported",
                               .examples = "  leat job logs fraud\n  leat job logs fraud --follow"});
  logs.command->add_flag("--follow", logs.options->follow, "go on printing new lines until Ctrl-C");
}

}  // namespace leat::tool
