#include "stream/run/delivery.h"

#include <algorithm>

#include "stream/run/table_options.h"

namespace leat::run {
namespace {

constexpr char kModeKey[] = "execution.checkpointing.mode";
constexpr char kIntervalKey[] = "execution.checkpointing.interval";
constexpr char kGuaranteeKey[] = "sink.delivery-guarantee";

absl::Status CheckSinks(const plan::Node& node, Delivery job) {
  if (node.kind == plan::NodeKind::kSink && node.table != nullptr) {
    LEAT_RETURN_IF_ERROR(DeliveryOfSink(*node.table, job).status());
  }
  for (const plan::NodePtr& input : node.inputs) LEAT_RETURN_IF_ERROR(CheckSinks(*input, job));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Delivery> DeliveryOfJob(const plan::JobPlan& plan) {
  const auto it = plan.settings.find(kModeKey);
  if (it == plan.settings.end() || it->second == "EXACTLY_ONCE") return Delivery::kExactlyOnce;
  if (it->second == "AT_LEAST_ONCE") return Delivery::kAtLeastOnce;
  return InvalidArgument("SET '", kModeKey, "': expected EXACTLY_ONCE or AT_LEAST_ONCE, got '", it->second, "'");
}

absl::StatusOr<Delivery> DeliveryOfSink(const plan::Table& table, Delivery job) {
  const auto it = table.options.find(kGuaranteeKey);
  if (it == table.options.end()) return job;
  if (it->second == "at-least-once") return Delivery::kAtLeastOnce;
  if (it->second != "exactly-once") {
    return InvalidArgument("table ", table.name, ": option '", kGuaranteeKey,
                           "': expected exactly-once or at-least-once, got '", it->second,
                           "'; rows that nobody waits for are not offered: at-least-once costs no more");
  }
  if (job == Delivery::kAtLeastOnce) {
    return InvalidArgument("table ", table.name, ": '", kGuaranteeKey, "' = 'exactly-once' contradicts SET '", kModeKey,
                           "' = 'AT_LEAST_ONCE': such a job has no transactions; remove one of the two");
  }
  return Delivery::kExactlyOnce;
}

absl::StatusOr<CheckpointInterval> IntervalOf(const plan::JobPlan& plan, const Options& options) {
  const auto it = plan.settings.find(kIntervalKey);
  if (it == plan.settings.end()) return CheckpointInterval{.longest = options.checkpoint_interval};
  const absl::StatusOr<int64_t> millis = ParseDurationMillis(it->second);
  if (!millis.ok()) return Annotate(millis.status(), StrCat("SET '", kIntervalKey, "'"));
  return CheckpointInterval{.longest = absl::Milliseconds(std::max<int64_t>(1, *millis)), .fixed = true};
}

std::string TransactionalId(std::string_view job) { return StrCat("__leat_job_", job); }

absl::StatusOr<Duration> TransactionTimeout(const CheckpointInterval& interval, const DeliveryOptions& options) {
  const Duration needed = 2 * interval.longest;
  const Duration longest = options.max_transaction_timeout;
  if (needed > longest) {
    return InvalidArgument("checkpoints every ", absl::FormatDuration(interval.longest),
                           " need a transaction that may stay open for twice as long, and transactions.max_timeout is ",
                           absl::FormatDuration(longest), ": shorten '", kIntervalKey, "', raise it, or set '",
                           kModeKey, "' to AT_LEAST_ONCE");
  }
  return std::min(longest, needed + options.transaction_reserve);
}

absl::Status CheckDelivery(const plan::JobPlan& plan, const Options& options, const DeliveryOptions& delivery) {
  LEAT_ASSIGN_OR_RETURN(const Delivery job, DeliveryOfJob(plan));
  for (const plan::NodePtr& sink : plan.sinks) LEAT_RETURN_IF_ERROR(CheckSinks(*sink, job));
  LEAT_ASSIGN_OR_RETURN(const CheckpointInterval interval, IntervalOf(plan, options));
  return job == Delivery::kExactlyOnce ? TransactionTimeout(interval, delivery).status() : absl::OkStatus();
}

}  // namespace leat::run
