#include "tools/leat/job_top_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/status.h"
#include "leat/client/admin.h"
#include "tools/leat/job_top.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

struct TopOptions {
  std::vector<std::string> names;
  std::string interval = "2s";
  bool once = false;
};

constexpr absl::Duration kLookForCtrlC = absl::Milliseconds(100);

absl::StatusOr<std::vector<client::JobInfo>> Look(client::Admin* admin, const TopOptions& options) {
  std::vector<std::string> names = options.names;
  if (names.empty()) {
    LEAT_ASSIGN_OR_RETURN(const std::vector<client::JobInfo> all, admin->ListJobs());
    for (const client::JobInfo& job : all) names.push_back(job.name);
  }
  std::vector<client::JobInfo> jobs;
  for (const std::string& name : names) {
    absl::StatusOr<client::JobInfo> job = admin->DescribeJob(name);
    if (absl::IsNotFound(job.status()) && options.names.empty()) continue;  // deleted just now
    LEAT_RETURN_IF_ERROR(job.status());
    jobs.push_back(*std::move(job));
  }
  return jobs;
}

// Over what was there, from the top left corner; what is left of it below goes.
void Redraw(const std::string& text) {
  std::string drawn = "\x1b[H";
  for (const char c : text) {
    if (c == '\n') drawn += "\x1b[K";
    drawn += c;
  }
  Print(drawn + "\x1b[J");
}

void Pause(absl::Duration interval) {
  const absl::Time end = absl::Now() + interval;
  while (!Interrupted() && absl::Now() < end) absl::SleepFor(std::min(kLookForCtrlC, end - absl::Now()));
}

class Watching {
 public:
  Watching(Context* context, const TopOptions& options)
      : context_(*context),
        options_(options),
        interval_(*ParseDurationText(options.interval)),
        redraws_(!options.once && !context->json() && isatty(STDOUT_FILENO) != 0),
        admin_(context->connection()) {}

  absl::Status Run() {
    LEAT_ASSIGN_OR_RETURN(std::vector<client::JobInfo> before, Look(&admin_, options_));
    if (redraws_) {
      Print("\x1b[2J");
      Redraw(StrCat(TopText({}, before), "\nmeasuring ...\n"));
    }
    while (true) {
      Pause(interval_);
      if (Interrupted()) return absl::OkStatus();
      absl::StatusOr<std::vector<client::JobInfo>> now = Look(&admin_, options_);
      if (redraws_ && absl::IsUnavailable(now.status())) {
        // Whoever watches wants to see that it comes back.
        Redraw(StrCat("the broker does not answer; trying again every ", options_.interval, "\n", Message(now.status()),
                      "\n"));
        continue;
      }
      LEAT_RETURN_IF_ERROR(now.status());
      Show(before, *now);
      if (options_.once) return absl::OkStatus();
      before = *std::move(now);
    }
  }

 private:
  void Show(const std::vector<client::JobInfo>& before, const std::vector<client::JobInfo>& now) const {
    if (context_.json()) {
      PrintJson(TopJson(before, now));
    } else if (redraws_) {
      Redraw(StrCat(TopText(before, now), "\nCtrl-C ends this\n"));
    } else {
      Print(TopText(before, now));
    }
    std::fflush(stdout);
  }

  const Context& context_;
  const TopOptions& options_;
  const absl::Duration interval_;
  const bool redraws_;
  client::Admin admin_;
};

absl::Status Top(Context* context, const TopOptions& options) {
  InstallInterrupt();
  return Watching(context, options).Run();
}

}  // namespace

void AddJobTopCommand(CLI::App* group, Context* context) {
  CLI::App* command =
      AddCommand(group, {.name = "top",
                         .description = "Watch what the operators of jobs do: rows a second, busy time, lag, latency",
                         .examples = "  leat job top\n  leat job top fraud --interval 5s\n"
                                     "  leat job top --once -o json"});
  auto options = std::make_shared<TopOptions>();
  command->add_option("names", options->names, "these jobs; without any, all of them");
  command->add_option("--interval", options->interval, "between two looks; rates are of this time")
      ->check([](const std::string& text) { return std::string(Message(ParseDurationText(text).status())); })
      ->capture_default_str();
  command->add_flag("--once", options->once, "look twice, print one table and end");
  command->callback([=] { context->command = [=] { return Top(context, *options); }; });
}

}  // namespace leat::tool
