#include "stream/exec/processing_time.h"

#include <algorithm>
#include <optional>

#include "stream/data/time_zone.h"
#include "stream/exec/fired_watermark.h"
#include "stream/exec/slice_store.h"
#include "stream/exec/window.h"

namespace leat::exec {
namespace {

constexpr int64_t kLookAgainMs = 20;  // where it is not known when the next window ends

struct ClockState : OperatorState {
  std::unique_ptr<OperatorState> below;
  int64_t now_ms = kMinWatermark;  // never goes back, also over a restart on a node whose clock is behind
};

class ClockOperator : public Operator {
 public:
  // `window`: null for SESSION.
  ClockOperator(const plan::Node& node, std::optional<WindowMath> window, data::TimeZone zone,
                std::unique_ptr<Operator> op)
      : node_id_(node.id),
        time_column_(static_cast<size_t>(node.window.time_column)),
        window_(window),
        zone_(zone),
        op_(std::move(op)) {}

  std::string Name() const override { return op_->Name(); }
  bool FollowsTheClock() const override { return true; }

  int64_t NextTime(const OperatorState& state) const override {
    const auto& own = static_cast<const ClockState&>(state);
    return std::min(NextEnd(own.now_ms), op_->NextTime(*own.below));
  }
  int64_t NextEnd(int64_t now_ms) const {
    if (!window_ || now_ms == kMinWatermark) return now_ms + kLookAgainMs;
    const int64_t local_ms = WindowMath::MillisOf(zone_.ToLocal(WindowMath::MicrosOf(now_ms)));
    const int64_t end_ms = WindowMath::MillisOf(zone_.ToEpoch(WindowMath::MicrosOf(window_->SliceEnd(local_ms))));
    return end_ms > now_ms ? end_ms : now_ms + kLookAgainMs;
  }

  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    auto state = std::make_unique<ClockState>();
    LEAT_ASSIGN_OR_RETURN(state->below, op_->Open(backend));
    // What has fired is over: rows come behind it.
    FiredWatermark fired;
    LEAT_RETURN_IF_ERROR(fired.Open(backend.Table(node_id_, kProgressTable)));
    if (fired.ms() != kMinWatermark) {
      state->now_ms = WindowMath::MillisOf(zone_.ToEpoch(WindowMath::MicrosOf(fired.ms() + 1)));
    }
    return state;
  }

  // Windows that have ended go first.
  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override {
    LEAT_RETURN_IF_ERROR(OnTime(state, context, output));
    auto& own = static_cast<ClockState&>(state);
    data::Batch timed = input;
    const data::Type& type = input.columns[time_column_]->type();
    timed.columns[time_column_] = data::Constant(type, data::Value{WindowMath::MicrosOf(own.now_ms)}, input.rows);
    const absl::Status status = op_->Process(*own.below, AtTime(own, context), timed, output);
    own.counters = own.below->counters;
    return status;
  }
  // Event time passes by, and the end of the input ends no window: what is not over is never told, as on Flink.
  absl::Status OnWatermark(OperatorState&, const Context&, Output&) const override { return absl::OkStatus(); }
  absl::Status OnTime(OperatorState& state, const Context& context, Output& output) const override {
    auto& own = static_cast<ClockState&>(state);
    own.now_ms = std::max(own.now_ms, context.wall_ms);
    LEAT_RETURN_IF_ERROR(op_->OnWatermark(*own.below, AtTime(own, context), output));
    return op_->OnTime(*own.below, AtTime(own, context), output);
  }
  absl::Status OnBarrier(OperatorState& state) const override {
    return op_->OnBarrier(*static_cast<ClockState&>(state).below);
  }

 private:
  // A window is over when the clock shows its end.
  static Context AtTime(const ClockState& state, const Context& context) {
    return {.wall_ms = context.wall_ms, .watermark_ms = state.now_ms - 1};
  }

  int node_id_;
  size_t time_column_;
  std::optional<WindowMath> window_;
  data::TimeZone zone_;
  std::unique_ptr<Operator> op_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> ByTheClock(const plan::Node& node,
                                                     absl::StatusOr<std::unique_ptr<Operator>> op) {
  if (!op.ok() || !node.window.processing_time) return op;
  data::TimeZone zone = data::TimeZone::Utc();
  if (!node.window.zone.empty()) {
    LEAT_ASSIGN_OR_RETURN(zone, data::TimeZone::Load(node.window.zone));
  }
  std::optional<WindowMath> window;
  if (node.window.kind != plan::WindowKind::kSession) {
    LEAT_ASSIGN_OR_RETURN(window, WindowMath::Make(node.window));
  }
  return std::unique_ptr<Operator>(std::make_unique<ClockOperator>(node, window, zone, *std::move(op)));
}

}  // namespace leat::exec
