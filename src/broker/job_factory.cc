#include "broker/job_factory.h"

#ifdef LEAT_HAS_STREAM
#include "sql/compile.h"
#endif

namespace leat::broker {
namespace {

#ifdef LEAT_HAS_STREAM
class StreamJobFactory final : public JobFactory {
 public:
  absl::StatusOr<CompiledJob> Compile(const std::string& sql) const override {
    LEAT_ASSIGN_OR_RETURN(sql::Compiled compiled, sql::Compile(sql, {.check_table = run::CheckTable}));
    LEAT_RETURN_IF_ERROR(run::CheckPlan(compiled.plan));
    std::string explain = compiled.explain.empty() ? plan::Explain(compiled.plan) : std::move(compiled.explain);
    return CompiledJob{std::move(compiled.plan), std::move(explain), compiled.has_inserts};
  }
  std::unique_ptr<run::JobRunner> Start(run::JobRunner::Spec spec, run::LogPort& port,
                                        env::Metrics& metrics) const override {
    return run::JobRunner::Start(std::move(spec), port, metrics);
  }
  void DeleteState(const std::string& name, const run::Options& options, run::LogPort& port,
                   absl::AnyInvocable<void(absl::Status)> done) const override {
    run::JobRunner::DeleteState(name, options, port, std::move(done));
  }
};
#else
// A broker that is built without the stream processor keeps its jobs and says why they do not run.
class StreamJobFactory final : public JobFactory {
 public:
  absl::StatusOr<CompiledJob> Compile(const std::string&) const override {
    return Unimplemented("this build of the broker holds no stream processor: jobs cannot run in it");
  }
  std::unique_ptr<run::JobRunner> Start(run::JobRunner::Spec, run::LogPort&, env::Metrics&) const override {
    return nullptr;
  }
  void DeleteState(const std::string&, const run::Options&, run::LogPort&,
                   absl::AnyInvocable<void(absl::Status)> done) const override {
    done(absl::OkStatus());
  }
};
#endif

}  // namespace

std::unique_ptr<JobFactory> MakeJobFactory() { return std::make_unique<StreamJobFactory>(); }

}  // namespace leat::broker
