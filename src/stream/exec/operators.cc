#include "stream/exec/operators.h"

#include "stream/exec/processing_time.h"
#include "stream/exec/window_zone.h"

namespace leat::exec {

absl::StatusOr<std::unique_ptr<Operator>> MakeOperator(const plan::NodePtr& node) {
  switch (node->kind) {
    case plan::NodeKind::kCalc:
      return MakeCalc(node);
    case plan::NodeKind::kWindowAssign:
      return node->window.kind == plan::WindowKind::kSession
                 ? ByTheClock(*node, OnTheWall(node->window, MakeWindowAssign(node)))
                 : OnTheWall(node->window, MakeWindowAssign(node));
    case plan::NodeKind::kWindowAggregate:
      return ByTheClock(*node, OnTheWall(node->window, MakeWindowAggregate(node)));
    case plan::NodeKind::kOver:
      return MakeOver(node);
    case plan::NodeKind::kRank:
      return node->window.kind == plan::WindowKind::kAttached ? OnTheWall(node->window, MakeWindowRank(node))
                                                              : MakeRank(node);
    case plan::NodeKind::kMatch:
      return MakeMatch(node);
    case plan::NodeKind::kGroupAggregate:
      return MakeGroupAggregate(node);
    case plan::NodeKind::kJoin:
      return MakeJoin(node);
    case plan::NodeKind::kIntervalJoin:
      return MakeIntervalJoin(node);
    case plan::NodeKind::kWindowJoin:
      return OnTheWall(node->window, MakeWindowJoin(node));
    case plan::NodeKind::kTemporalJoin:
      return MakeTemporalJoin(node);
    case plan::NodeKind::kLookupJoin:
      return MakeLookupJoin(node);
    case plan::NodeKind::kNormalize:
      return MakeNormalize(node);
    case plan::NodeKind::kUnnest:
      return MakeUnnest(node);
    case plan::NodeKind::kUpsertMaterialize:
      return MakeUpsertMaterialize(node);
    default:
      return Internal("plan node ", node->id, " is no operator of its own");
  }
}

}  // namespace leat::exec
