// The jobs of the simulation, in SQL, and what each must have given for an input: recomputed row by row, with none of
// the product's code. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace leat::nodes {

// A record of an input or an output. Without a value: a delete.
struct JobRecord {
  std::string key;
  std::optional<std::string> value;
};
using JobPartition = std::vector<JobRecord>;
using JobTopics = std::map<std::string, std::vector<JobPartition>>;  // by name: the partitions

// What readers find: of an appended topic how often each value is there, of an upserted one the value of each key.
using Bag = std::map<std::string, int>;
using Upserted = std::map<std::string, std::string>;
struct JobOutputs {
  std::map<std::string, Bag> appended;
  std::map<std::string, Upserted> upserted;
};

// The row behind an input record of the simulation's own topics.
struct JobRow {
  int64_t id = 0;
  std::string k;
  int64_t v = 0;
  int64_t ms = 0;  // event time
};
std::string Encode(const JobRow& row);  // as JSON
JobRow Decode(const std::string& value);

struct JobShape {
  std::string name;
  std::vector<std::string> inputs;
  std::vector<std::string> appended, upserted;  // outputs
  std::vector<std::string> counted;             // outputs of which only the number of records is known: of ""
  std::string sql;
  std::function<JobOutputs(const JobTopics&)> recompute;
};
const std::vector<JobShape>& JobShapes();

// Inputs that are made for jobs. The rows of events and others are at most kDisorderMs late in a partition; stragglers
// has one partition, and any lateness. users and teams are upserted.
inline constexpr int64_t kDisorderMs = 2000;
inline constexpr const char* kEvents = "events";
inline constexpr const char* kOthers = "others";
inline constexpr const char* kStragglers = "stragglers";
inline constexpr const char* kUsers = "users";
inline constexpr const char* kTeams = "teams";
// Written by the simulation's producers.
inline constexpr const char* kData = "data";

// The output as a reader of all partitions finds it, in the order of the log.
Bag BagOf(const std::vector<JobPartition>& partitions);
Upserted UpsertedOf(const std::vector<JobPartition>& partitions);
// Empty: equal. Else the first differences.
std::string Difference(const std::string& topic, const Bag& expected, const Bag& found);
std::string Difference(const std::string& topic, const Upserted& expected, const Upserted& found);

}  // namespace leat::nodes
