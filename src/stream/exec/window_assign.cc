// A window table function on its own: each row once per window that it belongs to, with the window's start, end and
// time behind it. Windows of a row come in order of time.
#include "base/strings.h"
#include "stream/exec/operators.h"
#include "stream/exec/window_zone.h"

namespace leat::exec {
namespace {

class WindowAssign : public StatelessOperator {
 public:
  WindowAssign(plan::NodePtr node, const WindowMath& window, const WindowZone& zone)
      : node_(std::move(node)), window_(window), zone_(zone) {}

  std::string Name() const override { return StrCat("WindowAssign#", node_->id); }

  absl::Status Process(OperatorState&, const Context& context, const data::Batch& input,
                       Output& output) const override {
    const data::Column& time = *input.columns[static_cast<size_t>(node_->window.time_column)];
    const std::span<const int64_t> micros = time.values<int64_t>();
    std::vector<uint32_t> rows;
    std::vector<int64_t> ends;
    for (uint32_t row = 0; row < input.rows; ++row) {
      if (time.IsNull(row)) {
        output.Fail(MakeFailedRow(input, row, "the time column of the window is NULL"));
        continue;
      }
      const int64_t at = node_->window.processing_time ? WindowMath::MicrosOf(context.wall_ms) : micros[row];
      const int64_t first = window_.SliceEnd(zone_.MillisOf(at));
      for (int64_t end = first; end <= window_.LastWindowEnd(first); end += window_.slide()) {
        rows.push_back(row);
        ends.push_back(end);
        if (rows.size() == data::kBatchRows) LEAT_RETURN_IF_ERROR(Flush(input, &rows, &ends, output));
      }
    }
    return rows.empty() ? absl::OkStatus() : Flush(input, &rows, &ends, output);
  }

 private:
  absl::Status Flush(const data::Batch& input, std::vector<uint32_t>* rows, std::vector<int64_t>* ends,
                     Output& output) const {
    data::Batch out = data::Gather(input, *rows);
    out.schema = node_->schema;
    const size_t first = out.columns.size();
    const auto append = [&](auto time_of) {
      auto column = std::make_shared<data::Column>(node_->schema->fields[out.columns.size()].type);
      for (const int64_t end : *ends) column->Append<int64_t>(time_of(end));
      out.columns.push_back(std::move(column));
    };
    append([&](int64_t end) { return WindowMath::MicrosOf(window_.Start(end)); });
    append([](int64_t end) { return WindowMath::MicrosOf(end); });
    append([&](int64_t end) { return zone_.TimeMicros(end); });
    LEAT_CHECK(out.columns.size() == first + 3 && node_->schema->fields.size() == out.columns.size());
    rows->clear();
    ends->clear();
    return output.Emit(std::move(out));
  }

  plan::NodePtr node_;
  WindowMath window_;
  WindowZone zone_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeWindowAssign(const plan::NodePtr& node) {
  if (node->window.kind == plan::WindowKind::kSession) return MakeSessionAssign(node);
  LEAT_ASSIGN_OR_RETURN(const WindowMath window, WindowMath::Make(node->window));
  LEAT_ASSIGN_OR_RETURN(const WindowZone zone, WindowZone::Make(node->window));
  return std::unique_ptr<Operator>(std::make_unique<WindowAssign>(node, window, zone));
}

}  // namespace leat::exec
