// Costs per row of the operators, on batches as the decoder makes them. Items are input rows.
#include <benchmark/benchmark.h>

#include "base/random.h"
#include "base/strings.h"
#include "stream/exec/operator.h"

namespace leat::exec {
namespace {

class Discard : public Output {
 public:
  absl::Status Emit(data::Batch batch) override {
    rows += batch.rows;
    return absl::OkStatus();
  }
  void Late(const data::Batch&, std::span<const uint32_t> late) override { rows += late.size(); }
  void Fail(FailedRow) override { ++rows; }
  size_t rows = 0;
};

data::SchemaPtr InputSchema() {
  return std::make_shared<const data::Schema>(
      data::Schema{{{"card", data::String()}, {"amount", data::Decimal(10, 2)}, {"ts", data::Timestamp(3)}}});
}

// Batches of 1,024 rows; `per_second` rows a second of event time.
std::vector<data::Batch> MakeBatches(size_t count, uint64_t cards, int64_t per_second) {
  Random random(1);
  std::vector<data::Batch> batches;
  int64_t row_number = 0;
  for (size_t b = 0; b < count; ++b) {
    data::Batch batch;
    batch.schema = InputSchema();
    batch.rows = data::kBatchRows;
    auto card = std::make_shared<data::Column>(data::String());
    auto amount = std::make_shared<data::Column>(data::Decimal(10, 2));
    auto ts = std::make_shared<data::Column>(data::Timestamp(3));
    for (size_t i = 0; i < data::kBatchRows; ++i) {
      card->AppendText(StrCat("card-", 1'000'000 + random.Below(cards)));
      amount->Append<data::Int128>(random.Between(1, 100'000));
      ts->Append<int64_t>(row_number++ * 1'000'000 / per_second);
    }
    batch.columns = {card, amount, ts};
    batches.push_back(std::move(batch));
  }
  return batches;
}

plan::NodePtr Source() {
  auto source = std::make_shared<plan::Node>();
  source->schema = InputSchema();
  return source;
}

std::vector<plan::Aggregate> CountAndSum() {
  return {{plan::AggregateKind::kCountStar, -1, false, -1, data::BigInt()},
          {plan::AggregateKind::kSum, 1, false, -1, data::Decimal(38, 2)}};
}

void BM_Calc(benchmark::State& state) {
  using plan::FunctionId;
  auto node = std::make_shared<plan::Node>();
  node->kind = plan::NodeKind::kCalc;
  node->inputs = {Source()};
  node->schema = InputSchema();
  const auto amount = plan::Input(1, data::Decimal(10, 2));
  const auto ts = plan::Input(2, data::Timestamp(3));
  const auto hour =
      plan::Call(FunctionId::kExtract, {plan::Literal({std::string("HOUR")}, data::String()), ts}, data::BigInt());
  const auto night =
      plan::Call(FunctionId::kLess, {hour, plan::Literal({int64_t{6}}, data::BigInt())}, data::Boolean());
  const auto limit = plan::Call(FunctionId::kCase,
                                {night, plan::Literal({data::Int128{20'000}}, data::Decimal(10, 2)),
                                 plan::Literal({data::Int128{50'000}}, data::Decimal(10, 2))},
                                data::Decimal(10, 2));
  node->condition = plan::Call(FunctionId::kGreater, {amount, limit}, data::Boolean());
  node->expressions = {plan::Input(0, data::String()), amount, ts};
  const auto calc = *MakeOperator(node);
  const std::vector<data::Batch> batches = MakeBatches(16, 1000, 1000);
  Discard out;
  OperatorState none;
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(calc->Process(none, {}, batches[next++ % batches.size()], out));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * data::kBatchRows));
}
BENCHMARK(BM_Calc);

// HOP of 10 minutes by 1 minute, count and sum per card, a watermark a batch and a barrier every 64 batches.
// Arguments: cards, rows a second of event time.
void BM_HopPerCard(benchmark::State& state) {
  auto node = std::make_shared<plan::Node>();
  node->kind = plan::NodeKind::kWindowAggregate;
  node->inputs = {Source()};
  node->keys = {0};
  node->window = {plan::WindowKind::kHop, 2, 600'000, 60'000, 0};
  node->aggregates = CountAndSum();
  node->window_columns = {plan::Node::WindowColumn::kStart, plan::Node::WindowColumn::kEnd};
  node->schema = std::make_shared<const data::Schema>(data::Schema{{{"card", data::String()},
                                                                    {"n", data::BigInt()},
                                                                    {"s", data::Decimal(38, 2)},
                                                                    {"window_start", data::Timestamp(3)},
                                                                    {"window_end", data::Timestamp(3)}}});
  const auto hop = *MakeOperator(node);
  const std::vector<data::Batch> batches = MakeBatches(256, static_cast<uint64_t>(state.range(0)), state.range(1));
  size_t emitted = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const auto store = state::MakeMemoryStore();
    const auto backend = state::StateBackend::Create(*store, {});
    const auto operator_state = *hop->Open(*backend);
    Discard out;
    state.ResumeTiming();
    Context context;
    int64_t epoch = 0;
    for (size_t i = 0; i < batches.size(); ++i) {
      LEAT_CHECK_OK(hop->Process(*operator_state, context, batches[i], out));
      context.watermark_ms = batches[i].columns[2]->values<int64_t>().back() / 1000 - 5000;
      LEAT_CHECK_OK(hop->OnWatermark(*operator_state, context, out));
      if (i % 64 != 63) continue;
      LEAT_CHECK_OK(hop->OnBarrier(*operator_state));
      ++epoch;
      backend->TakeChanges(epoch, "", [](std::string_view, std::optional<std::string_view>) {});
      LEAT_CHECK_OK(store->Apply(backend->TakeUnapplied(""), epoch));
      backend->OnApplied(epoch);
    }
    emitted = out.rows;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * batches.size() * data::kBatchRows));
  state.counters["out_per_in"] = static_cast<double>(emitted) / static_cast<double>(batches.size() * data::kBatchRows);
}
BENCHMARK(BM_HopPerCard)->Args({1000, 1000})->Args({1000, 10})->Args({100'000, 1000})->Unit(benchmark::kMillisecond);

void BM_GroupAggregate(benchmark::State& state) {
  auto node = std::make_shared<plan::Node>();
  node->kind = plan::NodeKind::kGroupAggregate;
  node->inputs = {Source()};
  node->keys = {0};
  node->aggregates = CountAndSum();
  node->schema = std::make_shared<const data::Schema>(
      data::Schema{{{"card", data::String()}, {"n", data::BigInt()}, {"s", data::Decimal(38, 2)}}});
  const auto group = *MakeOperator(node);
  const auto store = state::MakeMemoryStore();
  const auto backend = state::StateBackend::Create(*store, {});
  const auto operator_state = *group->Open(*backend);
  const std::vector<data::Batch> batches = MakeBatches(256, static_cast<uint64_t>(state.range(0)), 1000);
  Discard out;
  size_t next = 0;
  for (auto _ : state) {
    LEAT_CHECK_OK(group->Process(*operator_state, {}, batches[next++ % batches.size()], out));
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * data::kBatchRows));
}
BENCHMARK(BM_GroupAggregate)->Arg(1000)->Arg(100'000);

}  // namespace
}  // namespace leat::exec
