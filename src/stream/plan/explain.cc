#include <functional>
#include <map>

#include "base/strings.h"
#include "stream/plan/changelog.h"
#include "stream/plan/node_text.h"
#include "stream/plan/plan.h"
#include "stream/plan/state_notes.h"

namespace leat::plan {

std::string_view WindowName(WindowKind kind) {
  switch (kind) {
    case WindowKind::kTumble:
      return "TUMBLE";
    case WindowKind::kHop:
      return "HOP";
    case WindowKind::kCumulate:
      return "CUMULATE";
    case WindowKind::kSession:
      return "SESSION";
    case WindowKind::kAttached:
      break;
  }
  return "";
}

std::string_view AggregateName(AggregateKind kind) {
  switch (kind) {
    case AggregateKind::kCountStar:
    case AggregateKind::kCount:
      return "COUNT";
    case AggregateKind::kSum:
      return "SUM";
    case AggregateKind::kAvg:
      return "AVG";
    case AggregateKind::kMin:
      return "MIN";
    case AggregateKind::kMax:
      return "MAX";
    case AggregateKind::kFirstValue:
      return "FIRST_VALUE";
    case AggregateKind::kLastValue:
      return "LAST_VALUE";
    case AggregateKind::kRowNumber:
      return "ROW_NUMBER";
    case AggregateKind::kLag:
      return "LAG";
    case AggregateKind::kVarPop:
      return "VAR_POP";
    case AggregateKind::kVarSamp:
      return "VAR_SAMP";
    case AggregateKind::kStddevPop:
      return "STDDEV_POP";
    case AggregateKind::kStddevSamp:
      return "STDDEV_SAMP";
    case AggregateKind::kListAgg:
      return "LISTAGG";
    case AggregateKind::kCollect:
      return "COLLECT";
    case AggregateKind::kArrayAgg:
      return "ARRAY_AGG";
    case AggregateKind::kJsonArrayAgg:
      return "JSON_ARRAYAGG";
    case AggregateKind::kJsonObjectAgg:
      return "JSON_OBJECTAGG";
  }
  return "?";
}

std::string_view JoinTypeName(JoinType type) {
  switch (type) {
    case JoinType::kInner:
      return "inner";
    case JoinType::kLeft:
      return "left";
    case JoinType::kRight:
      return "right";
    case JoinType::kFull:
      return "full";
    case JoinType::kSemi:
      return "semi";
    case JoinType::kAnti:
      return "anti";
    case JoinType::kMark:
      return "mark";
  }
  return "?";
}

std::string_view JoinName(NodeKind kind) {
  switch (kind) {
    case NodeKind::kIntervalJoin:
      return "IntervalJoin";
    case NodeKind::kWindowJoin:
      return "WindowJoin";
    case NodeKind::kTemporalJoin:
      return "TemporalJoin";
    case NodeKind::kLookupJoin:
      return "LookupJoin";
    default:
      return "Join";
  }
}

namespace {

std::string Join(size_t count, const std::function<std::string(size_t)>& part) {
  std::string text;
  for (size_t i = 0; i < count; ++i) StrAppend(&text, i == 0 ? "" : ", ", part(i));
  return text;
}

std::string DescribeSource(const Node& node) {
  std::string text = StrCat("Source ", node.table->name, " (",
                            Join(node.schema->fields.size(),
                                 [&](size_t i) {
                                   const data::Field& field = node.schema->fields[i];
                                   return StrCat(field.name, " ", field.type.ToString());
                                 }),
                            ")");
  if (node.table->watermark_column >= 0) {
    StrAppend(&text, " watermark ", node.table->columns[node.table->watermark_column].name);
  }
  return text;
}

std::string DescribeCalc(const Node& node) {
  std::string text = "Calc";
  if (node.condition) StrAppend(&text, " where ", ToString(*node.condition));
  StrAppend(&text, " select ", Join(node.expressions.size(), [&](size_t i) {
    return StrCat(node.schema->fields[i].name, ": ", ToString(*node.expressions[i]));
  }));
  return text;
}

std::string DescribeKeys(const Node& node) {
  return StrCat(
      " keys (",
      Join(node.keys.size(),
           [&](size_t i) { return StrCat(node.inputs[0]->schema->fields[node.keys[i]].name, " $", node.keys[i]); }),
      ")");
}

std::string DescribeWindow(const Node& node) {
  const WindowSpec& window = node.window;
  const std::string& time = node.inputs[0]->schema->fields[window.time_column].name;
  const std::string zone = window.zone.empty() ? std::string() : StrCat(", in ", window.zone);
  if (window.kind == WindowKind::kAttached) return StrCat("window that ends at ", time, " $", window.time_column, zone);
  std::string text = StrCat(WindowName(window.kind), "(", time, " $", window.time_column,
                            window.processing_time ? " by the wall clock" : "");
  if (window.kind == WindowKind::kSession) return StrCat(text, ", gap ", window.size_ms, " ms", zone, ")");
  StrAppend(&text, ", size ", window.size_ms, " ms");
  if (window.kind == WindowKind::kHop) StrAppend(&text, ", slide ", window.slide_ms, " ms");
  if (window.kind == WindowKind::kCumulate) StrAppend(&text, ", step ", window.slide_ms, " ms");
  if (window.offset_ms != 0) StrAppend(&text, ", offset ", window.offset_ms, " ms");
  const auto often = [](int64_t ms) { return ms == 0 ? std::string("with each row") : StrCat("every ", ms, " ms"); };
  if (window.emit.early_ms >= 0) StrAppend(&text, ", early ", often(window.emit.early_ms));
  if (window.emit.late_ms >= 0) StrAppend(&text, ", late ", often(window.emit.late_ms));
  if (window.emit.lateness_ms > 0) StrAppend(&text, ", late rows for ", window.emit.lateness_ms, " ms");
  return StrCat(text, zone, ")");
}

std::string DescribeAggregates(const Node& node) {
  std::string text = StrCat(DescribeKeys(node), " aggregates (");
  text += Join(node.aggregates.size(), [&](size_t i) {
    const Aggregate& aggregate = node.aggregates[i];
    std::string one = StrCat(AggregateName(aggregate.kind), "(", aggregate.distinct ? "DISTINCT " : "");
    if (aggregate.kind == AggregateKind::kCountStar) {
      one += "*)";
    } else if (aggregate.kind == AggregateKind::kRowNumber) {
      one += ")";
    } else if (aggregate.kind == AggregateKind::kLag) {
      StrAppend(&one, "$", aggregate.argument, ", ", aggregate.offset);
      if (aggregate.default_column >= 0) StrAppend(&one, ", $", aggregate.default_column);
      one += ")";
    } else {
      StrAppend(&one, "$", aggregate.argument);
      if (aggregate.kind == AggregateKind::kListAgg) StrAppend(&one, ", '", aggregate.separator, "'");
      if (aggregate.kind == AggregateKind::kArrayAgg && !aggregate.takes_nulls) one += " IGNORE NULLS";
      if (aggregate.kind == AggregateKind::kJsonArrayAgg && aggregate.takes_nulls) one += " NULL ON NULL";
      one += ")";
    }
    if (aggregate.filter >= 0) StrAppend(&one, " filter $", aggregate.filter);
    return StrCat(one, " ", aggregate.type.ToString());
  });
  return text + ")";
}

std::string DescribeOrder(const Node& node) {
  return Join(node.order.size(), [&](size_t i) {
    const OrderKey& key = node.order[i];
    return StrCat(node.inputs[0]->schema->fields[key.column].name, " $", key.column, key.descending ? " DESC" : "",
                  key.nulls_first == key.descending ? (key.nulls_first ? " NULLS FIRST" : " NULLS LAST") : "");
  });
}

std::string DescribeOver(const Node& node) {
  const int time = node.window.time_column;
  std::string text =
      StrCat("by ", time < 0 ? "arrival" : StrCat(node.inputs[0]->schema->fields[time].name, " $", time));
  if (!node.order.empty()) StrAppend(&text, ", ", DescribeOrder(node));
  if (node.aggregates.empty()) return StrCat("Sort ", text);
  StrAppend(&text, node.frame.rows ? " ROWS " : " RANGE ",
            node.frame.preceding < 0 ? "UNBOUNDED" : StrCat(node.frame.preceding, node.frame.rows ? "" : " ms"),
            " PRECEDING");
  return StrCat("Over ", text, DescribeAggregates(node));
}

std::string DescribeReference(const Node& node, const MatchReference& reference) {
  const auto column = [&](int index) { return StrCat(node.inputs[0]->schema->fields[index].name, " $", index); };
  const std::string of =
      reference.variable < 0 ? std::string() : StrCat(node.match->variables[reference.variable].name, ".");
  switch (reference.kind) {
    case MatchReference::Kind::kRowtime:
      return "MATCH_ROWTIME";
    case MatchReference::Kind::kAggregate:
      return StrCat(AggregateName(reference.aggregate.kind), "(", of,
                    reference.column < 0 ? std::string("*") : column(reference.column), ")");
    case MatchReference::Kind::kFirst:
    case MatchReference::Kind::kLast:
      break;
  }
  return StrCat(reference.kind == MatchReference::Kind::kFirst ? "FIRST" : "LAST", "(", of, column(reference.column),
                reference.offset == 0 ? "" : StrCat(", ", reference.offset), ")");
}

std::string DescribeMatchExpression(const Node& node, const MatchExpression& expression) {
  std::string text = ToString(*expression.expression);
  if (expression.references.empty()) return text;
  return StrCat(
      text, " of [",
      Join(expression.references.size(), [&](size_t i) { return DescribeReference(node, expression.references[i]); }),
      "]");
}

std::string DescribeQuantifier(const MatchVariable& variable) {
  if (variable.min == 1 && variable.max == 1) return "";
  std::string text;
  if (variable.max < 0) {
    text = variable.min == 0 ? "*" : variable.min == 1 ? "+" : StrCat("{", variable.min, ",}");
  } else if (variable.min == 0 && variable.max == 1) {
    text = "?";
  } else {
    text = variable.min == variable.max ? StrCat("{", variable.min, "}")
                                        : StrCat("{", variable.min, ",", variable.max, "}");
  }
  return variable.greedy ? text : text + "?";
}

}  // namespace

std::string DescribeMatch(const Node& node) {
  const MatchSpec& match = *node.match;
  const int time = node.window.time_column;
  std::string text =
      StrCat("by ", time < 0 ? "arrival" : StrCat(node.inputs[0]->schema->fields[time].name, " $", time));
  if (!node.order.empty()) StrAppend(&text, ", ", DescribeOrder(node));
  text += " pattern (";
  for (size_t i = 0; i < match.variables.size(); ++i) {
    StrAppend(&text, i == 0 ? "" : " ", match.variables[i].name, DescribeQuantifier(match.variables[i]));
  }
  text += ")";
  if (match.within_ms > 0) StrAppend(&text, " within ", match.within_ms, " ms");
  for (const MatchVariable& variable : match.variables) {
    if (!variable.condition) continue;
    StrAppend(&text, " where ", variable.name, " is ", DescribeMatchExpression(node, *variable.condition));
  }
  text += " then skip ";
  switch (match.skip) {
    case MatchSkip::kToNextRow:
      text += "to next row";
      break;
    case MatchSkip::kPastLastRow:
      text += "past last row";
      break;
    case MatchSkip::kToFirst:
    case MatchSkip::kToLast:
      StrAppend(&text, match.skip == MatchSkip::kToFirst ? "to first " : "to last ",
                match.variables[match.skip_variable].name);
      break;
  }
  StrAppend(&text, " measures (",
            Join(match.measures.size(),
                 [&](size_t i) {
                   return StrCat(node.schema->fields[node.keys.size() + i].name, ": ",
                                 DescribeMatchExpression(node, match.measures[i]));
                 }),
            ")");
  return text;
}

namespace {

std::string DescribeRank(const Node& node) {
  std::string text = node.window.kind == WindowKind::kAttached ? StrCat("WindowRank ", DescribeWindow(node)) : "Rank";
  StrAppend(&text, DescribeKeys(node), " order (", DescribeOrder(node), ")");
  if (node.rank.newest_first) text += " newest first";
  StrAppend(&text, " from ", node.rank.from, " to ", node.rank.to < 0 ? "any" : StrCat(node.rank.to));
  return node.rank.with_rank ? text + " with the number" : text;
}

std::string DescribeWindowColumns(const Node& node) {
  return Join(node.window_columns.size(), [&](size_t i) -> std::string {
    switch (node.window_columns[i]) {
      case Node::WindowColumn::kStart:
        return "window_start";
      case Node::WindowColumn::kEnd:
        return "window_end";
      case Node::WindowColumn::kTime:
        return "window_time";
    }
    return "";
  });
}

std::string DescribeJoin(const Node& node) {
  const JoinSpec& join = node.join;
  const auto left = [&](int column) {
    return StrCat(node.inputs[0]->schema->fields[static_cast<size_t>(column)].name, " $", column);
  };
  const auto right = [&](int column) {
    return StrCat(node.inputs[1]->schema->fields[static_cast<size_t>(column)].name, " $", column);
  };
  std::string text =
      StrCat(JoinName(node.kind), " ", JoinTypeName(join.type), " on (",
             Join(join.left_keys.size(),
                  [&](size_t i) {
                    return StrCat(left(join.left_keys[i]),
                                  join.null_matches[i] != 0 ? " IS NOT DISTINCT FROM right " : " = right ",
                                  right(join.right_keys[i]));
                  }),
             ")");
  if (node.kind == NodeKind::kIntervalJoin) {
    StrAppend(&text, " time ", left(join.left_time), " - right ", right(join.right_time), " between ", join.lower_ms,
              " ms and ", join.upper_ms, " ms");
  }
  if (node.kind == NodeKind::kWindowJoin) {
    StrAppend(&text, " window end ", left(join.left_time), " and right ", right(join.right_time));
  }
  if (node.kind == NodeKind::kTemporalJoin) {
    StrAppend(&text, " as of ", left(join.left_time), " right versions by ", right(join.right_time));
  }
  if (join.condition) StrAppend(&text, " where ", ToString(*join.condition));
  return text;
}

std::string Describe(const Node& node) {
  switch (node.kind) {
    case NodeKind::kSource:
      return DescribeSource(node);
    case NodeKind::kValues:
      return StrCat("Values ", Join(node.rows.size(), [&](size_t row) {
                      return StrCat("(",
                                    Join(node.rows[row].size(),
                                         [&](size_t i) {
                                           return ToString(*Literal(node.rows[row][i], node.schema->fields[i].type));
                                         }),
                                    ")");
                    }));
    case NodeKind::kCalc:
      return DescribeCalc(node);
    case NodeKind::kWindowAssign:
      return StrCat("WindowAssign ", DescribeWindow(node), node.keys.empty() ? "" : DescribeKeys(node));
    case NodeKind::kWindowAggregate:
      return StrCat("WindowAggregate ", DescribeWindow(node), DescribeAggregates(node), " then (",
                    DescribeWindowColumns(node), ")");
    case NodeKind::kGroupAggregate:
      return StrCat("GroupAggregate", DescribeAggregates(node));
    case NodeKind::kOver:
      return DescribeOver(node);
    case NodeKind::kRank:
      return DescribeRank(node);
    case NodeKind::kMatch:
      return StrCat("Match", DescribeKeys(node), " ", DescribeMatch(node));
    case NodeKind::kUnionAll:
      return "UnionAll";
    case NodeKind::kJoin:
    case NodeKind::kIntervalJoin:
    case NodeKind::kWindowJoin:
    case NodeKind::kTemporalJoin:
    case NodeKind::kLookupJoin:
      return DescribeJoin(node);
    case NodeKind::kNormalize:
      return StrCat("Normalize", DescribeKeys(node));
    case NodeKind::kUnnest: {
      const int column = node.keys[0];
      return StrCat("Unnest ", node.join.type == JoinType::kLeft ? "left " : "",
                    node.inputs[0]->schema->fields[static_cast<size_t>(column)].name, " $", column,
                    node.rank.with_rank ? " with ordinality" : "");
    }
    case NodeKind::kUpsertMaterialize:
      return StrCat("UpsertMaterialize", DescribeKeys(node));
    case NodeKind::kSink:
      return StrCat("Sink ", node.table->name, " (",
                    Join(node.schema->fields.size(),
                         [&](size_t i) {
                           const data::Field& field = node.schema->fields[i];
                           return StrCat(field.name, " ", field.type.ToString());
                         }),
                    ")");
  }
  return "?";
}

void Print(const Node& node, int depth, std::map<int, std::string>* printed, std::string* out) {
  StrAppend(out, std::string(2 * depth, ' '), "[", node.id, "] ");
  if (!printed->emplace(node.id, StateNote(node)).second) {
    *out += "(as above)\n";
    return;
  }
  StrAppend(out, Describe(node), node.produces_updates ? " changelog" : "",
            node.produces_updates ? ToString(node.changelog) : "", "\n");
  for (const NodePtr& input : node.inputs) Print(*input, depth + 1, printed, out);
}

}  // namespace

std::string Explain(const JobPlan& plan) {
  std::string text;
  std::map<int, std::string> printed;  // nodes with what they keep
  for (const NodePtr& sink : plan.sinks) Print(*sink, 0, &printed, &text);
  for (const auto& [id, note] : printed) {
    if (!note.empty()) StrAppend(&text, "state [", id, "]: ", note, "\n");
  }
  return text;
}

}  // namespace leat::plan
