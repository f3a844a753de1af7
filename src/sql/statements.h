// Flink's statements: which of them are taken, and how those that are not are called when they are refused. The
// reference is made from this table, and a test compiles every example.
#pragma once

#include <span>
#include <string_view>

namespace leat::sql {

struct FlinkStatement {
  std::string_view name;
  std::string_view example;  // over kStatementTables
  std::string_view refused;  // what the refusal names; empty: it is taken
};
inline constexpr std::string_view kStatementTables =
    "CREATE TABLE t (k STRING, v INT) WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');\n"
    "CREATE TABLE s (k STRING, v INT) WITH ('connector' = 'blackhole');\n"
    "CREATE VIEW w AS SELECT k, v FROM t;\n"
    "CREATE DATABASE d;\n"
    "CREATE CATALOG c WITH ('type' = 'generic_in_memory');\n";
std::span<const FlinkStatement> FlinkStatements();

}  // namespace leat::sql
