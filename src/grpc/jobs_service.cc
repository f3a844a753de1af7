#include <utility>

#include "grpc/failure.h"
#include "grpc/services.h"
#include "leat/v1/jobs.grpc.pb.h"

namespace leat::rpc {
namespace {

using ::grpc::CallbackServerContext;
using ::grpc::ServerUnaryReactor;

// JobStateName belongs to the broker's implementation; the API's names are part of this contract.
std::string_view StateName(broker::JobState state) {
  switch (state) {
    case broker::JobState::kStarting:
      return "STARTING";
    case broker::JobState::kRunning:
      return "RUNNING";
    case broker::JobState::kRestarting:
      return "RESTARTING";
    case broker::JobState::kStopped:
      return "STOPPED";
    case broker::JobState::kFailed:
      return "FAILED";
    case broker::JobState::kFinished:
      return "FINISHED";
  }
  return "";
}

void FillJob(broker::JobDescription from, v1::Job* to) {
  to->set_name(std::move(from.name));
  to->set_state(std::string(StateName(from.state)));
  to->set_error(std::move(from.error));
  to->set_sql(std::move(from.sql));
  to->set_plan(std::move(from.explain));
  to->set_created_ms(from.created_ms);
  to->set_restarts(from.restarts);
  to->set_rows_in(from.rows_in);
  to->set_rows_out(from.rows_out);
  to->set_rows_late(from.rows_late);
  to->set_rows_dead(from.rows_dead);
  to->set_checkpoint_age_ms(from.checkpoint_age_ms);
  to->set_checkpoint_duration_seconds(from.checkpoint_duration_seconds);
  to->set_checkpoints(from.checkpoints);
  to->set_state_bytes(from.state_bytes);
  to->set_node(from.node.value());
  to->set_revision(from.revision);
  for (broker::PartitionProgress& input : from.inputs) {
    v1::JobInput* out = to->add_inputs();
    out->set_topic(std::move(input.partition.topic));
    out->set_partition(input.partition.partition.value());
    out->set_offset(input.offset.value());
    out->set_high_watermark(input.high_watermark.value());
    out->set_has_watermark(input.watermark_ms != INT64_MIN);
    if (out->has_watermark()) out->set_watermark_ms(input.watermark_ms);
  }
}

void FillProgress(broker::JobProgress from, v1::JobProgress* to) {
  to->set_latency_records(from.latency_records);
  to->set_latency_p50_seconds(from.latency_p50_seconds);
  to->set_latency_p95_seconds(from.latency_p95_seconds);
  to->set_latency_p99_seconds(from.latency_p99_seconds);
  to->set_workers(from.workers);
  to->set_seconds(from.seconds);
  to->set_checkpoint_bytes(from.checkpoint_bytes);
  to->set_cpu_seconds(from.cpu_seconds);
  to->set_cpu_limited_seconds(from.cpu_limited_seconds);
  to->set_cpu_limit(from.cpu_limit);
  for (broker::JobOperator& op : from.operators) {
    v1::JobOperator* out = to->add_operators();
    out->set_id(op.id);
    out->set_name(std::move(op.name));
    out->set_rows_in(op.rows_in);
    out->set_rows_out(op.rows_out);
    out->set_rows_late(op.rows_late);
    out->set_rows_dead(op.rows_dead);
    out->set_state_bytes(op.state_bytes);
    out->set_input_ended(op.watermark_ms == INT64_MAX);
    out->set_has_watermark(op.watermark_ms != INT64_MIN && !out->input_ended());
    if (out->has_watermark()) out->set_watermark_ms(op.watermark_ms);
    out->set_watermark_lag_seconds(op.watermark_lag_seconds);
    out->set_busy_seconds(op.busy_seconds);
    out->set_backpressured_seconds(op.backpressured_seconds);
  }
}

// The field of a submission that an error is about.
std::string_view SubmitField(const absl::Status& status) {
  if (absl::IsAlreadyExists(status)) return "name";
  if (!absl::IsInvalidArgument(status)) return "";
  return Message(status).substr(0, 8) == "job name" ? "name" : "sql";
}

class JobsService final : public v1::Jobs::CallbackService {
 public:
  explicit JobsService(broker::Broker& broker) : broker_(broker) {}

  ServerUnaryReactor* Submit(CallbackServerContext* call, const v1::SubmitJobRequest* request,
                             v1::Job* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.SubmitJob({.name = request->name(), .sql = request->sql()},
                      [call, reactor, response](absl::StatusOr<broker::JobDescription> job) {
                        if (!job.ok()) {
                          return reactor->Finish(Failure(call, job.status(), SubmitField(job.status())));
                        }
                        FillJob(*std::move(job), response);
                        reactor->Finish(::grpc::Status::OK);
                      });
    return reactor;
  }

  ServerUnaryReactor* Upgrade(CallbackServerContext* call, const v1::UpgradeJobRequest* request,
                              v1::UpgradeJobResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker::JobUpgrade upgrade{.name = request->name(), .sql = request->sql()};
    upgrade.drop_state.assign(request->drop_state().begin(), request->drop_state().end());
    if (request->check_only()) upgrade.mode = broker::JobUpgrade::Mode::kCheck;
    broker_.UpgradeJob(std::move(upgrade), [call, reactor, response](absl::StatusOr<broker::JobUpgraded> upgraded) {
      if (!upgraded.ok()) {
        const std::string_view field = absl::IsNotFound(upgraded.status()) ? "name" : SubmitField(upgraded.status());
        return reactor->Finish(Failure(call, upgraded.status(), field));
      }
      FillJob(std::move(upgraded->job), response->mutable_job());
      for (std::string& change : upgraded->changes) response->add_changes(std::move(change));
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

  ServerUnaryReactor* Start(CallbackServerContext* call, const v1::JobName* request, v1::Empty*) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.StartJob(request->name(), AnswerStatus(call, reactor));
    return reactor;
  }
  ServerUnaryReactor* Stop(CallbackServerContext* call, const v1::JobName* request, v1::Empty*) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.StopJob(request->name(), AnswerStatus(call, reactor));
    return reactor;
  }
  ServerUnaryReactor* Delete(CallbackServerContext* call, const v1::JobName* request, v1::Empty*) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.DeleteJob(request->name(), AnswerStatus(call, reactor));
    return reactor;
  }

  ServerUnaryReactor* List(CallbackServerContext* call, const v1::ListJobsRequest*,
                           v1::ListJobsResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.ListJobs([reactor, response](std::vector<broker::JobDescription> jobs) {
      for (broker::JobDescription& job : jobs) FillJob(std::move(job), response->add_jobs());
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

  ServerUnaryReactor* Describe(CallbackServerContext* call, const v1::JobName* request, v1::Job* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.DescribeJob(request->name(), [call, reactor, response](absl::StatusOr<broker::JobDescription> job) {
      if (!job.ok()) return reactor->Finish(Failure(call, job.status(), "name"));
      if (!job->progress.operators.empty()) FillProgress(std::move(job->progress), response->mutable_progress());
      FillJob(*std::move(job), response);
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

  ServerUnaryReactor* Logs(CallbackServerContext* call, const v1::JobName* request,
                           v1::JobLogsResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.JobLogs(request->name(), [call, reactor, response](absl::StatusOr<std::vector<broker::JobLogLine>> lines) {
      if (!lines.ok()) return reactor->Finish(Failure(call, lines.status(), "name"));
      for (broker::JobLogLine& from : *lines) {
        v1::JobLogLine* to = response->add_lines();
        to->set_time_ms(from.time_ms);
        to->set_text(std::move(from.text));
      }
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

  ServerUnaryReactor* Explain(CallbackServerContext* call, const v1::ExplainRequest* request,
                              v1::ExplainResponse* response) override {
    ServerUnaryReactor* const reactor = call->DefaultReactor();
    broker_.ExplainJob(request->sql(), [call, reactor, response](absl::StatusOr<std::string> text) {
      if (!text.ok()) return reactor->Finish(Failure(call, text.status(), "sql"));
      response->set_text(*std::move(text));
      reactor->Finish(::grpc::Status::OK);
    });
    return reactor;
  }

 private:
  static broker::Callback<absl::Status> AnswerStatus(CallbackServerContext* call, ServerUnaryReactor* reactor) {
    return [call, reactor](const absl::Status& status) {
      reactor->Finish(status.ok() ? ::grpc::Status::OK : Failure(call, status, "name"));
    };
  }

  broker::Broker& broker_;
};

}  // namespace

std::unique_ptr<::grpc::Service> MakeJobsService(broker::Broker& broker) {
  return std::make_unique<JobsService>(broker);
}

}  // namespace leat::rpc
