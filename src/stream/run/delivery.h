// How often a job's rows reach their topics, as its script says. Pure.
//
// kExactlyOnce: an epoch is one transaction on the log. kAtLeastOnce: rows are written as they come, and again after a
// crash. A job delivers as SET 'execution.checkpointing.mode' says, exactly once unless told otherwise; a sink of such
// a job may ask for less with 'sink.delivery-guarantee'.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "base/time.h"
#include "stream/plan/plan.h"
#include "stream/run/options.h"

namespace leat::run {

enum class Delivery { kExactlyOnce, kAtLeastOnce };

// kInvalidArgument names the setting or the option, what it takes and what came.
absl::StatusOr<Delivery> DeliveryOfJob(const plan::JobPlan& plan);
// Of a sink of a job; a sink cannot ask for more than its job gives.
absl::StatusOr<Delivery> DeliveryOfSink(const plan::Table& table, Delivery job);

struct DeliveryOptions {
  // Unless the script fixes the interval, checkpoints come as often as this while the job has read all there is, and
  // as Options::checkpoint_interval says under load.
  Duration shortest_interval = absl::Milliseconds(5);
  Duration max_transaction_timeout = absl::Minutes(15);  // what the log allows: transactions.max_timeout
  Duration transaction_reserve = absl::Minutes(1);       // beyond two intervals, for a slow disk
};

// How long checkpoints wait for each other. A fixed interval is the script's; otherwise it is the longest.
struct CheckpointInterval {
  Duration longest;
  bool fixed = false;
};
absl::StatusOr<CheckpointInterval> IntervalOf(const plan::JobPlan& plan, const Options& options);

// The transactional id of a job's epochs: one producer at a time.
std::string TransactionalId(std::string_view job);  // __leat_job_<job>
// How long a transaction may stay open. It has to hold a whole interval and what a slow disk adds: kInvalidArgument if
// that is more than options.max_transaction_timeout.
absl::StatusOr<Duration> TransactionTimeout(const CheckpointInterval& interval, const DeliveryOptions& options);

// Everything above, before a job is stored.
absl::Status CheckDelivery(const plan::JobPlan& plan, const Options& options, const DeliveryOptions& delivery);

}  // namespace leat::run
