// AND, OR, CASE, IF and COALESCE: an argument is evaluated only for the rows that need it, so that an arm that is not
// taken cannot fail a row.
#include <algorithm>

#include "stream/exec/node.h"
#include "stream/exec/storage.h"

namespace leat::exec {
namespace {

using plan::FunctionId;

// AND (decisive = 0) and OR (decisive = 1) of any number of arguments.
class ConnectiveNode : public Node {
 public:
  ConnectiveNode(const plan::Expression& call, Nodes arguments)
      : Node(call.type), arguments_(std::move(arguments)), decisive_(call.function == FunctionId::kOr ? 1 : 0) {
    Adopt(arguments_, call.function);
  }

  Vector Run(const Frame& frame) const override {
    const size_t rows = frame.input.rows;
    const auto neutral = static_cast<uint8_t>(1 - decisive_);
    std::vector<uint8_t> values(rows, neutral);
    std::vector<uint8_t> known(rows, 1);
    std::vector<uint8_t> open(rows, 1);
    for (const auto& argument : arguments_) {
      const Vector part = RunWhere(*argument, frame, open);
      Fold(View<uint8_t>(part), values, known);
      if (argument == arguments_.back()) break;
      for (size_t row = 0; row < rows; ++row) open[row] = known[row] == 0 || values[row] == neutral;
    }
    auto out = std::make_shared<data::Column>(type());
    std::ranges::copy(values, out->Resize<uint8_t>(rows).begin());
    if (std::ranges::find(known, 0) != known.end()) out->SetValidity(std::move(known));
    return {out, false};
  }

 private:
  void Fold(const View<uint8_t>& part, std::vector<uint8_t>& values, std::vector<uint8_t>& known) const {
    const size_t rows = values.size();
    const auto neutral = static_cast<uint8_t>(1 - decisive_);
    for (size_t row = 0; row < rows; ++row) {
      if (known[row] != 0 && values[row] == decisive_) continue;
      if (part.IsNull(row)) {
        known[row] = 0;
        values[row] = neutral;
      } else if (part[row] == decisive_) {
        known[row] = 1;
        values[row] = decisive_;
      }
    }
  }

  Nodes arguments_;
  uint8_t decisive_;
};

// result[row] = arms[choice[row]][row]; NULL where choice is kNone.
constexpr uint16_t kNone = 0xffff;

template <typename T>
data::ColumnPtr Choose(const data::Type& type, const std::vector<Vector>& arms, const std::vector<uint16_t>& choice) {
  auto out = std::make_shared<data::Column>(type);
  const size_t rows = choice.size();
  const std::span<T> values = out->Resize<T>(rows);
  std::vector<uint8_t> valid(rows, 0);
  std::vector<View<T>> views;
  for (const Vector& arm : arms) {
    views.emplace_back(arm);
    if constexpr (std::is_same_v<T, std::string_view>) out->KeepAliveFrom(*arm.column);
  }
  bool nulls = false;
  for (size_t row = 0; row < rows; ++row) {
    const uint16_t arm = choice[row];
    valid[row] = arm != kNone && !views[arm].IsNull(row);
    values[row] = valid[row] != 0 ? views[arm][row] : T{};
    nulls = nulls || valid[row] == 0;
  }
  if (nulls) out->SetValidity(std::move(valid));
  return out;
}

data::ColumnPtr ChooseRows(const data::Type& type, const std::vector<Vector>& arms,
                           const std::vector<uint16_t>& choice) {
  auto out = std::make_shared<data::Column>(type.AsNullable());
  for (size_t row = 0; row < choice.size(); ++row) {
    const uint16_t arm = choice[row];
    if (arm == kNone) {
      out->AppendNull();
    } else {
      out->AppendFrom(*arms[arm].column, arms[arm].constant ? 0 : row);
    }
  }
  return out;
}

data::ColumnPtr ChooseAny(const data::Type& type, const std::vector<Vector>& arms,
                          const std::vector<uint16_t>& choice) {
  if (type.storage() == data::Storage::kRow) return ChooseRows(type, arms, choice);
  return WithStorage(type.storage(), [&]<typename T>(std::type_identity<T>) { return Choose<T>(type, arms, choice); });
}

// Which arm each row takes, found while the arguments are evaluated one after the other.
class Choice {
 public:
  explicit Choice(size_t rows) : open_(rows, 1), arms_(rows, kNone) {}

  // 1 for the rows that have not taken an arm.
  const std::vector<uint8_t>& open() const { return open_; }
  const std::vector<uint16_t>& arms() const { return arms_; }
  // The open rows that `takes` says yes to take `arm`: 1 for them.
  template <typename Takes>
  std::vector<uint8_t> Take(size_t arm, Takes takes) {
    std::vector<uint8_t> taken(open_.size(), 0);
    for (size_t row = 0; row < open_.size(); ++row) {
      if (open_[row] == 0 || !takes(row)) continue;
      taken[row] = 1;
      open_[row] = 0;
      arms_[row] = static_cast<uint16_t>(arm);
    }
    return taken;
  }

 private:
  std::vector<uint8_t> open_;
  std::vector<uint16_t> arms_;
};

// CASE (condition, result, .., [else]); IF is a CASE with one condition.
class CaseNode : public Node {
 public:
  CaseNode(const plan::Expression& call, Nodes arguments) : Node(call.type), arguments_(std::move(arguments)) {
    Adopt(arguments_, call.function);
  }

  Vector Run(const Frame& frame) const override {
    Choice choice(frame.input.rows);
    std::vector<Vector> arms;
    size_t i = 0;
    for (; i + 1 < arguments_.size(); i += 2) {
      const Vector condition = RunWhere(*arguments_[i], frame, choice.open());
      const View<uint8_t> met(condition);
      const std::vector<uint8_t> taken =
          choice.Take(arms.size(), [&](size_t row) { return !met.IsNull(row) && met[row] != 0; });
      arms.push_back(RunWhere(*arguments_[i + 1], frame, taken));
    }
    if (i < arguments_.size()) {
      const std::vector<uint8_t> others = choice.Take(arms.size(), [](size_t) { return true; });
      arms.push_back(RunWhere(*arguments_[i], frame, others));
    }
    return {ChooseAny(type(), arms, choice.arms()), false};
  }

 private:
  Nodes arguments_;
};

class CoalesceNode : public Node {
 public:
  CoalesceNode(const plan::Expression& call, Nodes arguments) : Node(call.type), arguments_(std::move(arguments)) {
    Adopt(arguments_, call.function);
  }

  Vector Run(const Frame& frame) const override {
    Choice choice(frame.input.rows);
    std::vector<Vector> arms;
    for (const auto& argument : arguments_) {
      arms.push_back(RunWhere(*argument, frame, choice.open()));
      choice.Take(arms.size() - 1, [&](size_t row) { return !arms.back().IsNull(row); });
    }
    return {ChooseAny(type(), arms, choice.arms()), false};
  }

 private:
  Nodes arguments_;
};

}  // namespace

bool IsLazy(FunctionId function) {
  return function == FunctionId::kAnd || function == FunctionId::kOr || function == FunctionId::kCase ||
         function == FunctionId::kIf || function == FunctionId::kCoalesce;
}

absl::StatusOr<std::unique_ptr<Node>> MakeLazyNode(const plan::Expression& call, Nodes arguments) {
  if (arguments.empty() || arguments.size() >= kNone) {
    Binding binding{call, {}};
    return NoKernel(binding);
  }
  if (call.function == FunctionId::kAnd || call.function == FunctionId::kOr) {
    return std::unique_ptr<Node>(std::make_unique<ConnectiveNode>(call, std::move(arguments)));
  }
  if (call.function == FunctionId::kCoalesce) {
    return std::unique_ptr<Node>(std::make_unique<CoalesceNode>(call, std::move(arguments)));
  }
  return std::unique_ptr<Node>(std::make_unique<CaseNode>(call, std::move(arguments)));
}

}  // namespace leat::exec
