// SESSION as a table function on its own: rows wait until their session has ended, then come with its bounds, in the
// order in which they arrived.
#include "base/bytes.h"
#include "stream/data/key_codec.h"
#include "stream/exec/operators.h"
#include "stream/exec/row_output.h"
#include "stream/exec/session_operator.h"

namespace leat::exec {
namespace {

// Content: each row as a varint length and data::EncodeKey of all its columns.
class RowsContent : public SessionContent {
 public:
  RowsContent(const plan::Node& node, const WindowZone& zone)
      : rows_(node.schema), zone_(zone), width_(node.inputs[0]->schema->fields.size()) {}

  void Bind(const data::Batch& batch) override { batch_ = &batch; }
  bool TakesChanges() const override { return true; }
  absl::Status Add(size_t row, std::string* content) override {
    row_.clear();
    data::EncodeKey(batch_->columns, row, &row_);
    if (data::IsRetraction(batch_->kind(row))) return Remove(content);
    BytesWriter writer(content);
    writer.WriteUnsignedVarint(row_.size());
    writer.WriteBytes(row_);
    return absl::OkStatus();
  }
  absl::Status Merge(std::string_view from, std::string* into) override {
    into->append(from);
    return absl::OkStatus();
  }
  absl::Status Emit(std::string_view, const Session& session, Output& output) override {
    using WindowColumn = plan::Node::WindowColumn;
    BytesReader reader(session.content);
    while (reader.remaining() > 0) {
      const std::string_view row = reader.ReadBytes(reader.ReadUnsignedVarint());
      if (!reader.ok()) return DataLoss("state: a row of a session is cut off");
      LEAT_RETURN_IF_ERROR(rows_.AppendStored(row, width_));
      size_t column = width_;
      for (const WindowColumn bound : {WindowColumn::kStart, WindowColumn::kEnd, WindowColumn::kTime}) {
        rows_.Row()[column++]->Append<int64_t>(SessionBoundMicros(bound, session, zone_));
      }
      LEAT_RETURN_IF_ERROR(rows_.Finish(data::RowKind::kInsert, output));
    }
    return absl::OkStatus();
  }
  absl::Status Flush(Output& output) override { return rows_.Flush(output); }

 private:
  // The newest row of these bytes, if there is one.
  absl::Status Remove(std::string* content) const {
    size_t begin = 0;
    size_t end = 0;
    BytesReader reader(*content);
    while (reader.remaining() > 0) {
      const size_t at = content->size() - reader.remaining();
      const std::string_view row = reader.ReadBytes(reader.ReadUnsignedVarint());
      if (!reader.ok()) return DataLoss("state: a row of a session is cut off");
      if (row != row_) continue;
      begin = at;
      end = content->size() - reader.remaining();
    }
    content->erase(begin, end - begin);
    return absl::OkStatus();
  }

  RowOutput rows_;
  WindowZone zone_;
  size_t width_;
  const data::Batch* batch_ = nullptr;
  std::string row_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operator>> MakeSessionAssign(const plan::NodePtr& node) {
  LEAT_ASSIGN_OR_RETURN(const WindowZone zone, WindowZone::Make(node->window));
  return MakeSessionOperator(node, "SessionAssign",
                             [node, zone] { return std::make_unique<RowsContent>(*node, zone); });
}

}  // namespace leat::exec
