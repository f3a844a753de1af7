// Cases of tests/golden/flink and of the pages of docs/sql: SQL, rows, and what Apache Flink made of them
// (docs/internals/flink.md has the format).
#pragma once

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "leat/stream/test_driver.h"
#include "stream/exec/json_tree.h"

namespace leat::stream {

struct FlinkRecord {
  std::string topic;
  int block = 0;  // which block of rows it stands in
  TestRecord record;
};

// What a topic holds in the end. Flink's JSON, parsed.
struct FlinkRows {
  std::string columns;  // "k STRING, n BIGINT"
  std::vector<exec::JsonNode> rows;
};

struct FlinkAnswer {
  bool refused = false;  // when the script is compiled
  bool fails = false;    // while it runs
  std::map<std::string, FlinkRows> topics;
};

struct FlinkCase {
  std::string file;
  std::string name;
  int line = 0;
  std::string body;  // as it stands in the file
  std::string sql;   // with the tables in front
  std::vector<FlinkRecord> input;
  std::string raw_answer;  // the stored one; of @leat, where the case has that
  FlinkAnswer answer;
};

void PrintTo(const FlinkCase& one, std::ostream* out);

// The cases of a file, or of every file of a folder. Fails the test if a file cannot be read.
std::vector<FlinkCase> ReadFlinkCases(const std::string& path);

// A table that a script writes.
struct FlinkSink {
  std::string topic;
  std::string format;
  bool upsert = false;
  std::string columns;
};
std::vector<FlinkSink> SinksOf(const std::string& sql);

// The rows that are there after all changes; an error text if a change takes back a row that is not there.
std::string Materialise(const FlinkSink& sink, const std::vector<TestRecord>& records,
                        std::vector<exec::JsonNode>* rows);

// What is missing and what is too much, compared as multisets; empty if nothing. Numbers by value; those of DOUBLE
// columns to nine digits, of FLOAT to seven.
std::string Difference(const FlinkRows& expected, const std::vector<exec::JsonNode>& rows);

}  // namespace leat::stream
