#include "sql/time_zone.h"

#include <algorithm>
#include <map>
#include <set>

namespace leat::sql {

using data::Type;
using data::TypeKind;
using plan::Expression;
using plan::ExpressionPtr;
using plan::Node;
using plan::NodeKind;
using plan::NodePtr;
using F = plan::FunctionId;

namespace {

constexpr std::string_view kDefaultPattern = "yyyy-MM-dd HH:mm:ss";

bool HoldsInstants(const Type& type) {
  if (type.kind == TypeKind::kTimestampLtz) return true;
  return type.fields != nullptr &&
         std::ranges::any_of(*type.fields, [](const data::Field& field) { return HoldsInstants(field.type); });
}

ExpressionPtr Text(std::string_view text) {
  return plan::Literal(data::Value{std::string(text)}, data::Char(static_cast<int>(text.size())).AsNotNull());
}

Type WithNull(Type type, bool nullable) {
  type.nullable = nullable;
  return type;
}

class Zoner {
 public:
  Zoner(const std::vector<NodePtr>& inputs_first, const std::string& zone) : zone_(zone) {
    for (const NodePtr& node : inputs_first) done_[node.get()] = Rebuild(node);
  }
  const NodePtr& Done(const NodePtr& node) const { return done_.at(node.get()); }

 private:
  ExpressionPtr Cast(const ExpressionPtr& value, const Type& to) const {
    return plan::Call(F::kCast, {value, Text(zone_)}, WithNull(to, value->type.nullable), value->position);
  }
  ExpressionPtr ToLocal(const ExpressionPtr& instant) const {
    return Cast(instant, data::Timestamp(instant->type.precision));
  }

  ExpressionPtr Of(const ExpressionPtr& expression) {
    if (expression == nullptr || expression->kind != Expression::Kind::kCall) return expression;
    ExpressionPtr& known = known_[expression.get()];
    if (known) return known;
    kept_.push_back(expression);
    auto copy = std::make_shared<Expression>(*expression);
    for (ExpressionPtr& argument : copy->arguments) argument = Of(argument);
    ExpressionPtr made = OfCall(copy);
    return known_[expression.get()] = std::move(made);
  }

  ExpressionPtr OfCall(const std::shared_ptr<Expression>& call) const {
    std::vector<ExpressionPtr>& arguments = call->arguments;
    const auto local = [&](size_t i) {
      if (arguments[i]->type.kind != TypeKind::kTimestampLtz) return false;
      arguments[i] = ToLocal(arguments[i]);
      return true;
    };
    switch (call->function) {
      case F::kCast:
      case F::kTryCast:
        if (HoldsInstants(arguments[0]->type) || HoldsInstants(call->type)) arguments.push_back(Text(zone_));
        return call;
      case F::kExtract:
        local(1);
        return call;
      case F::kDateFormat:
        local(0);
        return call;
      case F::kFloorTo:
      case F::kCeilTo:
        if (call->type.kind == TypeKind::kTimestampLtz) arguments.push_back(Text(zone_));
        return call;
      case F::kCurrentDate:
      case F::kLocalTimestamp:
        return Cast(plan::Call(F::kCurrentTimestamp, {}, data::TimestampLtz(3).AsNotNull(), call->position),
                    call->type);
      case F::kFromUnixTime: {
        const ExpressionPtr precision = plan::Literal(data::Value{int32_t{0}}, data::Int().AsNotNull());
        const ExpressionPtr instant =
            plan::Call(F::kToTimestampLtz, {arguments[0], precision},
                       WithNull(data::TimestampLtz(3), arguments[0]->type.nullable), call->position);
        return plan::Call(F::kDateFormat,
                          {ToLocal(instant), arguments.size() > 1 ? arguments[1] : Text(kDefaultPattern)}, call->type,
                          call->position);
      }
      case F::kUnixTimestamp:
        if (arguments.empty()) return call;
        if (arguments.size() == 1) arguments.push_back(Text(kDefaultPattern));
        arguments.push_back(Text(zone_));
        return call;
      default:
        return call;
    }
  }

  plan::TablePtr Of(const plan::TablePtr& table) {
    plan::TablePtr& known = tables_[table.get()];
    if (known) return known;
    auto copy = std::make_shared<plan::Table>(*table);
    for (plan::TableColumn& column : copy->columns) column.computed = Of(column.computed);
    copy->watermark = Of(copy->watermark);
    kept_tables_.push_back(table);
    return tables_[table.get()] = std::move(copy);
  }

  std::shared_ptr<const plan::MatchSpec> Of(const plan::MatchSpec& match) {
    auto copy = std::make_shared<plan::MatchSpec>(match);
    for (plan::MatchVariable& variable : copy->variables) {
      if (variable.condition) variable.condition->expression = Of(variable.condition->expression);
    }
    for (plan::MatchExpression& measure : copy->measures) measure.expression = Of(measure.expression);
    return copy;
  }

  NodePtr Rebuild(const NodePtr& node) {
    auto copy = std::make_shared<Node>(*node);
    bool windows_on_wall = false;
    for (NodePtr& input : copy->inputs) {
      windows_on_wall = windows_on_wall || on_wall_.contains(input.get());
      input = done_.at(input.get());
    }
    copy->condition = Of(copy->condition);
    for (ExpressionPtr& expression : copy->expressions) expression = Of(expression);
    copy->join.condition = Of(copy->join.condition);
    if (copy->table) copy->table = Of(copy->table);
    if (copy->match) copy->match = Of(*copy->match);
    const bool assigns = node->kind == NodeKind::kWindowAssign || node->kind == NodeKind::kWindowAggregate;
    const bool attached = node->window.kind == plan::WindowKind::kAttached;
    if (assigns && !attached) {
      const auto time = static_cast<size_t>(node->window.time_column);
      windows_on_wall = node->inputs[0]->schema->fields[time].type.kind == TypeKind::kTimestampLtz;
    }
    if (windows_on_wall) {
      on_wall_.insert(node.get());
      if (assigns || attached || node->kind == NodeKind::kWindowJoin) copy->window.zone = zone_;
    }
    return copy;
  }

  const std::string& zone_;
  std::map<const Expression*, ExpressionPtr> known_;
  std::vector<ExpressionPtr> kept_;  // what known_ names stays alive
  std::map<const plan::Table*, plan::TablePtr> tables_;
  std::vector<plan::TablePtr> kept_tables_;
  std::set<const Node*> on_wall_;  // their rows have windows of the wall
  std::map<const Node*, NodePtr> done_;
};

}  // namespace

std::vector<NodePtr> InTimeZone(const std::vector<NodePtr>& roots, const std::vector<NodePtr>& inputs_first,
                                const std::string& zone) {
  if (zone.empty()) return roots;
  const Zoner zoner(inputs_first, zone);
  std::vector<NodePtr> result;
  for (const NodePtr& root : roots) result.push_back(zoner.Done(root));
  return result;
}

}  // namespace leat::sql
