// A batch of rows, about 1,024: columns of equal length, a change kind per row, and where the rows came from.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "stream/data/column.h"

namespace leat::data {

inline constexpr size_t kBatchRows = 1024;

// +I, -U, +U, -D: how a row changes the result that went before.
enum class RowKind : uint8_t { kInsert, kUpdateBefore, kUpdateAfter, kDelete };
std::string_view RowKindName(RowKind kind);  // "+I" ..
inline bool IsRetraction(RowKind kind) { return kind == RowKind::kUpdateBefore || kind == RowKind::kDelete; }

struct Schema {
  std::vector<Field> fields;
  // -1 if absent. Names are exact; SQL identifiers are case sensitive as in Flink.
  int Find(std::string_view name) const;
  std::string ToString() const;
};
using SchemaPtr = std::shared_ptr<const Schema>;

// The partition a batch was read from; kept through stateless operators and exchanges for dead letters.
struct SourcePartition {
  std::string topic;
  int32_t partition = 0;
};

struct Batch {
  SchemaPtr schema;
  std::vector<ColumnPtr> columns;
  size_t rows = 0;
  std::vector<RowKind> kinds;  // empty: all +I

  std::shared_ptr<const SourcePartition> source;  // null once rows of several records are mixed
  std::vector<int64_t> offsets;                   // of the record behind each row; empty if unknown

  RowKind kind(size_t row) const { return kinds.empty() ? RowKind::kInsert : kinds[row]; }
  size_t MemoryBytes() const;
};

// The chosen rows, in that order, with their kinds and origin.
Batch Gather(const Batch& batch, std::span<const uint32_t> rows);
// For tests and logs: "+I[1, abc, NULL]".
std::string FormatRow(const Batch& batch, size_t row);

}  // namespace leat::data
