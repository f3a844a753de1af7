// The part of Admin that is about jobs.
#include <algorithm>
#include <utility>

#include "client/connection.h"
#include "leat/client/admin.h"
#include "leat/v1/jobs.grpc.pb.h"

namespace leat::client {
namespace {

template <typename Request, typename Response>
absl::StatusOr<Response> Ask(Connection& connection, Repeat repeat, const Request& request,
                             ::grpc::Status (v1::Jobs::Stub::*method)(::grpc::ClientContext*, const Request&,
                                                                      Response*)) {
  Response response;
  LEAT_RETURN_IF_ERROR(connection.impl().Invoke(repeat, [&](::grpc::ClientContext* context, const ChannelPtr& channel) {
    response.Clear();
    return (v1::Jobs::NewStub(channel).get()->*method)(context, request, &response);
  }));
  return response;
}

v1::JobName Named(const std::string& name) {
  v1::JobName request;
  request.set_name(name);
  return request;
}

void AddProgress(const v1::JobProgress& from, JobInfo* job) {
  job->latency = {.records = from.latency_records(),
                  .p50_seconds = from.latency_p50_seconds(),
                  .p95_seconds = from.latency_p95_seconds(),
                  .p99_seconds = from.latency_p99_seconds()};
  job->workers = from.workers();
  job->seconds = from.seconds();
  job->checkpoint_bytes = from.checkpoint_bytes();
  job->cpu_seconds = from.cpu_seconds();
  job->cpu_limited_seconds = from.cpu_limited_seconds();
  job->cpu_limit = from.cpu_limit();
  for (const v1::JobOperator& op : from.operators()) {
    job->operators.push_back({.id = op.id(),
                              .name = op.name(),
                              .rows_in = op.rows_in(),
                              .rows_out = op.rows_out(),
                              .rows_late = op.rows_late(),
                              .rows_dead = op.rows_dead(),
                              .state_bytes = op.state_bytes(),
                              .watermark_ms = op.has_watermark() ? std::optional(op.watermark_ms()) : std::nullopt,
                              .input_ended = op.input_ended(),
                              .watermark_lag_seconds = op.watermark_lag_seconds(),
                              .busy_seconds = op.busy_seconds(),
                              .backpressured_seconds = op.backpressured_seconds()});
  }
}

JobInfo JobOf(const v1::Job& from) {
  JobInfo job{
      .name = from.name(), .state = from.state(), .error = from.error(), .sql = from.sql(), .plan = from.plan()};
  job.created_ms = from.created_ms();
  job.restarts = from.restarts();
  job.rows_in = from.rows_in();
  job.rows_out = from.rows_out();
  job.rows_late = from.rows_late();
  job.rows_dead = from.rows_dead();
  job.checkpoint_age_ms = from.checkpoint_age_ms();
  job.checkpoint_duration_seconds = from.checkpoint_duration_seconds();
  job.checkpoints = from.checkpoints();
  job.state_bytes = from.state_bytes();
  job.node = from.node();
  job.revision = std::max<int64_t>(1, from.revision());
  for (const v1::JobInput& input : from.inputs()) {
    job.inputs.push_back({.partition = {input.topic(), input.partition()},
                          .offset = input.offset(),
                          .end_offset = input.high_watermark(),
                          .watermark_ms = input.has_watermark() ? std::optional(input.watermark_ms()) : std::nullopt});
  }
  AddProgress(from.progress(), &job);
  return job;
}

}  // namespace

absl::StatusOr<JobInfo> Admin::SubmitJob(const std::string& name, const std::string& sql) {
  v1::SubmitJobRequest request;
  request.set_name(name);
  request.set_sql(sql);
  LEAT_ASSIGN_OR_RETURN(const v1::Job job, Ask(*connection_, Repeat::kUnsafe, request, &v1::Jobs::Stub::Submit));
  return JobOf(job);
}

absl::StatusOr<UpgradeResult> Admin::UpgradeJob(const std::string& name, const std::string& sql,
                                                const std::vector<std::string>& drop_state, UpgradeMode mode) {
  v1::UpgradeJobRequest request;
  request.set_name(name);
  request.set_sql(sql);
  for (const std::string& one : drop_state) request.add_drop_state(one);
  request.set_check_only(mode == UpgradeMode::kCheck);
  LEAT_ASSIGN_OR_RETURN(const v1::UpgradeJobResponse response,
                        Ask(*connection_, Repeat::kUnsafe, request, &v1::Jobs::Stub::Upgrade));
  return UpgradeResult{JobOf(response.job()), {response.changes().begin(), response.changes().end()}};
}

absl::Status Admin::StartJob(const std::string& name) {
  return Ask(*connection_, Repeat::kSafe, Named(name), &v1::Jobs::Stub::Start).status();
}
absl::Status Admin::StopJob(const std::string& name) {
  return Ask(*connection_, Repeat::kSafe, Named(name), &v1::Jobs::Stub::Stop).status();
}
absl::Status Admin::DeleteJob(const std::string& name) {
  return Ask(*connection_, Repeat::kUnsafe, Named(name), &v1::Jobs::Stub::Delete).status();
}

absl::StatusOr<std::vector<JobInfo>> Admin::ListJobs() {
  LEAT_ASSIGN_OR_RETURN(const v1::ListJobsResponse response,
                        Ask(*connection_, Repeat::kSafe, v1::ListJobsRequest(), &v1::Jobs::Stub::List));
  std::vector<JobInfo> jobs;
  for (const v1::Job& job : response.jobs()) jobs.push_back(JobOf(job));
  return jobs;
}

absl::StatusOr<JobInfo> Admin::DescribeJob(const std::string& name) {
  LEAT_ASSIGN_OR_RETURN(const v1::Job job, Ask(*connection_, Repeat::kSafe, Named(name), &v1::Jobs::Stub::Describe));
  return JobOf(job);
}

absl::StatusOr<std::vector<JobLogLine>> Admin::JobLogs(const std::string& name) {
  LEAT_ASSIGN_OR_RETURN(const v1::JobLogsResponse response,
                        Ask(*connection_, Repeat::kSafe, Named(name), &v1::Jobs::Stub::Logs));
  std::vector<JobLogLine> lines;
  for (const v1::JobLogLine& line : response.lines()) lines.push_back({line.time_ms(), line.text()});
  return lines;
}

absl::StatusOr<std::string> Admin::Explain(const std::string& sql) {
  v1::ExplainRequest request;
  request.set_sql(sql);
  LEAT_ASSIGN_OR_RETURN(const v1::ExplainResponse response,
                        Ask(*connection_, Repeat::kSafe, request, &v1::Jobs::Stub::Explain));
  return response.text();
}

}  // namespace leat::client
