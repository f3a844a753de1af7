// MATCH_RECOGNIZE over random rows out of order and random patterns, against an oracle that tries every way to lay the
// pattern over all rows of a key. The patterns are those that fit from each row in one way at most (variables are
// greedy or fixed): which of several ways wins is Flink's own order, and a test of stream/run holds against Flink's
// answers.
#include <algorithm>
#include <map>
#include <optional>

#include "base/random.h"
#include "exec_testing.h"
#include "stream/data/key_codec.h"
#include "stream/exec/keyed_matches.h"

namespace leat::exec {
namespace {

using namespace testing;  // NOLINT

using Kind = plan::MatchReference::Kind;

struct Row {
  std::string key;
  int64_t v;
  int64_t ms;
  int64_t id;
};

data::SchemaPtr InputSchema() {
  return MakeSchema({{"k", data::String()}, {"v", data::BigInt()}, {"id", data::BigInt()}, {"ts", data::Timestamp(3)}});
}

plan::MatchReference Take(Kind kind, int variable, int offset, int column) {
  return {
      .kind = kind, .variable = variable, .offset = offset, .column = column, .aggregate = {}, .type = data::BigInt()};
}
plan::MatchReference Aggregated(plan::AggregateKind kind, int variable, int column) {
  plan::MatchReference reference{.kind = Kind::kAggregate, .variable = variable, .column = column};
  reference.aggregate = {.kind = kind, .argument = column, .type = data::BigInt()};
  reference.type = data::BigInt();
  return reference;
}
ExpressionPtr In(int i) { return plan::Input(i, data::BigInt()); }

// A condition, for the operator and for the oracle: `mine` are the values of the variable's rows with the one that is
// tried, `all` those of the match with it.
struct Condition {
  enum class Shape { kNone, kAbove, kBelow, kRising, kSumBelow, kAboveFirst };
  Shape shape = Shape::kNone;
  int64_t limit = 0;

  bool Holds(const std::vector<int64_t>& mine, const std::vector<int64_t>& all) const {
    int64_t sum = 0;
    for (const int64_t v : mine) sum += v;
    switch (shape) {
      case Shape::kNone:
        return true;
      case Shape::kAbove:
        return mine.back() > limit;
      case Shape::kBelow:
        return mine.back() < limit;
      case Shape::kRising:
        return mine.size() < 2 || mine.back() > mine[mine.size() - 2];
      case Shape::kSumBelow:
        return sum < limit;
      case Shape::kAboveFirst:
        return mine.back() >= all.front();
    }
    return false;
  }
  std::optional<plan::MatchExpression> Make(int variable) const {
    const plan::MatchReference own = Take(Kind::kLast, variable, 0, 1);
    switch (shape) {
      case Shape::kNone:
        return std::nullopt;
      case Shape::kAbove:
        return plan::MatchExpression{{own}, Call(FunctionId::kGreater, {In(0), Big(limit)})};
      case Shape::kBelow:
        return plan::MatchExpression{{own}, Call(FunctionId::kLess, {In(0), Big(limit)})};
      case Shape::kRising:
        return plan::MatchExpression{
            {own, Take(Kind::kLast, variable, 1, 1)},
            Call(FunctionId::kOr, {Call(FunctionId::kIsNull, {In(1)}), Call(FunctionId::kGreater, {In(0), In(1)})})};
      case Shape::kSumBelow:
        return plan::MatchExpression{{Aggregated(plan::AggregateKind::kSum, variable, 1)},
                                     Call(FunctionId::kLess, {In(0), Big(limit)})};
      case Shape::kAboveFirst:
        return plan::MatchExpression{{own, Take(Kind::kFirst, -1, 0, 1)},
                                     Call(FunctionId::kGreaterOrEqual, {In(0), In(1)})};
    }
    return std::nullopt;
  }
};

struct Pattern {
  std::vector<plan::MatchVariable> variables;
  std::vector<Condition> conditions;
  plan::MatchSkip skip = plan::MatchSkip::kToNextRow;
  int skip_variable = -1;
  int64_t within_ms = 0;
};

bool IsGreedy(const plan::MatchVariable& variable) { return variable.min != variable.max; }

Pattern RandomPattern(Random& random) {
  Pattern pattern;
  const auto count = random.Between(2, 4);
  for (int64_t i = 0; i < count; ++i) {
    plan::MatchVariable variable{.name = std::string(1, static_cast<char>('A' + i))};
    const bool last = i == count - 1;
    const bool behind_greedy = i > 0 && IsGreedy(pattern.variables.back());
    switch (last ? random.Between(0, 1) : random.Between(0, 4)) {
      case 1:
        variable.min = variable.max = 2;
        break;
      case 2:
        variable.max = -1;
        break;
      case 3:
        variable.max = 3;
        break;
      case 4:
        variable.min = behind_greedy ? 2 : 0;
        variable.max = -1;
        break;
      default:
        break;
    }
    Condition condition{.shape = static_cast<Condition::Shape>(random.Between(0, 5)), .limit = random.Between(1, 8)};
    if (condition.shape == Condition::Shape::kSumBelow) condition.limit += 8;
    if (variable.min == 0 && condition.shape == Condition::Shape::kNone) condition.shape = Condition::Shape::kBelow;
    variable.condition = condition.Make(static_cast<int>(i));
    pattern.variables.push_back(variable);
    pattern.conditions.push_back(condition);
  }
  pattern.skip = static_cast<plan::MatchSkip>(random.Between(0, 3));
  if (pattern.variables[0].min == 0) pattern.skip = static_cast<plan::MatchSkip>(random.Between(0, 1));
  if (pattern.skip == plan::MatchSkip::kToFirst || pattern.skip == plan::MatchSkip::kToLast) {
    pattern.skip_variable = static_cast<int>(count) - 1;  // it has a row, which is not the match's first one
  }
  if (random.OneIn(2)) pattern.within_ms = random.Between(20, 90);
  return pattern;
}

plan::NodePtr MakeMatchNode(const Pattern& pattern) {
  auto source = std::make_shared<plan::Node>();
  source->schema = InputSchema();
  auto node = std::make_shared<plan::Node>();
  node->kind = plan::NodeKind::kMatch;
  node->id = 4;
  node->inputs = {source};
  node->keys = {0};
  node->window.time_column = 3;
  auto spec = std::make_shared<plan::MatchSpec>();
  spec->variables = pattern.variables;
  spec->skip = pattern.skip;
  spec->skip_variable = pattern.skip_variable;
  spec->within_ms = pattern.within_ms;
  std::vector<data::Field> fields = {{"k", data::String()}};
  const auto measure = [&](plan::MatchReference reference) {
    spec->measures.push_back({{std::move(reference)}, In(0)});
    fields.push_back({StrCat("m", fields.size()), data::BigInt()});
  };
  measure(Take(Kind::kFirst, -1, 0, 2));
  measure(Take(Kind::kLast, -1, 0, 2));
  measure(Aggregated(plan::AggregateKind::kSum, -1, 1));
  for (size_t i = 0; i < pattern.variables.size(); ++i) {
    measure(Aggregated(plan::AggregateKind::kCount, static_cast<int>(i), 2));
  }
  node->match = spec;
  node->schema = MakeSchema(fields);
  return node;
}

// What becomes of a match that begins at a row: how far it comes, and its counts if it ends.
struct Fate {
  size_t open_to = 0;  // it is still open behind this row; `begun` false: behind none
  bool begun = false;
  std::optional<size_t> end;
  std::vector<int64_t> counts;
};

class Oracle {
 public:
  Oracle(const Pattern& pattern, std::vector<Row> rows) : pattern_(pattern), rows_(std::move(rows)) {}

  // The lines in the order in which they are given out, for rows up to the watermark.
  std::vector<std::string> Lines(bool to_the_end) {
    std::vector<Fate> fates;
    for (size_t start = 0; start < rows_.size(); ++start) fates.push_back(FateOf(start));
    std::vector<std::string> lines;
    std::vector<char> dropped(rows_.size(), 0);
    std::vector<size_t> completed;
    const auto give_out = [&](const auto& is_open) {
      while (true) {
        std::ranges::sort(completed);
        std::erase_if(completed, [&](size_t start) { return dropped[start] != 0; });
        if (completed.empty()) return;
        const size_t start = completed.front();
        for (size_t older = 0; older < start; ++older) {
          if (dropped[older] == 0 && is_open(older)) return;
        }
        completed.erase(completed.begin());
        lines.push_back(Line(start, fates[start]));
        for (size_t other = 0; other < std::min(Resume(start, fates[start]), rows_.size()); ++other) dropped[other] = 1;
      }
    };
    for (size_t row = 0; row < rows_.size(); ++row) {
      give_out([&](size_t start) { return OpenAt(fates[start], start, row, rows_[row].ms); });
      for (size_t start = 0; start <= row; ++start) {
        if (fates[start].end == row && dropped[start] == 0) completed.push_back(start);
      }
      give_out([&](size_t start) { return start <= row && OpenAt(fates[start], start, row + 1, rows_[row].ms); });
    }
    if (to_the_end && pattern_.within_ms > 0) give_out([](size_t) { return false; });
    return lines;
  }

 private:
  // Open when `rows` rows have been looked at and the time is `ms`.
  bool OpenAt(const Fate& fate, size_t start, size_t rows, int64_t ms) const {
    if (rows <= start || !fate.begun || fate.open_to + 1 < rows) return false;
    return pattern_.within_ms == 0 || ms - rows_[start].ms < pattern_.within_ms;
  }

  Fate FateOf(size_t start) const {
    Fate fate;
    std::vector<std::vector<int64_t>> taken(pattern_.variables.size());
    Lay(start, start, 0, &taken, &fate);
    return fate;
  }

  bool Fits(size_t variable, int64_t v, const std::vector<std::vector<int64_t>>& taken) const {
    std::vector<int64_t> mine = taken[variable];
    std::vector<int64_t> all;
    for (const auto& values : taken) all.insert(all.end(), values.begin(), values.end());
    mine.push_back(v);
    all.push_back(v);
    return pattern_.conditions[variable].Holds(mine, all);
  }

  // Rows from `row` on, to variables from `variable` on; what is before them is in `taken`.
  void Lay(size_t start, size_t row, size_t variable, std::vector<std::vector<int64_t>>* taken, Fate* fate) const {
    const plan::MatchVariable& at = pattern_.variables[variable];
    const auto count = static_cast<int>((*taken)[variable].size());
    if (row >= rows_.size()) return;
    if (pattern_.within_ms > 0 && rows_[row].ms - rows_[start].ms >= pattern_.within_ms) return;
    const int64_t v = rows_[row].v;
    const auto take = [&](size_t into) {
      (*taken)[into].push_back(v);
      const bool last = into + 1 == taken->size();
      if (last && static_cast<int>((*taken)[into].size()) == pattern_.variables[into].min) {
        EXPECT_FALSE(fate->end.has_value()) << "the pattern fits in two ways";
        fate->end = row;
        for (const auto& values : *taken) fate->counts.push_back(static_cast<int64_t>(values.size()));
      } else {
        fate->begun = true;
        fate->open_to = std::max(fate->open_to, row);
        Lay(start, row + 1, into, taken, fate);
      }
      (*taken)[into].pop_back();
    };
    if ((at.max < 0 || count < at.max) && Fits(variable, v, *taken)) take(variable);
    if (count < at.min) return;
    // A greedy variable keeps what it could take. One without rows may be passed by only if it takes none.
    if (IsGreedy(at) && Fits(variable, v, *taken)) return;
    for (size_t next = variable + 1; next < taken->size(); ++next) {
      if (Fits(next, v, *taken)) return take(next);
      if (pattern_.variables[next].min > 0) return;
    }
  }

  size_t Resume(size_t start, const Fate& fate) const {
    const auto last_count = static_cast<size_t>(fate.counts.back());
    switch (pattern_.skip) {
      case plan::MatchSkip::kToNextRow:
        return start + 1;
      case plan::MatchSkip::kPastLastRow:
        return *fate.end + 1;
      case plan::MatchSkip::kToFirst:
        return *fate.end + 1 - last_count;
      case plan::MatchSkip::kToLast:
        return *fate.end;
    }
    return 0;
  }

  std::string Line(size_t start, const Fate& fate) const {
    int64_t sum = 0;
    for (size_t row = start; row <= *fate.end; ++row) sum += rows_[row].v;
    std::string line = StrCat("+I[", rows_[start].key, ", ", rows_[start].id, ", ", rows_[*fate.end].id, ", ", sum);
    for (const int64_t count : fate.counts) StrAppend(&line, ", ", count);
    return line + "]";
  }

  const Pattern& pattern_;
  std::vector<Row> rows_;
};

std::vector<std::string> OfKey(const std::vector<std::string>& lines, const std::string& key) {
  std::vector<std::string> own;
  for (const std::string& line : lines) {
    if (line.starts_with("+I[" + key + ",")) own.push_back(line);
  }
  return own;
}

std::string Describe(const Pattern& pattern) {
  std::string text = StrCat("skip ", static_cast<int>(pattern.skip), ", within ", pattern.within_ms, " ms");
  for (size_t i = 0; i < pattern.variables.size(); ++i) {
    const Condition& condition = pattern.conditions[i];
    StrAppend(&text, ", ", pattern.variables[i].name, " {", pattern.variables[i].min, ",", pattern.variables[i].max,
              "} condition ", static_cast<int>(condition.shape), " ", condition.limit);
  }
  return text;
}

size_t RunMatch(uint64_t seed) {
  Random random(seed);
  const Pattern pattern = RandomPattern(random);
  Task task(MakeMatchNode(pattern));
  std::map<std::string, std::vector<Row>> rows;
  int64_t watermark = -1000;
  task.Watermark(watermark);
  int64_t now = 0;
  int64_t id = 0;
  for (int step = 0; step < 12; ++step) {
    std::vector<std::vector<Value>> values;
    const auto count = random.Between(0, 8);
    for (int64_t i = 0; i < count; ++i) {
      const Row row{StrCat("k", random.Below(2)), random.Between(0, 9), now + random.Between(-15, 15), id++};
      if (row.ms <= watermark) continue;
      rows[row.key].push_back(row);
      values.push_back({{row.key}, {row.v}, {row.id}, {row.ms * 1000}});
    }
    if (!values.empty()) task.Process(MakeBatch(InputSchema(), values));
    now += random.Between(0, 25);
    watermark = step == 11 ? kMaxWatermark : std::max(watermark, now - 10);
    task.Watermark(watermark);
    if (random.OneIn(3)) {
      task.Barrier();
      task.KillAndRestore();
    }
  }
  size_t found = 0;
  for (auto& [key, own] : rows) {
    std::ranges::stable_sort(own, {}, &Row::ms);
    const std::vector<std::string> expected = Oracle(pattern, own).Lines(true);
    EXPECT_EQ(OfKey(task.output.lines, key), expected) << "seed " << seed << ": " << Describe(pattern);
    found += expected.size();
  }
  task.Barrier();
  return found;
}

TEST(MatchOracle, AgreesOnRandomRowsAndPatterns) {
  size_t found = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    found += RunMatch(seed);
    if (HasFailure()) return;
  }
  EXPECT_GT(found, 1000u);  // the patterns are not so narrow that nothing is compared
}

Pattern SmallThenLarge(int64_t within_ms) {
  Pattern pattern;
  pattern.conditions = {{.shape = Condition::Shape::kBelow, .limit = 1},
                        {.shape = Condition::Shape::kAbove, .limit = 500}};
  pattern.variables = {{.name = "A", .condition = pattern.conditions[0].Make(0)},
                       {.name = "B", .condition = pattern.conditions[1].Make(1)}};
  pattern.within_ms = within_ms;
  return pattern;
}

data::Batch One(const std::string& key, int64_t v, int64_t ms) {
  return MakeBatch(InputSchema(), {{{key}, {v}, {ms}, {ms * 1000}}});
}

TEST(Match, HoldsNothingOfMatchesThatTimeHasEnded) {
  Task task(MakeMatchNode(SmallThenLarge(60'000)));
  for (int64_t i = 0; i < 200; ++i) task.Process(One(StrCat("card", i), 0, i));
  task.Watermark(30'000);
  task.Barrier();
  const size_t full = task.CommittedBytes();
  EXPECT_GT(full, 5'000u);
  task.KillAndRestore();
  task.Watermark(60'100);
  task.Barrier();
  EXPECT_LT(task.CommittedBytes(), full * 3 / 5);
  task.Process(One("card150", 700, 60'120));  // begun at 150, so 1 min of it is not over
  task.Watermark(70'000);
  task.Barrier();
  EXPECT_EQ(task.output.lines, std::vector<std::string>{"+I[card150, 150, 60120, 700, 1, 1]"});
  EXPECT_LT(task.CommittedBytes(), 500u);  // the watermark alone
}

TEST(Match, DropsAndCountsRowsBehindTheWatermark) {
  Task task(MakeMatchNode(SmallThenLarge(0)));
  task.Watermark(100);
  task.Process(One("a", 0, 100));
  task.Process(One("a", 700, 101));
  task.Watermark(200);
  ASSERT_EQ(task.output.lines.size(), 1u);
  EXPECT_TRUE(task.output.lines[0].starts_with("late +I[a, 0, 100, ")) << task.output.lines[0];
}

TEST(Match, ReadsBackWhatItStoresAndRefusesLess) {
  const plan::NodePtr node = MakeMatchNode(SmallThenLarge(60'000));
  const MatchAutomaton automaton(*node->match);
  KeyedMatches matches(automaton.Begin(), InputSchema());
  const auto any = [](int, const PartialMatch&) -> absl::StatusOr<bool> { return true; };
  std::vector<CompletedMatch> ended;
  for (int64_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(automaton.Step(&matches.run, i * 10, any, &ended).ok());
    std::string row;
    data::EncodeKey(One("a", i, i * 10).columns, 0, &row);
    ASSERT_TRUE(matches.Append(i * 10, row).ok());
  }
  EXPECT_EQ(ended.size(), 2u);
  const std::string stored = matches.Store();
  KeyedMatches read(automaton.Begin(), InputSchema());
  ASSERT_TRUE(read.Load(stored, automaton).ok());
  EXPECT_EQ(read.Store(), stored);
  EXPECT_EQ(read.rows().rows, 1u);  // the others are behind every match to come
  for (size_t size = 0; size < stored.size(); ++size) {
    KeyedMatches cut(automaton.Begin(), InputSchema());
    EXPECT_FALSE(cut.Load(std::string_view(stored).substr(0, size), automaton).ok()) << size;
  }
}

}  // namespace
}  // namespace leat::exec
