#include "sql/tables.h"

#include <algorithm>

#include "sql/connector_options.h"
#include "sql/expressions.h"
#include "sql/literals.h"
#include "stream/plan/changelog.h"

namespace leat::sql {

using plan::TableColumn;

namespace {

struct MetadataKey {
  std::string_view key;
  data::Type (*type)();
  bool writable = false;
};
data::Type InstantInMillis() { return data::TimestampLtz(3); }
constexpr MetadataKey kKafkaMetadata[] = {
    {"topic", data::String},          {"partition", data::Int},
    {"offset", data::BigInt},         {"timestamp", InstantInMillis, true},
    {"timestamp-type", data::String}, {"leader-epoch", data::Int},
};

class TableBuilder {
 public:
  TableBuilder(const Statement& statement, const Diagnostics& diagnostics, int* budget)
      : statement_(statement), diagnostics_(diagnostics), budget_(budget) {}

  absl::StatusOr<plan::TablePtr> Build() {
    table_.name = statement_.name.back().text;
    table_.position = statement_.name.back().position;
    LEAT_RETURN_IF_ERROR(ReadOptions());
    LEAT_RETURN_IF_ERROR(AddColumns());
    LEAT_RETURN_IF_ERROR(AddPrimaryKey());
    LEAT_RETURN_IF_ERROR(AddComputed());
    LEAT_RETURN_IF_ERROR(AddWatermark());
    LEAT_RETURN_IF_ERROR(CheckOptions());
    return std::make_shared<const plan::Table>(std::move(table_));
  }

 private:
  absl::Status ReadOptions() {
    for (const Option& option : statement_.options) {
      if (!table_.options.emplace(option.key.text, option.value.text).second) {
        return diagnostics_.Error(option.key.position, "the option '", option.key.text, "' is there twice");
      }
    }
    return absl::OkStatus();
  }

  int FindColumn(std::string_view name) const {
    for (size_t i = 0; i < table_.columns.size(); ++i) {
      if (table_.columns[i].name == name) return static_cast<int>(i);
    }
    return -1;
  }

  absl::Status UnknownColumn(const Name& name) const {
    std::vector<std::string_view> names;
    for (const TableColumn& column : table_.columns) names.push_back(column.name);
    const std::string_view nearest = Nearest(name.text, names);
    return diagnostics_.Error(name.position, "there is no column '", name.text, "'",
                              nearest.empty() ? "" : StrCat("; did you mean '", nearest, "'?"));
  }

  absl::Status AddColumns() {
    for (const ColumnSyntax& syntax : statement_.elements.columns) {
      if (FindColumn(syntax.name.text) >= 0) {
        return diagnostics_.Error(syntax.name.position, "column '", syntax.name.text, "' is there twice");
      }
      TableColumn column;
      column.name = syntax.name.text;
      if (syntax.kind == ColumnSyntax::Kind::kComputed) {
        column.kind = TableColumn::Kind::kComputed;
      } else if (syntax.known_type) {
        column.type = *syntax.known_type;
      } else {
        LEAT_ASSIGN_OR_RETURN(column.type, ResolveType(syntax.type, diagnostics_));
      }
      if (syntax.kind == ColumnSyntax::Kind::kMetadata) {
        LEAT_RETURN_IF_ERROR(AddMetadata(syntax, &column));
      }
      table_.columns.push_back(std::move(column));
    }
    if (table_.columns.size() > 2000) {
      return diagnostics_.Error(statement_.position, "a table has at most 2000 columns");
    }
    return absl::OkStatus();
  }

  absl::Status AddMetadata(const ColumnSyntax& syntax, TableColumn* column) {
    column->kind = TableColumn::Kind::kMetadata;
    column->metadata_key = syntax.metadata_key ? syntax.metadata_key->text : syntax.name.text;
    column->metadata_virtual = syntax.metadata_virtual;
    const Position at = syntax.metadata_key ? syntax.metadata_key->position : syntax.name.position;
    const auto connector = table_.options.find("connector");
    if (connector != table_.options.end() && connector->second != "kafka" && connector->second != "upsert-kafka") {
      return diagnostics_.Error(at, "the connector '", connector->second, "' has no metadata");
    }
    std::vector<std::string_view> known;
    for (const MetadataKey& key : kKafkaMetadata) {
      known.push_back(key.key);
      if (key.key != column->metadata_key) continue;
      if (plan::CanCastImplicitly(key.type(), column->type)) return absl::OkStatus();
      return diagnostics_.Error(at, "the metadata '", key.key, "' is ", key.type().ToString(), ", not ",
                                column->type.AsNullable().ToString());
    }
    if (column->metadata_key == "headers" || column->metadata_key == "header-list") {
      return diagnostics_.Unsupported(at, "the metadata 'headers' (a MAP)");
    }
    const std::string_view nearest = Nearest(column->metadata_key, known);
    return diagnostics_.Error(at, "there is no metadata '", column->metadata_key, "'",
                              nearest.empty() ? "; there are topic, partition, offset, timestamp, timestamp-type and "
                                                "leader-epoch"
                                              : StrCat("; did you mean '", nearest, "'?"));
  }

  absl::Status AddPrimaryKey() {
    std::vector<std::vector<Name>> keys = statement_.elements.primary_keys;
    for (const ColumnSyntax& column : statement_.elements.columns) {
      if (column.primary_key) keys.push_back({column.name});
    }
    if (keys.empty()) return absl::OkStatus();
    if (keys.size() > 1) return diagnostics_.Error(keys[1][0].position, "a table has one PRIMARY KEY");
    for (const Name& name : keys[0]) {
      const int column = FindColumn(name.text);
      if (column < 0) return UnknownColumn(name);
      if (table_.columns[column].kind != TableColumn::Kind::kPhysical) {
        return diagnostics_.Error(name.position, "a PRIMARY KEY is made of physical columns");
      }
      table_.columns[column].type.nullable = false;
      table_.primary_key.push_back(name.text);
    }
    return absl::OkStatus();
  }

  // The columns that expressions may read. Computed ones that are not known yet have a type of their own for errors.
  Relation Columns() const {
    std::vector<data::Field> fields;
    for (const TableColumn& column : table_.columns) fields.push_back({column.name, column.type});
    Relation relation;
    relation.tags.assign(fields.size(), WindowTag::kNone);
    relation.alias = table_.name;
    relation.node = MakeNode(plan::NodeKind::kSource, {}, std::move(fields), table_.position);
    return relation;
  }

  absl::Status AddComputed() {
    const Relation columns = Columns();
    for (const ColumnSyntax& syntax : statement_.elements.columns) {
      if (syntax.kind != ColumnSyntax::Kind::kComputed) continue;
      ExpressionAnalyser analyser(diagnostics_, &columns, nullptr, budget_);
      LEAT_ASSIGN_OR_RETURN(plan::ExpressionPtr computed, analyser.Analyse(*syntax.computed));
      std::vector<int> inputs;
      CollectInputs(*computed, &inputs);
      for (const int input : inputs) {
        if (table_.columns[input].kind == TableColumn::Kind::kComputed) {
          return diagnostics_.Error(syntax.computed->position, "the computed column '", syntax.name.text,
                                    "' reads the computed column '", table_.columns[input].name,
                                    "'; only physical and metadata columns can be read");
        }
      }
      if (computed->type.kind == data::TypeKind::kNull) {
        return diagnostics_.Error(syntax.computed->position, "NULL has no type; write CAST(NULL AS ..)");
      }
      TableColumn& column = table_.columns[FindColumn(syntax.name.text)];
      column.type = computed->type;
      column.computed = std::move(computed);
    }
    return absl::OkStatus();
  }

  absl::Status AddWatermark() {
    const auto& watermarks = statement_.elements.watermarks;
    if (watermarks.empty()) return absl::OkStatus();
    if (watermarks.size() > 1) {
      return diagnostics_.Error(watermarks[1].column[0].position, "a table has one WATERMARK");
    }
    const Path& path = watermarks[0].column;
    if (path.size() > 1) return diagnostics_.Unsupported(path[0].position, "a WATERMARK for a field of a ROW");
    const int column = FindColumn(path[0].text);
    if (column < 0) return UnknownColumn(path[0]);
    const data::Type& time = table_.columns[column].type;
    if (!time.IsTimestamp() || time.precision > 3) {
      return diagnostics_.Error(path[0].position,
                                "a WATERMARK needs a column of TIMESTAMP(p) or TIMESTAMP_LTZ(p) with "
                                "p from 0 to 3, and '",
                                path[0].text, "' is ", time.AsNullable().ToString());
    }
    const Relation columns = Columns();
    ExpressionAnalyser analyser(diagnostics_, &columns, nullptr, budget_);
    LEAT_ASSIGN_OR_RETURN(plan::ExpressionPtr watermark, analyser.Analyse(*watermarks[0].expr));
    if (watermark->type.kind != time.kind) {
      return diagnostics_.Error(watermarks[0].expr->position, "the watermark must be ", time.AsNullable().ToString(),
                                " like its column, got ", watermark->type.AsNullable().ToString());
    }
    table_.watermark_column = column;
    table_.watermark = std::move(watermark);
    return absl::OkStatus();
  }

  absl::Status CheckOptions() {
    const OptionError error = CheckConnectorOptions(table_);
    if (error.status.ok()) return absl::OkStatus();
    for (const Option& option : statement_.options) {
      if (option.key.text == error.key) return diagnostics_.At(option.key.position, error.status);
    }
    return diagnostics_.At(statement_.name.back().position, error.status);
  }

  const Statement& statement_;
  const Diagnostics& diagnostics_;
  int* budget_;
  plan::Table table_;
};

}  // namespace

absl::StatusOr<plan::TablePtr> AnalyseTable(const Statement& statement, const Diagnostics& diagnostics, int* budget) {
  return TableBuilder(statement, diagnostics, budget).Build();
}

std::vector<int> PersistedColumns(const plan::Table& table) {
  std::vector<int> columns;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const TableColumn& column = table.columns[i];
    if (column.kind == TableColumn::Kind::kComputed || column.metadata_virtual) continue;
    columns.push_back(static_cast<int>(i));
  }
  return columns;
}

Relation ScanTable(const plan::TablePtr& table) {
  std::vector<data::Field> fields;
  std::vector<int> columns;
  for (size_t i = 0; i < table->columns.size(); ++i) {
    fields.push_back({table->columns[i].name, table->columns[i].type});
    fields.back().type.rowtime = table->watermark_column == static_cast<int>(i);
    columns.push_back(static_cast<int>(i));
  }
  Relation relation;
  relation.tags.assign(fields.size(), WindowTag::kNone);
  relation.alias = table->name;
  auto node = MakeNode(plan::NodeKind::kSource, {}, std::move(fields), table->position);
  node->table = table;
  node->source_columns = std::move(columns);
  node->produces_updates = plan::ChangesOf(*table) != plan::TableChanges::kInserts;
  relation.node = node;
  if (plan::ChangesOf(*table) != plan::TableChanges::kUpserts) return relation;
  auto normalize = MakeNode(plan::NodeKind::kNormalize, {node}, relation.CopyFields(), table->position);
  for (const std::string& key : table->primary_key) normalize->keys.push_back(node->schema->Find(key));
  relation.node = normalize;
  return relation;
}

}  // namespace leat::sql
