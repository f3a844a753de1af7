#include <absl/strings/escaping.h>
#include <absl/time/clock.h>
#include <simdjson.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdio>
#include <map>
#include <tuple>

#include "base/status.h"
#include "tools/leat/commands.h"
#include "tools/leat/dead_letter_queue.h"
#include "tools/leat/table.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

namespace json = boost::json;

constexpr size_t kMostGroups = 1000;  // of one job, in `list`; what comes after them is counted together
constexpr size_t kMostReason = 60;    // characters of a reason in a table
constexpr absl::Duration kFollowInterval = absl::Milliseconds(500);

struct DlqOptions {
  std::string job;
  std::string topic;
  uint64_t limit = 20;
  int64_t offset = -1;
  int32_t max_attempts = 3;
  std::string backoff = "0s";
  bool follow = false;
  bool all = false;
  bool yes = false;
};

// --- list

struct Group {  // letters of one job with the same origin, operator and reason
  uint64_t count = 0;
  int32_t attempts = 0;  // the most
  int64_t oldest_ms = INT64_MAX;
  int64_t newest_ms = INT64_MIN;
};
using GroupKey = std::tuple<std::string, std::string, std::string>;

struct Summary {
  std::string job;
  std::string topic;
  uint64_t count = 0;
  std::map<GroupKey, Group> groups;
};

void AddTo(Group* group, const DeadLetter& letter) {
  ++group->count;
  group->attempts = std::max(group->attempts, letter.attempt);
  group->oldest_ms = std::min(group->oldest_ms, letter.time_ms);
  group->newest_ms = std::max(group->newest_ms, letter.time_ms);
}

absl::StatusOr<Summary> Summarise(const DeadLetterQueue& queue, const DlqOptions& options) {
  LEAT_ASSIGN_OR_RETURN(const DeadLetterQueue::Range range, queue.Find());
  Summary summary{.job = queue.job(), .topic = queue.partition().topic};
  LEAT_RETURN_IF_ERROR(queue.Read(options.all ? range.begin : range.waiting, range.end, [&](const DeadLetter& letter) {
    ++summary.count;
    GroupKey key{letter.origin ? letter.origin->partition.topic : "", letter.step, letter.reason};
    if (summary.groups.size() >= kMostGroups && !summary.groups.contains(key)) key = {"", "", "(other reasons)"};
    AddTo(&summary.groups[key], letter);
    return true;
  }));
  return summary;
}

// The jobs whose letters are meant: the one that was named, or all that there are.
absl::StatusOr<std::vector<std::string>> JobsOf(Context* context, const DlqOptions& options) {
  if (!options.job.empty()) return std::vector<std::string>{options.job};
  LEAT_ASSIGN_OR_RETURN(const std::vector<client::JobInfo> jobs, client::Admin(context->connection()).ListJobs());
  std::vector<std::string> names;
  for (const client::JobInfo& job : jobs) names.push_back(job.name);
  return names;
}

json::object ToJson(const Summary& summary) {
  json::array groups;
  for (const auto& [key, group] : summary.groups) {
    const auto& [origin, step, reason] = key;
    groups.push_back({{"count", group.count},
                      {"topic", origin.empty() ? json::value(nullptr) : json::value(origin)},
                      {"operator", step},
                      {"reason", reason},
                      {"attempts", group.attempts},
                      {"oldest_ms", group.oldest_ms},
                      {"newest_ms", group.newest_ms}});
  }
  return {{"job", summary.job},
          {"dead_letter_topic", summary.topic},
          {"count", summary.count},
          {"groups", std::move(groups)}};
}

std::string Shortened(const std::string& text) {
  return text.size() <= kMostReason ? text : StrCat(text.substr(0, kMostReason), "..");
}

absl::Status List(Context* context, const DlqOptions& options) {
  LEAT_ASSIGN_OR_RETURN(const std::vector<std::string> jobs, JobsOf(context, options));
  json::array list;
  Table table({Left("JOB"), Right("COUNT"), Left("FROM"), Left("OPERATOR"), Right("ATTEMPTS"), Left("OLDEST"),
               Left("NEWEST"), Left("REASON")});
  for (const std::string& job : jobs) {
    const absl::StatusOr<DeadLetterQueue> queue = DeadLetterQueue::Open(context->connection(), job, options.topic);
    // A job that has never run has no such topic.
    if (options.job.empty() && absl::IsNotFound(queue.status())) continue;
    LEAT_RETURN_IF_ERROR(queue.status());
    LEAT_ASSIGN_OR_RETURN(const Summary summary, Summarise(*queue, options));
    list.push_back(ToJson(summary));
    for (const auto& [key, group] : summary.groups) {
      const auto& [origin, step, reason] = key;
      table.Add({job, StrCat(group.count), origin.empty() ? "-" : origin, step, StrCat(group.attempts),
                 TimeText(group.oldest_ms), TimeText(group.newest_ms), Shortened(reason)});
    }
  }
  if (context->json()) {
    PrintJson(list);
  } else {
    Print(table.empty() ? "no dead letters wait\n" : table.Render());
  }
  return absl::OkStatus();
}

// --- show

// `"name": text`, or `"name_base64"` of what is no UTF-8.
void AddText(const std::string& name, const std::optional<std::string>& text, json::object* object) {
  if (text && !simdjson::validate_utf8(text->data(), text->size())) {
    std::string encoded;
    absl::Base64Escape(*text, &encoded);
    (*object)[name + "_base64"] = encoded;
  } else {
    (*object)[name] = text ? json::value(*text) : json::value(nullptr);
  }
}

json::object ToJson(const DeadLetter& letter) {
  json::object object = {{"offset", letter.offset}, {"time_ms", letter.time_ms},        {"job", letter.job},
                         {"reason", letter.reason}, {"operator", letter.step},          {"attempts", letter.attempt},
                         {"origin", nullptr},       {"is_record", letter.HoldsRecord()}};
  if (letter.origin) {
    object["origin"] = {{"topic", letter.origin->partition.topic},
                        {"partition", letter.origin->partition.partition},
                        {"offset", letter.origin->offset}};
  }
  if (letter.whole_bytes) object["whole_bytes"] = *letter.whole_bytes;
  AddText("key", letter.key, &object);
  AddText("value", letter.value, &object);
  json::array headers;
  for (const auto& [name, value] : letter.headers) {
    json::object header = {{"name", name}};
    AddText("value", value, &header);
    headers.push_back(std::move(header));
  }
  object["headers"] = std::move(headers);
  return object;
}

void PrintLetter(const DeadLetter& letter) {
  std::string text = StrCat("letter    ", letter.offset, ", ", TimeText(letter.time_ms), "\n");
  if (letter.origin) {
    StrAppend(&text, "record    ", letter.origin->partition.topic, "-", letter.origin->partition.partition,
              " at offset ", letter.origin->offset, "\n");
  } else {
    StrAppend(&text, "record    none: the row was made of several\n");
  }
  if (letter.attempt > 0) StrAppend(&text, "attempts  ", letter.attempt, "\n");
  StrAppend(&text, "operator  ", letter.step, "\nreason    ", letter.reason, "\n");
  if (letter.key) StrAppend(&text, "key       ", *letter.key, "\n");
  StrAppend(&text, letter.HoldsRecord() ? "value     " : "row       ", letter.value.value_or("(none)"), "\n");
  if (letter.whole_bytes) StrAppend(&text, "          cut, it had ", *letter.whole_bytes, " bytes\n");
  for (const auto& [name, value] : letter.headers) {
    StrAppend(&text, "header    ", name, "=", value.value_or(""), "\n");
  }
  Print(StrCat(text, "\n"));
}

absl::Status Show(Context* context, const DlqOptions& options) {
  LEAT_ASSIGN_OR_RETURN(const DeadLetterQueue queue,
                        DeadLetterQueue::Open(context->connection(), options.job, options.topic));
  LEAT_ASSIGN_OR_RETURN(const DeadLetterQueue::Range range, queue.Find());
  int64_t from = options.all ? range.begin : range.waiting;
  if (options.offset >= 0) from = std::clamp(options.offset, range.begin, range.end);
  json::array list;
  uint64_t shown = 0;
  absl::Status status;
  if (options.limit > 0) {
    LEAT_RETURN_IF_ERROR(queue.Read(from, range.end, [&](DeadLetter read) {
      const absl::StatusOr<DeadLetter> letter = queue.WithAttempts(std::move(read));
      if (!letter.ok()) {
        status = letter.status();
        return false;
      }
      context->json() ? (void)list.push_back(ToJson(*letter)) : PrintLetter(*letter);
      return ++shown < options.limit;
    }));
  }
  LEAT_RETURN_IF_ERROR(status);
  if (context->json()) {
    PrintJson(list);
  } else if (shown == 0) {
    Print(StrCat("no dead letters of ", options.job, " wait; --all shows those that were handled\n"));
  }
  return absl::OkStatus();
}

// --- retry, discard

void PrintOutcome(const Context& context, const DeadLetterQueue& queue, const DeadLetterQueue::Outcome& outcome) {
  if (context.json()) {
    json::array why;
    for (const DeadLetterQueue::Refused& refused : outcome.why) {
      why.push_back({{"offset", refused.offset}, {"why", refused.why}});
    }
    PrintJson(json::object{{"sent", outcome.sent},
                           {"repeated", outcome.repeated},
                           {"not_sent", outcome.not_sent},
                           {"why", std::move(why)},
                           {"next_offset", outcome.waiting}});
    return;
  }
  Print(StrCat("sent ", outcome.sent, " record(s) again; ", outcome.not_sent, " could not be\n"));
  if (outcome.repeated > 0) Print(StrCat(outcome.repeated, " letter(s) told of a record that was handled already\n"));
  for (const DeadLetterQueue::Refused& refused : outcome.why) {
    Print(StrCat("  letter ", refused.offset, ": ", refused.why, "\n"));
  }
  if (outcome.not_sent > 0) {
    Print(StrCat("`leat dlq show ", queue.job(), " --all` shows them as long as ", queue.partition().topic,
                 " keeps them\n"));
  }
}

// Until Ctrl-C: each letter when its time has come.
absl::Status Follow(Context* context, DeadLetterQueue* queue, DeadLetterQueue::RetryOptions retry) {
  InstallInterrupt();
  while (!Interrupted()) {
    LEAT_ASSIGN_OR_RETURN(const std::optional<int64_t> due, queue->NextDue(retry.backoff_ms));
    retry.now_ms = absl::ToUnixMillis(absl::Now());
    if (!due || *due > retry.now_ms) {
      absl::SleepFor(kFollowInterval);
      continue;
    }
    LEAT_ASSIGN_OR_RETURN(const DeadLetterQueue::Outcome outcome, queue->Retry(retry));
    PrintOutcome(*context, *queue, outcome);
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

absl::Status Retry(Context* context, const DlqOptions& options) {
  LEAT_ASSIGN_OR_RETURN(DeadLetterQueue queue,
                        DeadLetterQueue::Open(context->connection(), options.job, options.topic));
  LEAT_ASSIGN_OR_RETURN(const absl::Duration backoff, ParseDurationText(options.backoff));
  const DeadLetterQueue::RetryOptions retry{.limit = options.limit,
                                            .max_attempts = options.max_attempts,
                                            .backoff_ms = absl::ToInt64Milliseconds(backoff),
                                            .now_ms = absl::ToUnixMillis(absl::Now())};
  if (options.follow) return Follow(context, &queue, retry);
  LEAT_ASSIGN_OR_RETURN(const DeadLetterQueue::Outcome outcome, queue.Retry(retry));
  PrintOutcome(*context, queue, outcome);
  return absl::OkStatus();
}

absl::Status Discard(Context* context, const DlqOptions& options) {
  LEAT_ASSIGN_OR_RETURN(DeadLetterQueue queue,
                        DeadLetterQueue::Open(context->connection(), options.job, options.topic));
  const std::string which = options.limit == UINT64_MAX ? "all" : StrCat("the first ", options.limit);
  if (Declined(StrCat("Pass over ", which, " waiting dead letters of ", options.job, "?"), options.yes)) {
    return FailedPrecondition("the dead letters of ", options.job, " wait as before");
  }
  LEAT_ASSIGN_OR_RETURN(const uint64_t passed, queue.Discard(options.limit));
  if (context->json()) {
    PrintJson(json::object{{"discarded", passed}});
  } else {
    Print(StrCat("passed over ", passed, " dead letter(s); ", queue.partition().topic,
                 " keeps them for its retention time\n"));
  }
  return absl::OkStatus();
}

using Action = absl::Status (*)(Context*, const DlqOptions&);

struct Added {
  CLI::App* command;
  std::shared_ptr<DlqOptions> options;
};
Added Add(CLI::App* group, Context* context, Action action, const CommandText& text) {
  Added added{AddCommand(group, text), std::make_shared<DlqOptions>()};
  added.command->callback(
      [context, action, options = added.options] { context->command = [=] { return action(context, *options); }; });
  added.command->add_option("--topic", added.options->topic,
                            "the dead-letter topic; without it, the one that the job's SQL names, or JOB-dlq");
  return added;
}
Added AddNamed(CLI::App* group, Context* context, Action action, const CommandText& text) {
  Added added = Add(group, context, action, text);
  added.command->add_option("job", added.options->job, "the job, also one that was deleted")->required();
  return added;
}

}  // namespace

void AddDlqCommands(CLI::App* app, Context* context) {
  CLI::App* group =
      AddGroup(app, {.name = "dlq",
                     .description = "Look at the records that a job could not process, and send them again",
                     .examples = "  leat dlq list\n  leat dlq show iot\n  leat dlq retry iot"});
  const Added list = Add(group, context, List,
                         {.name = "list",
                          .description = "Count the dead letters that wait, by origin, operator and reason",
                          .examples = "  leat dlq list\n  leat dlq list iot --all -o json"});
  list.command->add_option("job", list.options->job, "only this job, also one that was deleted");
  list.command->add_flag("--all", list.options->all, "also those that were sent again or discarded");
  const Added show = AddNamed(group, context, Show,
                              {.name = "show",
                               .description = "Show dead letters with their error, origin and content",
                               .examples = "  leat dlq show iot\n  leat dlq show iot --offset 12 --limit 1 -o json"});
  show.command->add_option("--limit", show.options->limit, "at most this many")->capture_default_str();
  show.command->add_option("--offset", show.options->offset, "from this offset of the dead-letter topic")
      ->check(CLI::NonNegativeNumber);
  show.command->add_flag("--all", show.options->all, "also those that were sent again or discarded");
  const Added retry =
      AddNamed(group, context, Retry,
               {.name = "retry",
                .description = "Send the records of waiting dead letters to their topics again, each once",
                .examples = "  leat dlq retry iot\n  leat dlq retry iot --limit 1\n"
                            "  leat dlq retry iot --follow --backoff 30s --max-attempts 5"});
  retry.options->limit = UINT64_MAX;
  retry.command->add_option("--limit", retry.options->limit, "only the first so many letters");
  retry.command
      ->add_option("--max-attempts", retry.options->max_attempts, "pass over records that were sent again so often")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  retry.command
      ->add_option(
          "--backoff", retry.options->backoff,
          "only letters that are so old, and twice as old for each attempt before; the first that is not holds "
          "back those behind it")
      ->check([](const std::string& text) { return std::string(Message(ParseDurationText(text).status())); })
      ->capture_default_str();
  retry.command->add_flag("--follow", retry.options->follow, "go on with letters that come until Ctrl-C");
  const Added discard = AddNamed(group, context, Discard,
                                 {.name = "discard",
                                  .description = "Pass over waiting dead letters: they are not sent again",
                                  .examples = "  leat dlq discard iot --yes\n  leat dlq discard iot --limit 1"});
  discard.options->limit = UINT64_MAX;
  discard.command->add_option("--limit", discard.options->limit, "only the first so many letters");
  discard.command->add_flag("--yes", discard.options->yes, "do not ask");
}

}  // namespace leat::tool
