#include "broker/job_factory.h"

#include "sql/compile.h"

namespace leat::broker {
namespace {

class StreamJobFactory final : public JobFactory {
 public:
  absl::StatusOr<CompiledJob> Compile(const std::string& sql) const override {
    LEAT_ASSIGN_OR_RETURN(sql::Compiled compiled, sql::Compile(sql, {.check_table = run::CheckTable}));
    // A script may hold nothing but EXPLAIN statements: there is an answer then, but nothing that could run.
    if (compiled.has_inserts || compiled.explain.empty()) LEAT_RETURN_IF_ERROR(run::CheckPlan(compiled.plan));
    std::string explain = compiled.explain.empty() ? plan::Explain(compiled.plan) : std::move(compiled.explain);
    return CompiledJob{std::move(compiled.plan), std::move(explain), compiled.has_inserts};
  }
  std::unique_ptr<run::JobRunner> Start(run::JobRunner::Spec spec, run::LogPort& port,
                                        env::Metrics& metrics) const override {
    return run::JobRunner::Start(std::move(spec), port, metrics);
  }
  absl::Status DropState(const std::string& name, const run::Options& options) const override {
    return run::RocksStateStores().Drop(name, options);
  }
};

}  // namespace

std::unique_ptr<JobFactory> MakeJobFactory() { return std::make_unique<StreamJobFactory>(); }

}  // namespace leat::broker
