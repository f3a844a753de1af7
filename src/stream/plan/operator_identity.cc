#include "stream/plan/operator_identity.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/strings.h"
#include "stream/plan/node_text.h"

namespace leat::plan {
namespace {

using Texts = std::vector<std::string>;

// Longer texts end in a hash of the whole: views over views would make them as long as they like.
constexpr size_t kLongest = 240;

uint64_t Fnv1a(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return hash;
}

std::string Hex(uint64_t number) {
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[number >> shift & 15];
  return text;
}

std::string Shorten(std::string text) {
  if (text.size() <= kLongest) return text;
  const uint64_t hash = Fnv1a(text);
  size_t cut = kLongest - 20;
  while (cut > 0 && (static_cast<uint8_t>(text[cut]) & 0xc0) == 0x80) --cut;  // not within a character
  return StrCat(text.substr(0, cut), "..", Hex(hash));
}

std::string Listed(const Texts& texts) {
  std::string text;
  for (const std::string& one : texts) StrAppend(&text, text.empty() ? "" : ", ", one);
  return text;
}

// An expression over columns that are called by where they come from.
std::string Render(const Expression& expression, const Texts& columns) {
  switch (expression.kind) {
    case Expression::Kind::kInput:
      return columns[static_cast<size_t>(expression.input)];
    case Expression::Kind::kLiteral:
      return ToString(expression);
    case Expression::Kind::kCall:
      break;
  }
  Texts arguments;
  for (const ExpressionPtr& argument : expression.arguments) arguments.push_back(Render(*argument, columns));
  const bool cast = expression.function == FunctionId::kCast || expression.function == FunctionId::kTryCast;
  return Shorten(StrCat(GetFunctionInfo(expression.function).name, "(", Listed(arguments),
                        cast ? StrCat(" AS ", expression.type.AsNullable().ToString()) : "", ")"));
}

std::string Option(const Table& table, const std::string& key) {
  const auto found = table.options.find(key);
  return found == table.options.end() ? std::string() : found->second;
}

// What a table reads or writes.
std::string Place(const Table& table) {
  for (const char* key : {"topic", "topic-pattern", "path"}) {
    if (std::string place = Option(table, key); !place.empty()) return place;
  }
  return table.name;
}

// The rows of a node's output.
struct Rows {
  Texts columns;      // where each comes from
  std::string from;   // the operators with state and the topics below
  std::string reads;  // filters between those and here
};

bool KeepsState(const Node& node) {
  switch (node.kind) {
    case NodeKind::kWindowAssign:
      return node.window.kind == WindowKind::kSession;
    case NodeKind::kSink:
      return Option(*node.table, "connector") == "filesystem";
    case NodeKind::kSource:
    case NodeKind::kValues:
    case NodeKind::kWindowAggregate:
    case NodeKind::kGroupAggregate:
    case NodeKind::kJoin:
    case NodeKind::kIntervalJoin:
    case NodeKind::kWindowJoin:
    case NodeKind::kTemporalJoin:
    case NodeKind::kLookupJoin:
    case NodeKind::kNormalize:
    case NodeKind::kUpsertMaterialize:
    case NodeKind::kOver:
    case NodeKind::kRank:
    case NodeKind::kMatch:
      return true;
    case NodeKind::kCalc:
    case NodeKind::kUnionAll:
    case NodeKind::kUnnest:
      return false;
  }
  return false;
}

std::string_view KindName(const Node& node) {
  switch (node.kind) {
    case NodeKind::kSource:
      return kSourceKind;
    case NodeKind::kValues:
      return kValuesKind;
    case NodeKind::kSink:
      return kFilesKind;
    case NodeKind::kWindowAssign:
      return "WindowAssign";
    case NodeKind::kWindowAggregate:
      return "WindowAggregate";
    case NodeKind::kGroupAggregate:
      return "GroupAggregate";
    case NodeKind::kNormalize:
      return "Normalize";
    case NodeKind::kUpsertMaterialize:
      return "UpsertMaterialize";
    case NodeKind::kOver:
      return node.aggregates.empty() ? "Sort" : "Over";
    case NodeKind::kRank:
      return node.window.kind == WindowKind::kAttached ? "WindowRank" : "Rank";
    case NodeKind::kMatch:
      return "Match";
    default:
      return JoinName(node.kind);
  }
}

// The identity of one node, from those of the nodes below it.
class Describer {
 public:
  Describer(const Node& node, std::vector<const Rows*> inputs) : node_(node), inputs_(std::move(inputs)) {}

  OperatorIdentity Identity() {
    identity_.kind = KindName(node_);
    if (node_.kind == NodeKind::kValues) {
      Add("rows", ValuesText());
      return std::move(identity_);
    }
    if (node_.kind == NodeKind::kSource || node_.kind == NodeKind::kSink) {
      AddTable();
      return std::move(identity_);
    }
    Texts from;
    for (const Rows* input : inputs_) {
      from.push_back(input->from);
      if (!input->reads.empty()) StrAppend(&identity_.reads, identity_.reads.empty() ? "" : "; ", input->reads);
    }
    Add("input", Listed(from));
    AddSpec();
    const bool takes_back = std::any_of(node_.inputs.begin(), node_.inputs.end(),
                                        [](const NodePtr& input) { return input->produces_updates; });
    if (takes_back) Add("rows", "that are changed and taken back");
    return std::move(identity_);
  }

  std::string Window() const {
    const WindowSpec& window = node_.window;
    const std::string zone = window.zone.empty() ? std::string() : StrCat(" in ", window.zone);
    const std::string time = window.time_column < 0 ? std::string("arrival") : Typed(0, window.time_column);
    if (window.kind == WindowKind::kAttached) return StrCat("the one that ends at ", time, zone);
    return StrCat(WindowName(window.kind), "(", time, window.processing_time ? " by the wall clock" : "", ", ",
                  window.size_ms, " ms", window.slide_ms == window.size_ms ? "" : StrCat(", ", window.slide_ms, " ms"),
                  window.offset_ms == 0 ? "" : StrCat(", offset ", window.offset_ms, " ms"), zone, ")");
  }
  Texts Aggregates() const {
    Texts texts;
    for (const Aggregate& aggregate : node_.aggregates) texts.push_back(AggregateText(aggregate));
    return texts;
  }

 private:
  void Add(std::string name, std::string text) { identity_.parts.emplace_back(std::move(name), std::move(text)); }
  void AddUnlessEmpty(std::string name, std::string text) {
    if (!text.empty()) Add(std::move(name), std::move(text));
  }
  const std::string& Column(size_t input, int column) const {
    return inputs_[input]->columns[static_cast<size_t>(column)];
  }
  const data::Type& TypeOf(size_t input, int column) const {
    return node_.inputs[input]->schema->fields[static_cast<size_t>(column)].type;
  }
  std::string Typed(size_t input, int column) const {
    data::Type type = TypeOf(input, column);
    type.rowtime = type.proctime = false;
    return StrCat(Column(input, column), " ", type.ToString());
  }
  std::string Columns(size_t input, const std::vector<int>& columns) const {
    Texts texts;
    for (const int column : columns) texts.push_back(Typed(input, column));
    return Listed(texts);
  }
  std::string AllColumns(size_t input) const {
    std::vector<int> columns;
    for (size_t i = 0; i < node_.inputs[input]->schema->fields.size(); ++i) columns.push_back(static_cast<int>(i));
    return Columns(input, columns);
  }
  std::string AggregateText(const Aggregate& aggregate) const {
    std::string text = StrCat(AggregateName(aggregate.kind), "(", aggregate.distinct ? "DISTINCT " : "",
                              aggregate.argument < 0 ? "*" : Typed(0, aggregate.argument));
    if (aggregate.kind == AggregateKind::kLag) {
      StrAppend(&text, ", ", aggregate.offset);
      if (aggregate.default_column >= 0) StrAppend(&text, ", ", Typed(0, aggregate.default_column));
    }
    if (!aggregate.separator.empty()) StrAppend(&text, ", '", aggregate.separator, "'");
    if (aggregate.takes_nulls) text += " with NULLs";
    text += ")";
    if (aggregate.filter >= 0) StrAppend(&text, " FILTER ", Column(0, aggregate.filter));
    return Shorten(std::move(text));
  }
  std::string Order() const {
    Texts texts;
    for (const OrderKey& key : node_.order) {
      texts.push_back(
          StrCat(Typed(0, key.column), key.descending ? " DESC" : "", key.nulls_first ? "" : " NULLS LAST"));
    }
    return Listed(texts);
  }
  std::string ValuesText() const {
    std::string text;
    for (const std::vector<data::Value>& row : node_.rows) {
      Texts values;
      for (size_t i = 0; i < row.size(); ++i)
        values.push_back(ToString(*Literal(row[i], node_.schema->fields[i].type)));
      StrAppend(&text, text.empty() ? "(" : ", (", Listed(values), ")");
    }
    return Shorten(std::move(text));
  }
  void AddTable() {
    const std::string connector = Option(*node_.table, "connector");
    if (connector == "datagen") return Add("generates", node_.table->name);
    Add("connector", connector);
    Add(connector == "filesystem" ? "path" : "topic", Place(*node_.table));
  }
  // With a time to live each entry has the time of its last change in it.
  void AddTtl(std::string name, int64_t ttl_ms) {
    if (ttl_ms > 0) Add(std::move(name), "entries end with a time to live");
  }

  void AddSpec() {
    switch (node_.kind) {
      case NodeKind::kGroupAggregate:
      case NodeKind::kWindowAggregate:
        return AddAggregate();
      case NodeKind::kWindowAssign:
        Add("keys", Columns(0, node_.keys));
        Add("window", Window());
        return Add("columns", AllColumns(0));
      case NodeKind::kNormalize:
      case NodeKind::kUpsertMaterialize:
        Add("keys", Columns(0, node_.keys));
        Add("columns", AllColumns(0));
        return AddTtl("time to live", node_.ttl_ms);
      case NodeKind::kOver:
        return AddOver();
      case NodeKind::kRank:
        return AddRank();
      case NodeKind::kMatch:
        return AddMatch();
      default:
        return AddJoin();
    }
  }
  void AddAggregate() {
    Add("keys", Columns(0, node_.keys));
    if (node_.kind == NodeKind::kWindowAggregate) Add("window", Window());
    Add("aggregates", Listed(Aggregates()));
    if (node_.window.emit.IsSet()) Add("results", "before and after the end of a window");
    AddTtl("time to live", node_.ttl_ms);
  }
  void AddOver() {
    Add("keys", Columns(0, node_.keys));
    Add("time", node_.window.time_column < 0 ? std::string("arrival") : Typed(0, node_.window.time_column));
    AddUnlessEmpty("order", Order());
    Add("frame", StrCat(node_.frame.rows ? "ROWS " : "RANGE ",
                        node_.frame.preceding < 0 ? "UNBOUNDED" : StrCat(node_.frame.preceding)));
    AddUnlessEmpty("functions", Listed(Aggregates()));
    Add("columns", AllColumns(0));
    AddTtl("time to live", node_.ttl_ms);
  }
  void AddRank() {
    Add("keys", Columns(0, node_.keys));
    Add("order", Order());
    Add("numbers", StrCat(node_.rank.from, " to ", node_.rank.to, node_.rank.newest_first ? ", newest first" : ""));
    if (node_.window.kind == WindowKind::kAttached) Add("window", Window());
    Add("columns", AllColumns(0));
    AddTtl("time to live", node_.ttl_ms);
  }
  void AddMatch() {
    // The same pattern over columns that have the names of where they come from.
    auto input = std::make_shared<Node>(*node_.inputs[0]);
    auto schema = std::make_shared<data::Schema>(*input->schema);
    for (size_t i = 0; i < schema->fields.size(); ++i) schema->fields[i].name = Column(0, static_cast<int>(i));
    input->schema = schema;
    Node renamed = node_;
    renamed.inputs[0] = input;
    auto named = std::make_shared<data::Schema>(*node_.schema);
    for (size_t i = 0; i < named->fields.size(); ++i) named->fields[i].name = StrCat(i);
    renamed.schema = named;
    Add("keys", Columns(0, node_.keys));
    Add("pattern", Shorten(DescribeMatch(renamed)));
    Add("columns", AllColumns(0));
  }
  void AddJoin() {
    const JoinSpec& join = node_.join;
    Add("join", std::string(JoinTypeName(join.type)));
    Texts on;
    for (size_t i = 0; i < join.left_keys.size(); ++i) {
      on.push_back(StrCat(Typed(0, join.left_keys[i]), join.null_matches[i] != 0 ? " IS NOT DISTINCT FROM " : " = ",
                          Typed(1, join.right_keys[i])));
    }
    Add("on", Listed(on));
    if (join.condition) {
      Texts both = inputs_[0]->columns;
      both.insert(both.end(), inputs_[1]->columns.begin(), inputs_[1]->columns.end());
      Add("condition", Render(*join.condition, both));
    }
    if (node_.kind != NodeKind::kJoin && join.left_time >= 0 && join.right_time >= 0) {
      Add("times", StrCat(Typed(0, join.left_time), " and ", Typed(1, join.right_time)));
    }
    if (node_.kind == NodeKind::kIntervalJoin) Add("between", StrCat(join.lower_ms, " ms and ", join.upper_ms, " ms"));
    if (node_.kind != NodeKind::kLookupJoin) Add("left columns", AllColumns(0));
    Add("right columns", AllColumns(1));
    if (node_.kind != NodeKind::kJoin) return;
    if (join.left_time >= 0) Add("left rows go", StrCat(-join.lower_ms, " ms behind ", Typed(0, join.left_time)));
    if (join.right_time >= 0) Add("right rows go", StrCat(join.upper_ms, " ms behind ", Typed(1, join.right_time)));
    AddTtl("time to live of left rows", join.left_ttl_ms);
    AddTtl("time to live of right rows", join.right_ttl_ms);
  }

  const Node& node_;
  const std::vector<const Rows*> inputs_;
  OperatorIdentity identity_;
};

Rows OfSource(const Table& table, const std::vector<int>& chosen) {
  const std::string place = Place(table);
  Texts all;
  for (const TableColumn& column : table.columns) {
    const bool metadata = column.kind == TableColumn::Kind::kMetadata;
    all.push_back(StrCat(place, ".", metadata ? column.metadata_key : column.name));
  }
  Rows rows{.columns = {}, .from = place, .reads = {}};
  for (const int index : chosen) {
    const TableColumn& column = table.columns[static_cast<size_t>(index)];
    rows.columns.push_back(column.kind == TableColumn::Kind::kComputed && column.computed
                               ? Render(*column.computed, all)
                               : all[static_cast<size_t>(index)]);
  }
  return rows;
}

class Collector {
 public:
  std::vector<StatefulOperator> Take(const JobPlan& plan) {
    for (const NodePtr& sink : plan.sinks) Visit(*sink);
    for (StatefulOperator& found : operators_) {
      if (!found.identity.is_source()) continue;
      std::sort(found.identity.feeds.begin(), found.identity.feeds.end());
      const auto last = std::unique(found.identity.feeds.begin(), found.identity.feeds.end());
      found.identity.feeds.erase(last, found.identity.feeds.end());
    }
    return std::move(operators_);
  }

 private:
  // Sources, of operators_, whose rows get to a node without passing an operator with state, and which way.
  using Ways = std::set<std::pair<size_t, std::string>>;

  const Rows& Visit(const Node& node) {
    if (const auto known = rows_.find(&node); known != rows_.end()) return known->second;
    std::vector<const Rows*> inputs;
    Ways sources;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      inputs.push_back(&Visit(*node.inputs[i]));
      // Of a union or a join of a topic with itself the sides are told apart.
      for (const auto& [source, way] : sources_[node.inputs[i].get()]) {
        sources.emplace(source, node.inputs.size() == 1 ? way : StrCat(way, ".", i));
      }
    }
    Rows rows = Pass(node, inputs);
    if (KeepsState(node)) {
      StatefulOperator found{.id = node.id, .identity = Describer(node, inputs).Identity()};
      std::string whole;
      for (const auto& [name, text] : found.identity.parts) StrAppend(&whole, name, "=", text, "\n");
      const std::string called = StrCat(found.identity.kind, "(", Hex(Fnv1a(whole)), ")");
      if (found.identity.is_source()) {
        found.identity.reads = Listed(rows.columns);
        sources = {{operators_.size(), ""}};
      } else {
        Feed(sources, called);
        sources.clear();
        rows.from = called;
        rows.reads.clear();
      }
      operators_.push_back(std::move(found));
    } else if (node.kind == NodeKind::kSink) {
      Feed(sources, StrCat("table ", Place(*node.table)));
    }
    sources_[&node] = std::move(sources);
    return rows_[&node] = std::move(rows);
  }
  void Feed(const Ways& sources, const std::string& consumer) {
    for (const auto& [source, way] : sources) operators_[source].identity.feeds.push_back(consumer + way);
  }

  // The rows of `node` as if it had no state.
  static Rows Pass(const Node& node, const std::vector<const Rows*>& inputs) {
    Rows rows;
    switch (node.kind) {
      case NodeKind::kSource:
        return OfSource(*node.table, node.source_columns);
      case NodeKind::kValues:
        rows.from = "VALUES";
        for (size_t i = 0; i < node.schema->fields.size(); ++i) rows.columns.push_back(StrCat("VALUES.", i));
        return rows;
      case NodeKind::kUnionAll:
        return OfUnion(inputs);
      case NodeKind::kCalc:
        return OfCalc(node, *inputs[0]);
      default:
        break;
    }
    if (inputs.empty()) return rows;
    rows = *inputs[0];
    AddColumns(node, inputs, &rows);
    for (size_t i = rows.columns.size(); node.schema != nullptr && i < node.schema->fields.size(); ++i) {
      rows.columns.push_back(StrCat("column ", i));
    }
    return rows;
  }
  static Rows OfUnion(const std::vector<const Rows*>& inputs) {
    Rows rows = *inputs[0];
    for (size_t i = 1; i < inputs.size(); ++i) {
      rows.from = Shorten(StrCat(rows.from, " + ", inputs[i]->from));
      if (!inputs[i]->reads.empty()) rows.reads = Shorten(StrCat(rows.reads, " + ", inputs[i]->reads));
      for (size_t c = 0; c < rows.columns.size(); ++c) {
        if (rows.columns[c] != inputs[i]->columns[c]) {
          rows.columns[c] = Shorten(StrCat(rows.columns[c], "|", inputs[i]->columns[c]));
        }
      }
    }
    return rows;
  }
  static Rows OfCalc(const Node& node, const Rows& input) {
    Rows rows{.columns = {}, .from = input.from, .reads = input.reads};
    for (const ExpressionPtr& expression : node.expressions) rows.columns.push_back(Render(*expression, input.columns));
    if (!node.condition) return rows;
    const std::string condition = Render(*node.condition, input.columns);
    // What is taken back has to pass the filter that it passed when it came: there the filter is a part of what is
    // kept.
    std::string& place = node.inputs[0]->produces_updates ? rows.from : rows.reads;
    place = Shorten(StrCat(place, place.empty() ? "" : " ", "where ", condition));
    return rows;
  }
  static void AddColumns(const Node& node, const std::vector<const Rows*>& inputs, Rows* rows) {
    const Describer describer(node, inputs);
    switch (node.kind) {
      case NodeKind::kWindowAggregate:
      case NodeKind::kGroupAggregate: {
        rows->columns.clear();
        for (const int key : node.keys) rows->columns.push_back(inputs[0]->columns[static_cast<size_t>(key)]);
        for (std::string& aggregate : describer.Aggregates()) rows->columns.push_back(std::move(aggregate));
        for (const Node::WindowColumn column : node.window_columns) {
          rows->columns.push_back(StrCat(describer.Window(), ".", static_cast<int>(column)));
        }
        return;
      }
      case NodeKind::kWindowAssign:
        for (size_t i = rows->columns.size(); i < node.schema->fields.size(); ++i) {
          rows->columns.push_back(StrCat(describer.Window(), ".", i - inputs[0]->columns.size()));
        }
        rows->from = Shorten(StrCat(describer.Window(), " of ", rows->from));
        return;
      case NodeKind::kOver:
        for (std::string& function : describer.Aggregates()) rows->columns.push_back(std::move(function));
        return;
      case NodeKind::kUnnest: {
        const std::string list = StrCat("UNNEST(", inputs[0]->columns[static_cast<size_t>(node.keys[0])], ")");
        for (size_t i = rows->columns.size(), n = 0; i < node.schema->fields.size(); ++i, ++n) {
          rows->columns.push_back(Shorten(StrCat(list, ".", n)));
        }
        rows->from = Shorten(StrCat(list, node.join.type == JoinType::kLeft ? " left" : "", " of ", rows->from));
        return;
      }
      case NodeKind::kMatch:
        rows->columns.clear();
        for (const int key : node.keys) rows->columns.push_back(inputs[0]->columns[static_cast<size_t>(key)]);
        return;  // the measures have their numbers
      case NodeKind::kJoin:
      case NodeKind::kIntervalJoin:
      case NodeKind::kWindowJoin:
      case NodeKind::kTemporalJoin:
      case NodeKind::kLookupJoin: {
        const JoinType type = node.join.type;
        if (type == JoinType::kSemi || type == JoinType::kAnti || type == JoinType::kMark) return;
        rows->columns.insert(rows->columns.end(), inputs[1]->columns.begin(), inputs[1]->columns.end());
        return;
      }
      default:
        return;
    }
  }

  std::map<const Node*, Rows> rows_;
  std::map<const Node*, Ways> sources_;
  std::vector<StatefulOperator> operators_;
};

}  // namespace

std::string StatefulOperator::Name() const { return StrCat(identity.kind, "#", id); }

std::vector<StatefulOperator> OperatorsWithState(const JobPlan& plan) { return Collector().Take(plan); }

bool IsReadWhole(const OperatorIdentity& source) {
  if (source.kind == kValuesKind) return true;
  return source.is_source() && std::any_of(source.parts.begin(), source.parts.end(), [](const auto& part) {
           return part.first == "connector" && part.second == "upsert-kafka";
         });
}

}  // namespace leat::plan
