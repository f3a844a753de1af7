#include "sql/like.h"

#include <algorithm>
#include <array>
#include <set>

namespace leat::sql {

namespace {

enum class Strategy { kIncluding, kExcluding, kOverwriting };

struct Strategies {
  Strategy constraints = Strategy::kIncluding;
  Strategy generated = Strategy::kIncluding;
  Strategy metadata = Strategy::kIncluding;
  Strategy options = Strategy::kOverwriting;
  Strategy watermarks = Strategy::kIncluding;
  Strategy partitions = Strategy::kIncluding;
  Strategy distribution = Strategy::kIncluding;
};

struct Feature {
  std::string_view name;
  Strategy Strategies::*field;
  bool overwritable;
};
constexpr std::array<Feature, 7> kFeatures = {{{"CONSTRAINTS", &Strategies::constraints, false},
                                               {"DISTRIBUTION", &Strategies::distribution, false},
                                               {"GENERATED", &Strategies::generated, true},
                                               {"METADATA", &Strategies::metadata, true},
                                               {"OPTIONS", &Strategies::options, true},
                                               {"PARTITIONS", &Strategies::partitions, false},
                                               {"WATERMARKS", &Strategies::watermarks, true}}};

class Merger {
 public:
  Merger(const Statement& derived, const Statement& base, const Diagnostics& diagnostics)
      : derived_(derived), base_(base), diagnostics_(diagnostics), merged_(derived) {
    merged_.like.reset();
  }

  absl::StatusOr<Statement> Run() {
    LEAT_RETURN_IF_ERROR(ReadStrategies());
    LEAT_RETURN_IF_ERROR(MergeColumns());
    LEAT_RETURN_IF_ERROR(MergeKeys());
    LEAT_RETURN_IF_ERROR(MergeWatermarks());
    LEAT_RETURN_IF_ERROR(MergeOptions());
    return std::move(merged_);
  }

 private:
  absl::StatusOr<Strategy> ReadStrategy(const Name& word) const {
    if (word.text == "INCLUDING") return Strategy::kIncluding;
    if (word.text == "EXCLUDING") return Strategy::kExcluding;
    if (word.text == "OVERWRITING") return Strategy::kOverwriting;
    return diagnostics_.Error(word.position, "expected INCLUDING, EXCLUDING or OVERWRITING, got ", word.text);
  }

  absl::Status ReadStrategies() {
    std::set<std::string> seen;
    // ALL is the ground that the others stand on, wherever it is written.
    for (const bool all : {true, false}) {
      for (const LikeSyntax::Option& option : derived_.like->options) {
        if ((option.feature.text == "ALL") != all) continue;
        LEAT_ASSIGN_OR_RETURN(const Strategy strategy, ReadStrategy(option.strategy));
        if (!seen.insert(option.feature.text).second) {
          return diagnostics_.Error(option.feature.position, option.feature.text, " is there twice");
        }
        if (all) {
          for (const Feature& feature : kFeatures) {
            if (feature.overwritable || strategy != Strategy::kOverwriting) strategies_.*feature.field = strategy;
          }
          continue;
        }
        const auto found =
            std::ranges::find_if(kFeatures, [&](const Feature& f) { return f.name == option.feature.text; });
        if (found == kFeatures.end()) {
          return diagnostics_.Error(option.feature.position,
                                    "expected ALL, CONSTRAINTS, DISTRIBUTION, GENERATED, METADATA, OPTIONS, PARTITIONS "
                                    "or WATERMARKS, got ",
                                    option.feature.text);
        }
        if (strategy == Strategy::kOverwriting && !found->overwritable) {
          return diagnostics_.Error(option.feature.position, "OVERWRITING does not go with ", found->name,
                                    "; EXCLUDING leaves out those of the other table");
        }
        strategies_.*found->field = strategy;
      }
    }
    return absl::OkStatus();
  }

  absl::Status MergeColumns() {
    std::vector<ColumnSyntax> columns;
    for (const ColumnSyntax& column : base_.elements.columns) {
      if (column.kind == ColumnSyntax::Kind::kComputed && strategies_.generated == Strategy::kExcluding) continue;
      if (column.kind == ColumnSyntax::Kind::kMetadata && strategies_.metadata == Strategy::kExcluding) continue;
      columns.push_back(column);
      if (strategies_.constraints == Strategy::kExcluding) columns.back().primary_key = false;
    }
    const size_t own = columns.size();
    for (const ColumnSyntax& column : derived_.elements.columns) {
      const auto end = columns.begin() + static_cast<ptrdiff_t>(own);
      const auto found = std::find_if(columns.begin(), end,
                                      [&](const ColumnSyntax& other) { return other.name.text == column.name.text; });
      if (found == end) {
        columns.push_back(column);
        continue;
      }
      const bool same_kind = found->kind == column.kind;
      const Strategy strategy = column.kind == ColumnSyntax::Kind::kComputed   ? strategies_.generated
                                : column.kind == ColumnSyntax::Kind::kMetadata ? strategies_.metadata
                                                                               : Strategy::kIncluding;
      if (!same_kind || strategy != Strategy::kOverwriting) {
        return diagnostics_.Error(column.name.position, "the table of LIKE has a column '", column.name.text,
                                  "' already",
                                  same_kind && column.kind != ColumnSyntax::Kind::kPhysical
                                      ? StrCat("; EXCLUDING or OVERWRITING ",
                                               column.kind == ColumnSyntax::Kind::kComputed ? "GENERATED" : "METADATA",
                                               " lets this one stand")
                                      : "");
      }
      *found = column;
    }
    merged_.elements.columns = std::move(columns);
    return absl::OkStatus();
  }

  static const Name* KeyOf(const Statement& statement) {
    if (!statement.elements.primary_keys.empty()) return statement.elements.primary_keys[0].data();
    for (const ColumnSyntax& column : statement.elements.columns) {
      if (column.primary_key) return &column.name;
    }
    return nullptr;
  }

  absl::Status MergeKeys() {
    if (strategies_.constraints == Strategy::kExcluding || KeyOf(base_) == nullptr) return absl::OkStatus();
    if (const Name* own = KeyOf(derived_); own != nullptr) {
      return diagnostics_.Error(own->position,
                                "the table of LIKE has a PRIMARY KEY already; EXCLUDING CONSTRAINTS leaves it out");
    }
    merged_.elements.primary_keys = base_.elements.primary_keys;
    return absl::OkStatus();
  }

  absl::Status MergeWatermarks() {
    const auto& theirs = base_.elements.watermarks;
    auto& own = merged_.elements.watermarks;
    if (theirs.empty() || strategies_.watermarks == Strategy::kExcluding) return absl::OkStatus();
    if (own.empty()) {
      own = theirs;
    } else if (strategies_.watermarks == Strategy::kIncluding) {
      return diagnostics_.Error(own[0].column[0].position,
                                "the table of LIKE has a WATERMARK already; EXCLUDING or OVERWRITING WATERMARKS lets "
                                "this one stand");
    }
    return absl::OkStatus();
  }

  absl::Status MergeOptions() {
    if (strategies_.options == Strategy::kExcluding) return absl::OkStatus();
    std::vector<Option> options = base_.options;
    for (const Option& option : derived_.options) {
      const auto found = std::ranges::find_if(options, [&](const Option& o) { return o.key.text == option.key.text; });
      if (found == options.end()) {
        options.push_back(option);
      } else if (strategies_.options == Strategy::kOverwriting) {
        *found = option;
      } else {
        return diagnostics_.Error(option.key.position, "the table of LIKE has the option '", option.key.text,
                                  "' already; OVERWRITING OPTIONS lets this one stand");
      }
    }
    merged_.options = std::move(options);
    return absl::OkStatus();
  }

  const Statement& derived_;
  const Statement& base_;
  const Diagnostics& diagnostics_;
  Statement merged_;
  Strategies strategies_;
};

}  // namespace

absl::StatusOr<Statement> MergeLike(const Statement& derived, const Statement& base, const Diagnostics& diagnostics) {
  return Merger(derived, base, diagnostics).Run();
}

}  // namespace leat::sql
