#include "sql/narrow_rows.h"

#include <map>
#include <set>

#include "base/check.h"

namespace leat::sql {

using plan::Expression;
using plan::ExpressionPtr;
using plan::FunctionId;
using plan::Node;
using plan::NodeKind;
using plan::NodePtr;

namespace {

// What is read of a ROW column.
struct Use {
  bool whole = false;
  std::set<int32_t> fields;
};
using Uses = std::map<int, Use>;  // by column

bool IsRow(const data::Type& type) { return type.kind == data::TypeKind::kRow; }

bool IsFieldOfInput(const Expression& expression) {
  return expression.kind == Expression::Kind::kCall && expression.function == FunctionId::kField &&
         expression.arguments[0]->kind == Expression::Kind::kInput;
}

int32_t FieldIndex(const Expression& field) {
  const auto* index = std::get_if<int32_t>(&field.arguments[1]->literal.v);
  LEAT_CHECK(index != nullptr) << plan::ToString(field);
  return *index;
}

void Collect(const Expression& expression, Uses* uses) {
  if (IsFieldOfInput(expression)) {
    (*uses)[expression.arguments[0]->input].fields.insert(FieldIndex(expression));
    return;
  }
  if (expression.kind == Expression::Kind::kInput && IsRow(expression.type)) (*uses)[expression.input].whole = true;
  for (const ExpressionPtr& argument : expression.arguments) Collect(*argument, uses);
}

// By column: its new type, and where the fields that are left stood before.
struct Narrowed {
  data::Type type;
  std::map<int32_t, int32_t> now;
};
using Narrow = std::map<int, Narrowed>;

ExpressionPtr Apply(const ExpressionPtr& expression, const Narrow& narrow) {
  if (expression == nullptr) return nullptr;
  if (IsFieldOfInput(*expression)) {
    const Expression& row = *expression->arguments[0];
    const auto found = narrow.find(row.input);
    if (found == narrow.end()) return expression;
    data::Type type = found->second.type;
    type.nullable = row.type.nullable;
    const ExpressionPtr index =
        plan::Literal(data::Value{found->second.now.at(FieldIndex(*expression))}, expression->arguments[1]->type);
    return plan::Call(FunctionId::kField, {plan::Input(row.input, std::move(type)), index}, expression->type,
                      expression->position);
  }
  if (expression->arguments.empty()) return expression;
  auto copy = std::make_shared<Expression>(*expression);
  for (ExpressionPtr& argument : copy->arguments) argument = Apply(argument, narrow);
  return copy;
}

// Formats that find a field by its name, and keys that hold none of the columns.
bool ReadsByName(const plan::Table& table) {
  if (table.options.contains("key.fields")) return false;
  for (const char* option : {"format", "value.format"}) {
    const auto found = table.options.find(option);
    if (found != table.options.end()) return found->second == "json" || found->second == "debezium-json";
  }
  return false;
}

// By column of the table, what its readers and its own expressions take.
Uses UsesOf(const Node& source, const std::vector<const Node*>& readers) {
  Uses of_output;
  bool all_calcs = true;
  for (const Node* reader : readers) {
    all_calcs = all_calcs && reader->kind == NodeKind::kCalc;
    if (reader->condition) Collect(*reader->condition, &of_output);
    for (const ExpressionPtr& expression : reader->expressions) Collect(*expression, &of_output);
  }
  Uses uses;
  for (size_t i = 0; i < source.source_columns.size(); ++i) {
    Use& use = uses[source.source_columns[i]];
    use = of_output[static_cast<int>(i)];
    use.whole = use.whole || !all_calcs;
  }
  for (const plan::TableColumn& column : source.table->columns) {
    if (column.computed) Collect(*column.computed, &uses);
  }
  if (source.table->watermark) Collect(*source.table->watermark, &uses);
  return uses;
}

Narrow NarrowTable(const plan::Table& table, const Uses& uses) {
  Narrow narrow;
  for (const auto& [column, use] : uses) {
    const plan::TableColumn& description = table.columns[static_cast<size_t>(column)];
    if (use.whole || use.fields.empty() || !IsRow(description.type) ||
        description.kind != plan::TableColumn::Kind::kPhysical ||
        use.fields.size() == description.type.fields->size()) {
      continue;
    }
    Narrowed narrowed{description.type, {}};
    std::vector<data::Field> fields;
    for (const int32_t field : use.fields) {
      narrowed.now[field] = static_cast<int32_t>(fields.size());
      fields.push_back((*description.type.fields)[static_cast<size_t>(field)]);
    }
    narrowed.type.fields = std::make_shared<const std::vector<data::Field>>(std::move(fields));
    narrow[column] = std::move(narrowed);
  }
  return narrow;
}

NodePtr NarrowSource(const Node& source, const Narrow& narrow) {
  auto table = std::make_shared<plan::Table>(*source.table);
  for (const auto& [column, narrowed] : narrow) table->columns[static_cast<size_t>(column)].type = narrowed.type;
  for (plan::TableColumn& column : table->columns) column.computed = Apply(column.computed, narrow);
  table->watermark = Apply(table->watermark, narrow);
  auto schema = std::make_shared<data::Schema>(*source.schema);
  for (size_t i = 0; i < source.source_columns.size(); ++i) {
    const auto found = narrow.find(source.source_columns[i]);
    if (found != narrow.end()) schema->fields[i].type = found->second.type;
  }
  auto copy = std::make_shared<Node>(source);
  copy->table = std::move(table);
  copy->schema = std::move(schema);
  return copy;
}

class Narrower {
 public:
  Narrower(const std::vector<NodePtr>& roots, const std::vector<NodePtr>& inputs_first) {
    for (const NodePtr& root : roots) roots_.insert(root.get());
    for (const NodePtr& node : inputs_first) {
      for (const NodePtr& input : node->inputs) readers_[input.get()].push_back(node.get());
    }
    for (const NodePtr& node : inputs_first) done_[node.get()] = Rebuild(node);
  }
  const NodePtr& Done(const NodePtr& node) const { return done_.at(node.get()); }

 private:
  NodePtr Rebuild(const NodePtr& node) {
    if (node->kind == NodeKind::kSource) return Source(node);
    auto copy = std::make_shared<Node>(*node);
    for (NodePtr& input : copy->inputs) input = done_.at(input.get());
    if (node->kind != NodeKind::kCalc) return copy;
    const auto narrow = narrow_.find(node->inputs[0].get());
    if (narrow == narrow_.end()) return copy;
    copy->condition = Apply(copy->condition, narrow->second);
    for (ExpressionPtr& expression : copy->expressions) expression = Apply(expression, narrow->second);
    return copy;
  }

  NodePtr Source(const NodePtr& source) {
    if (roots_.contains(source.get()) || !ReadsByName(*source->table)) return source;
    const Narrow by_table = NarrowTable(*source->table, UsesOf(*source, readers_[source.get()]));
    if (by_table.empty()) return source;
    Narrow& by_output = narrow_[source.get()];
    for (size_t i = 0; i < source->source_columns.size(); ++i) {
      const auto found = by_table.find(source->source_columns[i]);
      if (found != by_table.end()) by_output[static_cast<int>(i)] = found->second;
    }
    return NarrowSource(*source, by_table);
  }

  std::set<const Node*> roots_;  // all that they have is read
  std::map<const Node*, std::vector<const Node*>> readers_;
  std::map<const Node*, Narrow> narrow_;  // sources, by column of their output
  std::map<const Node*, NodePtr> done_;
};

}  // namespace

std::vector<NodePtr> NarrowRows(const std::vector<NodePtr>& roots, const std::vector<NodePtr>& inputs_first) {
  const Narrower narrower(roots, inputs_first);
  std::vector<NodePtr> result;
  for (const NodePtr& root : roots) result.push_back(narrower.Done(root));
  return result;
}

}  // namespace leat::sql
