#include "tools/leat/job_top.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "base/strings.h"
#include "tools/leat/table.h"
#include "tools/leat/time_text.h"

namespace leat::tool {

namespace {

namespace json = boost::json;

std::string Number(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

std::string SecondsText(double seconds) { return DurationText(absl::Seconds(seconds)); }

std::string LagText(const client::JobOperator& op) {
  if (op.input_ended) return "ended";
  return op.watermark_ms ? SecondsText(op.watermark_lag_seconds) : "-";
}

// Of all the time that the workers had.
std::string ShareText(double seconds, double of) { return of <= 0 ? "-" : Number("%.1f%%", 100 * seconds / of); }

// What an operator did between two looks, per second.
struct Rates {
  double rows_in = 0, rows_out = 0;
  double busy = 0, backpressured = 0;  // of one worker: 2 is two workers all of the time
};

const client::JobInfo* Find(const std::vector<client::JobInfo>& jobs, const std::string& name) {
  const auto it = std::find_if(jobs.begin(), jobs.end(), [&](const auto& job) { return job.name == name; });
  return it == jobs.end() ? nullptr : &*it;
}

std::optional<Rates> RatesOf(const client::JobInfo* before, const client::JobInfo& now, size_t index) {
  if (before == nullptr || before->node != now.node || index >= before->operators.size()) return std::nullopt;
  const double seconds = now.seconds - before->seconds;
  const client::JobOperator& a = before->operators[index];
  const client::JobOperator& b = now.operators[index];
  if (seconds <= 0 || a.name != b.name || b.rows_in < a.rows_in || b.rows_out < a.rows_out) return std::nullopt;
  return Rates{.rows_in = static_cast<double>(b.rows_in - a.rows_in) / seconds,
               .rows_out = static_cast<double>(b.rows_out - a.rows_out) / seconds,
               .busy = std::max(0.0, b.busy_seconds - a.busy_seconds) / seconds,
               .backpressured = std::max(0.0, b.backpressured_seconds - a.backpressured_seconds) / seconds};
}

// What of a processor the job used between the looks.
std::optional<double> CoresOf(const client::JobInfo* before, const client::JobInfo& now) {
  if (before == nullptr || before->node != now.node) return std::nullopt;
  const double seconds = now.seconds - before->seconds;
  if (seconds <= 0 || now.cpu_seconds < before->cpu_seconds) return std::nullopt;
  return (now.cpu_seconds - before->cpu_seconds) / seconds;
}

std::string HeadLine(const client::JobInfo* before, const client::JobInfo& job) {
  std::string line = StrCat(job.name, "  ", job.state);
  if (job.node >= 0) StrAppend(&line, " on node ", job.node);
  if (job.workers > 0) StrAppend(&line, ", ", job.workers, job.workers == 1 ? " worker" : " workers");
  if (const auto cores = CoresOf(before, job)) StrAppend(&line, ", ", Number("%.2f", *cores), " cores");
  if (job.cpu_limit > 0) StrAppend(&line, " of at most ", Number("%g", job.cpu_limit));
  StrAppend(&line, "  latency ", LatencyText(job.latency));
  if (job.checkpoint_age_ms >= 0) {
    StrAppend(&line, "  checkpoint ", BytesText(job.checkpoint_bytes), " in ",
              SecondsText(job.checkpoint_duration_seconds), ", ",
              DurationText(absl::Milliseconds(job.checkpoint_age_ms)), " ago");
  }
  if (!job.error.empty()) StrAppend(&line, "\n  ", job.error);
  return line + "\n";
}

}  // namespace

boost::json::object ProgressJson(const client::JobInfo& job) {
  json::array operators;
  for (const client::JobOperator& op : job.operators) {
    operators.push_back(
        {{"id", op.id},
         {"name", op.name},
         {"rows_in", op.rows_in},
         {"rows_out", op.rows_out},
         {"rows_late", op.rows_late},
         {"rows_dead", op.rows_dead},
         {"state_bytes", op.state_bytes},
         {"watermark_ms", op.watermark_ms ? json::value(*op.watermark_ms) : json::value(nullptr)},
         {"watermark_lag_seconds", op.watermark_ms ? json::value(op.watermark_lag_seconds) : json::value(nullptr)},
         {"input_ended", op.input_ended},
         {"busy_seconds", op.busy_seconds},
         {"backpressured_seconds", op.backpressured_seconds}});
  }
  json::value latency = nullptr;
  if (job.latency.records > 0) {
    latency = {{"records", job.latency.records},
               {"p50_seconds", job.latency.p50_seconds},
               {"p95_seconds", job.latency.p95_seconds},
               {"p99_seconds", job.latency.p99_seconds}};
  }
  return {{"workers", job.workers},
          {"run_seconds", job.seconds},
          {"checkpoint_bytes", job.checkpoint_bytes},
          {"cpu_seconds", job.cpu_seconds},
          {"cpu_limited_seconds", job.cpu_limited_seconds},
          {"cpu_limit", job.cpu_limit > 0 ? json::value(job.cpu_limit) : json::value(nullptr)},
          {"latency", std::move(latency)},
          {"operators", std::move(operators)}};
}

std::string LatencyText(const client::JobLatency& latency) {
  if (latency.records == 0) return "not known: no record in the last two minutes";
  return StrCat("p50 ", SecondsText(latency.p50_seconds), ", p95 ", SecondsText(latency.p95_seconds), ", p99 ",
                SecondsText(latency.p99_seconds));
}

std::string CpuText(const client::JobInfo& job) {
  std::string text = SecondsText(job.cpu_seconds);
  if (job.cpu_limit > 0) {
    StrAppend(&text, ", at most ", Number("%g", job.cpu_limit), " cores: workers were held back for ",
              SecondsText(job.cpu_limited_seconds));
  }
  return text;
}

std::string OperatorsText(const client::JobInfo& job) {
  const double time = job.seconds * std::max(1, job.workers);
  Table table({Left("OPERATOR"), Right("ROWS IN"), Right("ROWS OUT"), Right("LATE"), Right("DEAD"), Right("STATE"),
               Right("BUSY"), Right("BACK-PRESSURED"), Right("WATERMARK LAG")});
  for (const client::JobOperator& op : job.operators) {
    table.Add({op.name, StrCat(op.rows_in), StrCat(op.rows_out), StrCat(op.rows_late), StrCat(op.rows_dead),
               BytesText(op.state_bytes), ShareText(op.busy_seconds, time), ShareText(op.backpressured_seconds, time),
               LagText(op)});
  }
  return table.Render();
}

std::string TopText(const std::vector<client::JobInfo>& before, const std::vector<client::JobInfo>& now) {
  if (now.empty()) return "no jobs\n";
  std::string text;
  Table table({Left("JOB"), Left("OPERATOR"), Right("IN/S"), Right("OUT/S"), Right("BUSY"), Right("BACK-PRESSURED"),
               Right("WATERMARK LAG"), Right("STATE"), Right("LATE"), Right("DEAD")});
  for (const client::JobInfo& job : now) {
    const client::JobInfo* const then = Find(before, job.name);
    text += HeadLine(then, job);
    for (size_t i = 0; i < job.operators.size(); ++i) {
      const client::JobOperator& op = job.operators[i];
      const std::optional<Rates> rates = RatesOf(then, job, i);
      const double workers = std::max(1, job.workers);
      table.Add({job.name, op.name, rates ? Number("%.0f", rates->rows_in) : "-",
                 rates ? Number("%.0f", rates->rows_out) : "-", rates ? ShareText(rates->busy, workers) : "-",
                 rates ? ShareText(rates->backpressured, workers) : "-", LagText(op), BytesText(op.state_bytes),
                 StrCat(op.rows_late), StrCat(op.rows_dead)});
    }
  }
  if (!table.empty()) StrAppend(&text, "\n", table.Render());
  return text;
}

boost::json::array TopJson(const std::vector<client::JobInfo>& before, const std::vector<client::JobInfo>& now) {
  json::array jobs;
  for (const client::JobInfo& job : now) {
    json::object one = ProgressJson(job);
    one["name"] = job.name;
    one["state"] = job.state;
    one["node"] = job.node < 0 ? json::value(nullptr) : json::value(job.node);
    const std::optional<double> cores = CoresOf(Find(before, job.name), job);
    one["cores"] = cores ? json::value(*cores) : json::value(nullptr);
    one["error"] = job.error;
    one["checkpoint_age_ms"] = job.checkpoint_age_ms;
    one["checkpoint_duration_seconds"] = job.checkpoint_duration_seconds;
    json::array& operators = one["operators"].as_array();
    for (size_t i = 0; i < operators.size(); ++i) {
      const std::optional<Rates> rates = RatesOf(Find(before, job.name), job, i);
      json::object& op = operators[i].as_object();
      const auto put = [&](const char* name, double Rates::*rate) {
        op[name] = rates ? json::value((*rates).*rate) : json::value(nullptr);
      };
      put("rows_in_per_second", &Rates::rows_in);
      put("rows_out_per_second", &Rates::rows_out);
      put("busy_workers", &Rates::busy);
      put("backpressured_workers", &Rates::backpressured);
    }
    jobs.push_back(std::move(one));
  }
  return jobs;
}

}  // namespace leat::tool
