#include "tests/sim/job_shapes.h"

#include <absl/strings/numbers.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.h"

namespace leat::nodes {
namespace {

constexpr int64_t kNever = INT64_MIN;

std::string Events(const std::string& topic) {
  return StrCat("CREATE TABLE ", topic,
                " (id BIGINT, k STRING, v BIGINT, ms BIGINT, ts AS TO_TIMESTAMP_LTZ(ms, 3), WATERMARK FOR ts AS ts - "
                "INTERVAL '2' SECOND) WITH ('connector' = 'kafka', 'topic' = '",
                topic,
                "', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset', 'scan.watermark.emit.strategy' = "
                "'on-event');\n");
}

std::string Values(const std::string& topic) {
  return StrCat("CREATE TABLE ", topic, " (v STRING) WITH ('connector' = 'kafka', 'topic' = '", topic,
                "', 'format' = 'raw', 'scan.startup.mode' = 'earliest-offset');\n");
}

std::string Appended(const std::string& topic, const std::string& columns) {
  return StrCat("CREATE TABLE ", topic, " (", columns, ") WITH ('connector' = 'kafka', 'topic' = '", topic,
                "', 'format' = 'json');\n");
}

std::string Keyed(const std::string& topic, const std::string& columns, const std::string& key) {
  return StrCat("CREATE TABLE ", topic, " (", columns, ", PRIMARY KEY (", key,
                ") NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = '", topic,
                "', 'key.format' = 'json', 'value.format' = 'json');\n");
}

std::string Json(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string out = "{";
  for (const auto& [name, value] : fields) StrAppend(&out, out.size() > 1 ? "," : "", "\"", name, "\":", value);
  return out + "}";
}
std::string Quoted(const std::string& text) { return StrCat("\"", text, "\""); }

// All rows of a topic, whatever their partition.
std::vector<JobRow> RowsOf(const JobTopics& topics, const std::string& name) {
  std::vector<JobRow> rows;
  for (const JobPartition& partition : topics.at(name)) {
    for (const JobRecord& record : partition) rows.push_back(Decode(*record.value));
  }
  return rows;
}

// What the slowest partition has reached.
int64_t WatermarkOf(const JobTopics& topics, const std::string& name) {
  int64_t slowest = INT64_MAX;
  for (const JobPartition& partition : topics.at(name)) {
    int64_t latest = kNever;
    for (const JobRecord& record : partition) latest = std::max(latest, Decode(*record.value).ms - kDisorderMs);
    slowest = std::min(slowest, latest);
  }
  return slowest;
}

struct Sums {
  int64_t n = 0, total = 0, first = INT64_MAX, last = INT64_MIN;
  void Add(const JobRow& row) {
    ++n;
    total += row.v;
    first = std::min(first, row.id);
    last = std::max(last, row.id);
  }
};
constexpr char kSumColumns[] = "k STRING, n BIGINT, total BIGINT, first_id BIGINT, last_id BIGINT";
constexpr char kSumSelect[] = "SELECT k, COUNT(*), SUM(v), MIN(id), MAX(id) FROM TABLE(";
std::string Json(const std::string& k, const Sums& sums) {
  return Json({{"k", Quoted(k)},
               {"n", StrCat(sums.n)},
               {"total", StrCat(sums.total)},
               {"first_id", StrCat(sums.first)},
               {"last_id", StrCat(sums.last)}});
}

// ---- from what the simulation's producers write, transactions included

JobShape Filter() {
  return {.name = "filter",
          .inputs = {kData},
          .appended = {"filtered"},
          .upserted = {},
          .counted = {},
          .sql = Values(kData) +
                 "CREATE TABLE filtered (v STRING) WITH ('connector' = 'kafka', 'topic' = 'filtered', "
                 "'format' = 'raw');\nINSERT INTO filtered SELECT v FROM data WHERE v NOT LIKE '%7';",
          .recompute = [](const JobTopics& topics) {
            JobOutputs out;
            Bag& bag = out.appended["filtered"];
            for (const JobPartition& partition : topics.at(kData)) {
              for (const JobRecord& record : partition) {
                if (!record.value->ends_with('7')) ++bag[*record.value];
              }
            }
            return out;
          }};
}

JobShape Count() {
  return {.name = "count",
          .inputs = {kData},
          .appended = {},
          .upserted = {"counts"},
          .counted = {},
          .sql = Values(kData) + Keyed("counts", "who STRING, n BIGINT", "who") +
                 "INSERT INTO counts SELECT SUBSTRING(v, 1, 2), COUNT(*) FROM data GROUP BY SUBSTRING(v, 1, 2);",
          .recompute = [](const JobTopics& topics) {
            std::map<std::string, int> counts;
            for (const JobPartition& partition : topics.at(kData)) {
              for (const JobRecord& record : partition) ++counts[record.value->substr(0, 2)];
            }
            JobOutputs out;
            Upserted& table = out.upserted["counts"];
            for (const auto& [who, n] : counts) {
              table[Json({{"who", Quoted(who)}})] = Json({{"who", Quoted(who)}, {"n", StrCat(n)}});
            }
            return out;
          }};
}

// ---- windows

constexpr int64_t kTumbleMs = 5000, kSlideMs = 4000, kHopMs = 12'000, kGapMs = 1500;

// The watermark follows each row, so that it is known which rows are late.
JobShape Tumble() {
  return {.name = "tumble",
          .inputs = {kStragglers},
          .appended = {"tumbled"},
          .upserted = {},
          .counted = {"late"},
          .sql = StrCat("SET 'leat.late.topic' = 'late';\n", Events(kStragglers), Appended("tumbled", kSumColumns),
                        "INSERT INTO tumbled ", kSumSelect,
                        "TUMBLE(TABLE stragglers, DESCRIPTOR(ts), INTERVAL '5' SECOND)) GROUP BY k, window_start, "
                        "window_end;"),
          .recompute = [](const JobTopics& topics) {
            JobOutputs out;
            int64_t watermark = kNever;
            std::map<std::pair<int64_t, std::string>, Sums> windows;
            int late = 0;
            for (const JobRow& row : RowsOf(topics, kStragglers)) {
              const int64_t end = row.ms - row.ms % kTumbleMs + kTumbleMs;
              if (end - 1 <= watermark)
                ++late;
              else
                windows[{end, row.k}].Add(row);
              watermark = std::max(watermark, row.ms - kDisorderMs);
            }
            Bag& bag = out.appended["tumbled"];
            for (const auto& [window, sums] : windows) {
              if (window.first - 1 <= watermark) ++bag[Json(window.second, sums)];
            }
            if (late > 0) out.appended["late"][""] = late;
            return out;
          }};
}

JobShape Hop() {
  return {.name = "hop",
          .inputs = {kEvents},
          .appended = {"hopped"},
          .upserted = {},
          .counted = {},
          .sql = StrCat(Events(kEvents), Appended("hopped", kSumColumns), "INSERT INTO hopped ", kSumSelect,
                        "HOP(TABLE events, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL '12' SECOND)) GROUP BY k, "
                        "window_start, window_end;"),
          .recompute = [](const JobTopics& topics) {
            std::map<std::pair<int64_t, std::string>, Sums> windows;
            for (const JobRow& row : RowsOf(topics, kEvents)) {
              for (int64_t end = row.ms - row.ms % kSlideMs + kSlideMs; end <= row.ms + kHopMs; end += kSlideMs) {
                windows[{end, row.k}].Add(row);
              }
            }
            JobOutputs out;
            Bag& bag = out.appended["hopped"];
            const int64_t watermark = WatermarkOf(topics, kEvents);
            for (const auto& [window, sums] : windows) {
              if (window.first - 1 <= watermark) ++bag[Json(window.second, sums)];
            }
            return out;
          }};
}

JobShape Session() {
  return {.name = "session",
          .inputs = {kEvents},
          .appended = {"sessions"},
          .upserted = {},
          .counted = {},
          .sql = StrCat(Events(kEvents), Appended("sessions", kSumColumns), "INSERT INTO sessions ", kSumSelect,
                        "SESSION(TABLE events PARTITION BY k, DESCRIPTOR(ts), INTERVAL '1.5' SECOND)) GROUP BY k, "
                        "window_start, window_end;"),
          .recompute = [](const JobTopics& topics) {
            std::map<std::string, std::vector<JobRow>> keys;
            for (const JobRow& row : RowsOf(topics, kEvents)) keys[row.k].push_back(row);
            JobOutputs out;
            Bag& bag = out.appended["sessions"];
            const int64_t watermark = WatermarkOf(topics, kEvents);
            for (auto& [k, rows] : keys) {
              std::ranges::sort(rows, {}, &JobRow::ms);
              Sums sums;
              for (size_t i = 0; i < rows.size(); ++i) {
                sums.Add(rows[i]);
                const int64_t end = rows[i].ms + kGapMs;
                if (i + 1 < rows.size() && rows[i + 1].ms <= end) continue;
                if (end - 1 <= watermark) ++bag[Json(k, sums)];
                sums = {};
              }
            }
            return out;
          }};
}

// ---- joins

// A user who changes groups moves to another worker.
JobShape Join() {
  return {.name = "join",
          .inputs = {kUsers, kTeams},
          .appended = {},
          .upserted = {"members"},
          .counted = {},
          .sql = StrCat(Keyed(kUsers, "k STRING, v BIGINT, id BIGINT", "k"),
                        Keyed(kTeams, "k STRING, v BIGINT, id BIGINT", "k"),
                        Keyed("members", "k STRING, v BIGINT, id BIGINT, team BIGINT", "k"),
                        "INSERT INTO members SELECT u.k, u.v, u.id, g.id FROM users AS u JOIN teams AS g ON "
                        "CONCAT('k', CAST(u.v AS STRING)) = g.k;"),
          .recompute = [](const JobTopics& topics) {
            const Upserted users = UpsertedOf(topics.at(kUsers)), teams = UpsertedOf(topics.at(kTeams));
            std::map<std::string, JobRow> team;
            for (const auto& [key, value] : teams) team[Decode(value).k] = Decode(value);
            JobOutputs out;
            Upserted& table = out.upserted["members"];
            for (const auto& [key, value] : users) {
              const JobRow user = Decode(value);
              const auto group = team.find(StrCat("k", user.v));
              if (group == team.end()) continue;
              table[Json({{"k", Quoted(user.k)}})] = Json({{"k", Quoted(user.k)},
                                                           {"v", StrCat(user.v)},
                                                           {"id", StrCat(user.id)},
                                                           {"team", StrCat(group->second.id)}});
            }
            return out;
          }};
}

JobShape Interval() {
  return {.name = "interval",
          .inputs = {kEvents, kOthers},
          .appended = {"pairs"},
          .upserted = {},
          .counted = {},
          .sql = StrCat(Events(kEvents), Events(kOthers), Appended("pairs", "k STRING, a BIGINT, b BIGINT"),
                        "INSERT INTO pairs SELECT a.k, a.id, b.id FROM events AS a JOIN others AS b ON a.k = b.k AND "
                        "b.ts BETWEEN a.ts - INTERVAL '1' SECOND AND a.ts + INTERVAL '2' SECOND;"),
          .recompute = [](const JobTopics& topics) {
            JobOutputs out;
            Bag& bag = out.appended["pairs"];
            const std::vector<JobRow> others = RowsOf(topics, kOthers);
            for (const JobRow& a : RowsOf(topics, kEvents)) {
              for (const JobRow& b : others) {
                if (a.k != b.k || b.ms < a.ms - 1000 || b.ms > a.ms + 2000) continue;
                ++bag[Json({{"k", Quoted(a.k)}, {"a", StrCat(a.id)}, {"b", StrCat(b.id)}})];
              }
            }
            return out;
          }};
}

// ---- ranks

JobShape Top() {
  return {.name = "top",
          .inputs = {kEvents},
          .appended = {},
          .upserted = {"best"},
          .counted = {},
          .sql = StrCat(Events(kEvents),
                        Keyed("best", "shelf BIGINT, place BIGINT, k STRING, total BIGINT", "shelf, place"),
                        "INSERT INTO best SELECT shelf, place, k, total FROM (SELECT *, ROW_NUMBER() OVER (PARTITION "
                        "BY shelf ORDER BY total DESC, k) AS place FROM (SELECT MOD(v, 3) AS shelf, k, SUM(v) AS total "
                        "FROM events GROUP BY MOD(v, 3), k)) WHERE place <= 3;"),
          .recompute = [](const JobTopics& topics) {
            std::map<int64_t, std::map<std::string, int64_t>> shelves;
            for (const JobRow& row : RowsOf(topics, kEvents)) shelves[row.v % 3][row.k] += row.v;
            JobOutputs out;
            Upserted& table = out.upserted["best"];
            for (const auto& [shelf, totals] : shelves) {
              std::set<std::pair<int64_t, std::string>> order;
              for (const auto& [k, total] : totals) order.insert({-total, k});
              int place = 0;
              for (const auto& [minus, k] : order) {
                if (++place > 3) break;
                table[Json({{"shelf", StrCat(shelf)}, {"place", StrCat(place)}})] = Json(
                    {{"shelf", StrCat(shelf)}, {"place", StrCat(place)}, {"k", Quoted(k)}, {"total", StrCat(-minus)}});
              }
            }
            return out;
          }};
}

// Ids are unique, and rise in a partition; a key is always in the same one.
JobShape First() {
  return {.name = "first",
          .inputs = {kEvents},
          .appended = {},
          .upserted = {"firsts"},
          .counted = {},
          .sql = StrCat(Events(kEvents), Keyed("firsts", "k STRING, id BIGINT, v BIGINT", "k"),
                        "INSERT INTO firsts SELECT k, id, v FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY "
                        "v DESC, id) AS place FROM events) WHERE place = 1;"),
          .recompute = [](const JobTopics& topics) {
            std::map<std::string, std::pair<int64_t, int64_t>> best;
            for (const JobRow& row : RowsOf(topics, kEvents)) {
              const std::pair<int64_t, int64_t> candidate{-row.v, row.id};
              const auto [at, fresh] = best.emplace(row.k, candidate);
              if (!fresh) at->second = std::min(at->second, candidate);
            }
            JobOutputs out;
            Upserted& table = out.upserted["firsts"];
            for (const auto& [k, row] : best) {
              table[Json({{"k", Quoted(k)}})] =
                  Json({{"k", Quoted(k)}, {"id", StrCat(row.second)}, {"v", StrCat(-row.first)}});
            }
            return out;
          }};
}

// ---- one job with two sinks of different kind

JobShape Set() {
  return {.name = "set",
          .inputs = {kEvents},
          .appended = {"big"},
          .upserted = {"sums"},
          .counted = {},
          .sql = StrCat(Events(kEvents), Appended("big", "id BIGINT, k STRING"),
                        Keyed("sums", "k STRING, n BIGINT, total BIGINT", "k"),
                        "EXECUTE STATEMENT SET BEGIN\nINSERT INTO big SELECT id, k FROM events WHERE v > 50;\nINSERT "
                        "INTO sums SELECT k, COUNT(*), SUM(v) FROM events GROUP BY k;\nEND;"),
          .recompute = [](const JobTopics& topics) {
            JobOutputs out;
            Bag& big = out.appended["big"];
            std::map<std::string, Sums> keys;
            for (const JobRow& row : RowsOf(topics, kEvents)) {
              if (row.v > 50) ++big[Json({{"id", StrCat(row.id)}, {"k", Quoted(row.k)}})];
              keys[row.k].Add(row);
            }
            Upserted& table = out.upserted["sums"];
            for (const auto& [k, sums] : keys) {
              table[Json({{"k", Quoted(k)}})] =
                  Json({{"k", Quoted(k)}, {"n", StrCat(sums.n)}, {"total", StrCat(sums.total)}});
            }
            return out;
          }};
}

constexpr int kMostDifferences = 5;

template <typename Table>
std::string DifferenceOf(const std::string& topic, const Table& expected, const Table& found) {
  std::string out;
  int count = 0;
  const auto say = [&](const std::string& key, const std::string& wanted, const std::string& came) {
    if (++count <= kMostDifferences) StrAppend(&out, "\n    ", key, ": expected ", wanted, ", found ", came);
  };
  for (const auto& [key, value] : expected) {
    const auto at = found.find(key);
    if (at == found.end())
      say(key, StrCat(value), "nothing");
    else if (at->second != value)
      say(key, StrCat(value), StrCat(at->second));
  }
  for (const auto& [key, value] : found) {
    if (!expected.contains(key)) say(key, "nothing", StrCat(value));
  }
  if (count == 0) return "";
  return StrCat("topic ", topic, " differs from its recomputation in ", count, " places:", out);
}

}  // namespace

std::string Encode(const JobRow& row) {
  return Json({{"id", StrCat(row.id)}, {"k", Quoted(row.k)}, {"v", StrCat(row.v)}, {"ms", StrCat(row.ms)}});
}

JobRow Decode(const std::string& value) {
  // As Encode writes it.
  const auto field = [&](std::string_view name) {
    const size_t from = value.find(StrCat("\"", name, "\":")) + name.size() + 3;
    return value.substr(from, value.find_first_of(",}", from) - from);
  };
  JobRow row;
  const bool read = absl::SimpleAtoi(field("id"), &row.id) && absl::SimpleAtoi(field("v"), &row.v) &&
                    absl::SimpleAtoi(field("ms"), &row.ms);
  row.k = read ? field("k") : "";
  if (row.k.size() > 2) row.k = row.k.substr(1, row.k.size() - 2);
  return row;
}

const std::vector<JobShape>& JobShapes() {
  static const std::vector<JobShape> shapes{Filter(), Count(),    Tumble(), Hop(),   Session(),
                                            Join(),   Interval(), Top(),    First(), Set()};
  return shapes;
}

Bag BagOf(const std::vector<JobPartition>& partitions) {
  Bag bag;
  for (const JobPartition& partition : partitions) {
    for (const JobRecord& record : partition) ++bag[record.value.value_or("<null>")];
  }
  return bag;
}

Upserted UpsertedOf(const std::vector<JobPartition>& partitions) {
  Upserted table;
  for (const JobPartition& partition : partitions) {
    for (const JobRecord& record : partition) {
      if (record.value)
        table[record.key] = *record.value;
      else
        table.erase(record.key);
    }
  }
  return table;
}

std::string Difference(const std::string& topic, const Bag& expected, const Bag& found) {
  return DifferenceOf(topic, expected, found);
}
std::string Difference(const std::string& topic, const Upserted& expected, const Upserted& found) {
  return DifferenceOf(topic, expected, found);
}

}  // namespace leat::nodes
