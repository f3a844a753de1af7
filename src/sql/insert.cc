#include "sql/insert.h"

#include <algorithm>

#include "sql/connector_options.h"
#include "sql/literals.h"
#include "sql/tables.h"
#include "stream/plan/changelog.h"

namespace leat::sql {

using plan::ExpressionPtr;
using plan::TableColumn;

namespace {

class InsertBuilder {
 public:
  InsertBuilder(const Statement& statement, plan::TablePtr table, Relation query, const Diagnostics& diagnostics)
      : statement_(statement), table_(std::move(table)), query_(std::move(query)), diagnostics_(diagnostics) {
    persisted_ = PersistedColumns(*table_);
  }

  absl::StatusOr<plan::NodePtr> Build() {
    LEAT_RETURN_IF_ERROR(ChooseTargets());
    const auto& fields = query_.fields();
    if (fields.size() != targets_.size()) return WrongCount();
    std::vector<ExpressionPtr> values(table_->columns.size());
    for (size_t i = 0; i < targets_.size(); ++i) {
      LEAT_ASSIGN_OR_RETURN(values[targets_[i]], Convert(static_cast<int>(i), targets_[i]));
    }
    std::vector<ExpressionPtr> expressions;
    std::vector<std::string> names;
    std::vector<data::Field> sink_fields;
    for (const int column : persisted_) {
      const TableColumn& target = table_->columns[column];
      if (!values[column]) {
        if (!target.type.nullable) {
          return diagnostics_.Error(statement_.position, "column '", target.name,
                                    "' is NOT NULL and is missing in the list of INSERT");
        }
        values[column] = plan::Literal(data::Value::Null(), target.type);
      }
      expressions.push_back(values[column]);
      names.push_back(target.name);
      sink_fields.push_back({target.name, target.type});
    }
    LEAT_RETURN_IF_ERROR(CheckChangelog());
    const plan::NodePtr calc = MakeCalc(query_.node, nullptr, std::move(expressions), names, statement_.position);
    auto sink = MakeNode(plan::NodeKind::kSink, {ByPrimaryKey(calc)}, std::move(sink_fields), statement_.position);
    sink->table = table_;
    sink->produces_updates = false;
    return sink;
  }

 private:
  // Rows that change by another key than the sink's are brought to the sink's: of several with one key the last counts.
  plan::NodePtr ByPrimaryKey(const plan::NodePtr& input) const {
    if (plan::ChangesOf(*table_) != plan::TableChanges::kUpserts || !input->produces_updates) return input;
    std::vector<int> primary_key;
    for (const std::string& name : table_->primary_key) primary_key.push_back(input->schema->Find(name));
    const std::optional<std::vector<int>> changes_by = plan::UpsertKey(*input);
    const auto in_primary_key = [&](int column) { return std::ranges::find(primary_key, column) != primary_key.end(); };
    if (changes_by && std::ranges::all_of(*changes_by, in_primary_key)) return input;
    auto node = MakeNode(plan::NodeKind::kUpsertMaterialize, {input}, input->schema->fields, statement_.position);
    node->keys = std::move(primary_key);
    return node;
  }

  Position QueryPosition() const { return statement_.query->position; }

  absl::Status ChooseTargets() {
    for (const int column : persisted_) {
      const TableColumn& target = table_->columns[column];
      if (target.kind == TableColumn::Kind::kMetadata && target.metadata_key != "timestamp") {
        return diagnostics_.Error(statement_.name.back().position, "the metadata '", target.metadata_key,
                                  "' of column '", target.name, "' cannot be written; declare it VIRTUAL");
      }
    }
    if (statement_.columns.empty()) {
      targets_ = persisted_;
      return absl::OkStatus();
    }
    for (const Name& name : statement_.columns) {
      int found = -1;
      std::vector<std::string_view> names;
      for (const int column : persisted_) {
        names.push_back(table_->columns[column].name);
        if (table_->columns[column].name == name.text) found = column;
      }
      if (found < 0) {
        const std::string_view nearest = Nearest(name.text, names);
        return diagnostics_.Error(name.position, "table '", table_->name, "' has no column '", name.text, "' to write",
                                  nearest.empty() ? "" : StrCat("; did you mean '", nearest, "'?"));
      }
      if (std::find(targets_.begin(), targets_.end(), found) != targets_.end()) {
        return diagnostics_.Error(name.position, "column '", name.text, "' is there twice");
      }
      targets_.push_back(found);
    }
    return absl::OkStatus();
  }

  absl::Status WrongCount() const {
    const auto list = [](const auto& items, const auto& text) {
      std::string all;
      for (size_t i = 0; i < items.size(); ++i) StrAppend(&all, i == 0 ? "" : ", ", text(items[i]));
      return all;
    };
    return diagnostics_.Error(
        QueryPosition(), "INSERT INTO ", table_->name, " writes ", targets_.size(), " columns [",
        list(targets_, [&](int c) { return StrCat(table_->columns[c].name, " ", table_->columns[c].type.ToString()); }),
        "] and the query has ", query_.fields().size(), " [",
        list(query_.fields(), [](const data::Field& f) { return StrCat(f.name, " ", f.type.ToString()); }), "]");
  }

  absl::StatusOr<ExpressionPtr> Convert(int from, int to) const {
    const data::Field& source = query_.fields()[from];
    const TableColumn& target = table_->columns[to];
    if (!plan::CanCastImplicitly(source.type, target.type)) {
      return diagnostics_.Error(QueryPosition(), "column ", from + 1, " of the query (", source.name, ") is ",
                                source.type.AsNullable().ToString(), " and cannot be written to '", target.name, "' ",
                                target.type.AsNullable().ToString(), "; columns go by position; CAST it");
    }
    if (!target.type.nullable && source.type.kind == data::TypeKind::kNull) return NullIntoNotNull(from, target);
    const plan::Node& below = *query_.node;
    if (!target.type.nullable && below.kind == plan::NodeKind::kValues) {
      for (const auto& row : below.rows) {
        if (row[from].is_null()) return NullIntoNotNull(from, target);
      }
    }
    if (!target.type.nullable && below.kind == plan::NodeKind::kCalc &&
        below.expressions[from]->kind == plan::Expression::Kind::kLiteral &&
        below.expressions[from]->literal.is_null()) {
      return NullIntoNotNull(from, target);
    }
    ExpressionPtr column = plan::Input(from, source.type);
    // The length of a character column is not enforced, as on Flink: no CAST would be seen in the result.
    if (source.type.IsCharacter() && target.type.IsCharacter()) return column;
    return CastTo(column, target.type);
  }

  absl::Status NullIntoNotNull(int from, const TableColumn& target) const {
    return diagnostics_.Error(QueryPosition(), "column ", from + 1, " of the query is NULL, and '", target.name,
                              "' is NOT NULL");
  }

  absl::Status CheckChangelog() const {
    if (!query_.node->produces_updates || AcceptsUpdates(*table_)) return absl::OkStatus();
    return diagnostics_.Error(
        statement_.name.back().position, "table '", table_->name, "' (connector '", table_->options.at("connector"),
        "') takes inserts only, but this query updates or deletes rows it wrote before; write to a table of the "
        "connector 'upsert-kafka' with a PRIMARY KEY or of the format 'debezium-json', group by the windows of TUMBLE "
        "or HOP, or write to 'print'");
  }

  const Statement& statement_;
  plan::TablePtr table_;
  Relation query_;
  const Diagnostics& diagnostics_;
  std::vector<int> persisted_;
  std::vector<int> targets_;  // the table's column for each of the query's
};

}  // namespace

absl::StatusOr<plan::NodePtr> AnalyseInsert(const Statement& statement, Catalog* catalog,
                                            const Diagnostics& diagnostics, int* budget) {
  LEAT_ASSIGN_OR_RETURN(plan::TablePtr table, catalog->FindSink(statement.name, statement.options));
  QueryAnalyser analyser(diagnostics, catalog, budget);
  LEAT_ASSIGN_OR_RETURN(Relation query, analyser.Analyse(*statement.query));
  return InsertBuilder(statement, std::move(table), std::move(query), diagnostics).Build();
}

}  // namespace leat::sql
