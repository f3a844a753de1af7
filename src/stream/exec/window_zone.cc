#include "stream/exec/window_zone.h"

namespace leat::exec {
namespace {

class WallOperator : public Operator {
 public:
  WallOperator(data::TimeZone zone, std::unique_ptr<Operator> op) : zone_(zone), op_(std::move(op)) {}

  std::string Name() const override { return op_->Name(); }
  absl::StatusOr<std::unique_ptr<OperatorState>> Open(state::StateBackend& backend) const override {
    return op_->Open(backend);
  }
  absl::Status Process(OperatorState& state, const Context& context, const data::Batch& input,
                       Output& output) const override {
    return op_->Process(state, OnWall(context), input, output);
  }
  absl::Status ProcessInput(OperatorState& state, const Context& context, int input, const data::Batch& batch,
                            Output& output) const override {
    return op_->ProcessInput(state, OnWall(context), input, batch, output);
  }
  absl::Status OnWatermark(OperatorState& state, const Context& context, Output& output) const override {
    return op_->OnWatermark(state, OnWall(context), output);
  }
  absl::Status OnTime(OperatorState& state, const Context& context, Output& output) const override {
    return op_->OnTime(state, OnWall(context), output);
  }
  bool FollowsTheClock() const override { return op_->FollowsTheClock(); }
  int64_t NextTime(const OperatorState& state) const override { return op_->NextTime(state); }
  absl::Status OnBarrier(OperatorState& state) const override { return op_->OnBarrier(state); }

 private:
  Context OnWall(Context context) const {
    context.watermark_ms = zone_.LocalWatermarkMillis(context.watermark_ms);
    return context;
  }

  data::TimeZone zone_;
  std::unique_ptr<Operator> op_;
};

absl::StatusOr<data::TimeZone> ZoneOf(const plan::WindowSpec& spec) {
  return spec.zone.empty() ? absl::StatusOr<data::TimeZone>(data::TimeZone::Utc()) : data::TimeZone::Load(spec.zone);
}

}  // namespace

absl::StatusOr<WindowZone> WindowZone::Make(const plan::WindowSpec& spec) {
  LEAT_ASSIGN_OR_RETURN(const data::TimeZone zone, ZoneOf(spec));
  return WindowZone(zone, spec.kind == plan::WindowKind::kAttached);
}

absl::StatusOr<std::unique_ptr<Operator>> OnTheWall(const plan::WindowSpec& spec,
                                                    absl::StatusOr<std::unique_ptr<Operator>> op) {
  if (!op.ok() || spec.zone.empty()) return op;
  LEAT_ASSIGN_OR_RETURN(const data::TimeZone zone, ZoneOf(spec));
  return std::unique_ptr<Operator>(std::make_unique<WallOperator>(zone, *std::move(op)));
}

}  // namespace leat::exec
