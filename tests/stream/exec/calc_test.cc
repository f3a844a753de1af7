#include "exec_testing.h"

namespace leat::exec {
namespace {

using namespace testing;  // NOLINT
using F = FunctionId;

std::shared_ptr<plan::Node> CalcNode(ExpressionPtr condition, std::vector<ExpressionPtr> expressions) {
  auto node = std::make_shared<plan::Node>();
  node->kind = plan::NodeKind::kCalc;
  node->id = 1;
  node->condition = std::move(condition);
  std::vector<data::Field> fields;
  for (const auto& expression : expressions) fields.push_back({"c", expression->type});
  node->schema = MakeSchema(fields);
  node->expressions = std::move(expressions);
  return node;
}

const data::SchemaPtr& InputSchema() {
  static const data::SchemaPtr schema = MakeSchema({{"t", data::String()}, {"n", data::Int()}});
  return schema;
}

TEST(Calc, SendsFailingRowsAwayAndKeepsTheOthersInOrder) {
  const ExpressionPtr cast = Cast(plan::Input(0, data::String()), data::Int());
  Task task(CalcNode(nullptr, {cast, plan::Input(1, data::Int())}));
  data::Batch batch = MakeBatch(InputSchema(), {{{"1"}, {10}}, {{"x"}, {20}}, {{"3"}, {30}}});
  batch.kinds = {data::RowKind::kInsert, data::RowKind::kInsert, data::RowKind::kDelete};
  batch.offsets = {100, 101, 102};
  batch.source = std::make_shared<data::SourcePartition>(data::SourcePartition{"in", 4});
  task.Process(batch);
  EXPECT_EQ(task.output.lines,
            (std::vector<std::string>{"fail +I[x, 20] @101: line 3, column 7: CAST('x' AS INT): this text is no INT; "
                                      "TRY_CAST gives NULL instead",
                                      "+I[1, 10]", "-D[3, 30]"}));
}

TEST(Calc, KeepsRowsForWhichTheConditionIsTrueOnly) {
  const ExpressionPtr n = plan::Input(1, data::Int());
  Task task(CalcNode(Call(F::kGreater, {Call(F::kDivide, {Int(10), n}), Int(1)}), {plan::Input(0, data::String())}));
  task.Process(MakeBatch(InputSchema(), {{{"a"}, {2}}, {{"b"}, {9}}, {{"c"}, Value::Null()}, {{"d"}, {0}}}));
  EXPECT_EQ(task.output.lines,
            (std::vector<std::string>{"fail +I[d, 0] @-1: line 3, column 7: division by zero", "+I[a]"}));
}

TEST(Calc, TellsTheFirstReasonOfARowOnce) {
  const ExpressionPtr cast = Cast(plan::Input(0, data::String()), data::Int());
  Task task(CalcNode(nullptr, {cast, Call(F::kDivide, {Int(1), plan::Input(1, data::Int())})}));
  task.Process(MakeBatch(InputSchema(), {{{"x"}, {0}}}));
  ASSERT_EQ(task.output.lines.size(), 1u);
  EXPECT_NE(task.output.lines[0].find("CAST('x' AS INT)"), std::string::npos);
}

TEST(Calc, FailsEveryRowOfAFailingConstantButOnlyWhenRowsCome) {
  const ExpressionPtr bad = Cast(Text("x"), data::Int());
  Task task(CalcNode(nullptr, {bad}));
  task.Process(MakeBatch(InputSchema(), {{{"a"}, {1}}, {{"b"}, {2}}}));
  EXPECT_EQ(task.output.lines.size(), 2u);
}

TEST(GroupAggregate, CountsRetractionsOfRowsThatNeverCame) {
  auto source = std::make_shared<plan::Node>();
  source->schema = InputSchema();
  source->produces_updates = true;
  auto node = std::make_shared<plan::Node>();
  node->kind = plan::NodeKind::kGroupAggregate;
  node->inputs = {source};
  node->keys = {0};
  node->aggregates = {{plan::AggregateKind::kMax, 1, false, -1, data::Int()}};
  node->schema = MakeSchema({{"t", data::String()}, {"m", data::Int()}});
  Task task(node);
  data::Batch batch = MakeBatch(InputSchema(), {{{"a"}, {1}}});
  batch.kinds = {data::RowKind::kDelete};
  task.Process(batch);
  EXPECT_TRUE(task.output.lines.empty());
  EXPECT_EQ(task.state().counters.ignored_retractions, 1);
}

}  // namespace
}  // namespace leat::exec
