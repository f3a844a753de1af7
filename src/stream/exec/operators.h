// The makers of each kind of operator, and what operators share.
#pragma once

#include "stream/exec/evaluator.h"
#include "stream/exec/operator.h"

namespace leat::exec {

class StatelessOperator : public Operator {
 public:
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend&) const override {
    return std::make_unique<OperatorState>();
  }
  absl::Status OnWatermark(OperatorState&, const Context&, Output&) const override { return absl::OkStatus(); }
  absl::Status OnBarrier(OperatorState&) const override { return absl::OkStatus(); }
};

absl::StatusOr<std::unique_ptr<Operator>> MakeCalc(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeWindowAssign(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeSessionAssign(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeSessionAggregate(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeWindowAggregate(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeEmittingWindows(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeOver(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeRank(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeWindowRank(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeMatch(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeGroupAggregate(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeJoin(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeIntervalJoin(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeWindowJoin(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeTemporalJoin(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeLookupJoin(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeNormalize(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeUnnest(const plan::NodePtr& node);
absl::StatusOr<std::unique_ptr<Operator>> MakeUpsertMaterialize(const plan::NodePtr& node);

FailedRow MakeFailedRow(const data::Batch& batch, size_t row, std::string reason);
// Sends each failed row to the output once, with its first reason, and returns the other rows in order.
std::vector<uint32_t> ReportFailures(const data::Batch& batch, std::vector<RowError> errors, Output& output);

}  // namespace leat::exec
