#include "tests/stream/run/random_queries.h"

#include <absl/strings/str_format.h>

#include <optional>
#include <utility>

#include "base/strings.h"

namespace leat::stream {
namespace {

// The same thing said twice: to Leat, and to SQLite.
struct Sql {
  std::string ours, theirs;
  Sql() = default;
  Sql(const char* text) : ours(text), theirs(text) {}         // NOLINT(google-explicit-constructor)
  Sql(const std::string& text) : ours(text), theirs(text) {}  // NOLINT(google-explicit-constructor)
  Sql(std::string a, std::string b) : ours(std::move(a)), theirs(std::move(b)) {}
  Sql& operator+=(const Sql& other) {
    ours += other.ours;
    theirs += other.theirs;
    return *this;
  }
};

template <typename... Parts>
Sql All(const Parts&... parts) {
  Sql all;
  ((all += Sql(parts)), ...);
  return all;
}

struct Column {
  std::string name;
  ValueKind kind;
};
using Columns = std::vector<Column>;

// Something behind FROM, with the columns that it has there.
struct Relation {
  Sql from;
  Columns columns;
  std::vector<std::string> unique;  // these columns together tell its rows apart; empty if nothing does
  std::string alias;                // of a table that has a time
};

struct Query {
  Sql text;
  Columns columns;  // c0, c1, ..
};

constexpr int kRows = 14;

// Rows of a table: each column's value as JSON and as SQLite's literal.
struct Value {
  std::string json, literal;
};
using Row = std::vector<std::pair<std::string, Value>>;

std::string Json(const Row& row) {
  std::string json = "{";
  for (const auto& [name, value] : row) {
    if (name != "ts") {
      StrAppend(&json, json.size() > 1 ? "," : "", "\"", name, "\":", value.json);
    } else {
      const int ms = std::stoi(value.literal);
      StrAppend(&json,
                absl::StrFormat(",\"ts\":\"2026-03-01 00:%02d:%02d.%03d\"", ms / 60000, ms / 1000 % 60, ms % 1000));
    }
  }
  return json + "}";
}

std::string Literals(const Row& row) {
  std::string all;
  for (const auto& [name, value] : row) StrAppend(&all, all.empty() ? "" : ", ", value.literal);
  return all;
}

class Maker {
 public:
  explicit Maker(Random& random) : random_(random) {}

  RandomQuery Make() {
    Fill();
    Query query = Any();
    query_.job.name = "random";
    query_.job.body = query.text.ours;
    query_.job.sql = StrCat(
        kTables, "CREATE TABLE answer WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'debezium-json')\nAS ",
        query.text.ours);
    query_.reference = query.text.theirs;
    for (const Column& column : query.columns) query_.columns.push_back(column.kind);
    return std::move(query_);
  }

 private:
  static constexpr const char* kTables = R"(
CREATE TABLE t (id BIGINT, k STRING, a BIGINT, b BIGINT, s STRING, f BOOLEAN, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE u (id BIGINT, k STRING, a BIGINT, b BIGINT, s STRING, f BOOLEAN, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR)
WITH ('connector' = 'kafka', 'topic' = 'u', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE c (id BIGINT, k STRING, a BIGINT, b BIGINT, s STRING, f BOOLEAN, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' HOUR)
WITH ('connector' = 'kafka', 'topic' = 'c', 'format' = 'debezium-json', 'scan.startup.mode' = 'earliest-offset');
)";

  // ---- rows

  template <typename T>
  const T& OneOf(const std::vector<T>& all) {
    return all[random_.Below(all.size())];
  }
  std::string Word() { return OneOf<std::string>({"a", "b", "ab", "abc", "B", ""}); }

  Row RandomRow(int id) {
    const auto text = [&] {
      if (random_.OneIn(6)) return Value{"null", "NULL"};
      const std::string word = Word();
      return Value{StrCat("\"", word, "\""), StrCat("'", word, "'")};
    };
    const auto number = [&] {
      if (random_.OneIn(6)) return Value{"null", "NULL"};
      const std::string n = StrCat(random_.Between(-5, 9));
      return Value{n, n};
    };
    const std::string key = OneOf<std::string>({"a", "b", "ab"});
    const bool truth = random_.OneIn(2);
    Row row = {{"id", {StrCat(id), StrCat(id)}},
               {"k", random_.OneIn(8) ? Value{"null", "NULL"} : Value{StrCat("\"", key, "\""), StrCat("'", key, "'")}},
               {"a", number()},
               {"b", number()},
               {"s", text()},
               {"f", random_.OneIn(6) ? Value{"null", "NULL"} : Value{truth ? "true" : "false", truth ? "1" : "0"}}};
    row.push_back({"ts", {"", StrCat((random_.Between(0, 59) * 1000) + id)}});
    return row;
  }

  void Put(const std::string& topic, std::string json) {
    FlinkRecord record{.topic = topic, .record = {}};
    record.record.value = std::move(json);
    query_.job.input.push_back(std::move(record));
  }

  void Fill() {
    for (const std::string name : {"t", "u", "c"}) {
      query_.statements.push_back(
          StrCat("CREATE TABLE ", name, " (id INTEGER, k TEXT, a INTEGER, b INTEGER, s TEXT, f INTEGER, ts INTEGER)"));
    }
    std::vector<Row> changing;
    for (int id = 0; id < kRows; ++id) {
      for (const std::string topic : {"t", "u"}) {
        if (random_.OneIn(4)) continue;
        const Row row = RandomRow(id);
        Put(topic, Json(row));
        query_.statements.push_back(StrCat("INSERT INTO ", topic, " VALUES (", Literals(row), ")"));
      }
      if (random_.OneIn(3)) continue;
      if (!changing.empty() && random_.OneIn(2)) {
        const size_t at = random_.Below(changing.size());
        if (random_.OneIn(3)) {
          Put("c", StrCat(R"({"before":)", Json(changing[at]), R"(,"after":null,"op":"d"})"));
          changing.erase(changing.begin() + static_cast<ptrdiff_t>(at));
        } else {
          const Row row = RandomRow(std::stoi(changing[at][0].second.literal));
          Put("c", StrCat(R"({"before":)", Json(changing[at]), R"(,"after":)", Json(row), R"(,"op":"u"})"));
          changing[at] = row;
        }
      } else {
        changing.push_back(RandomRow(id));
        Put("c", StrCat(R"({"before":null,"after":)", Json(changing.back()), R"(,"op":"c"})"));
      }
    }
    for (const Row& row : changing) query_.statements.push_back(StrCat("INSERT INTO c VALUES (", Literals(row), ")"));
    for (size_t i = 0, block = 0; i < query_.job.input.size(); ++i) {
      if (i > 0 && (query_.job.input[i].topic != query_.job.input[i - 1].topic || random_.OneIn(3))) ++block;
      query_.job.input[i].block = static_cast<int>(block);
    }
  }

  // ---- expressions

  std::optional<std::string> ColumnOf(const Columns& columns, ValueKind kind) {
    std::vector<std::string> fitting;
    for (const Column& column : columns) {
      if (column.kind == kind) fitting.push_back(column.name);
    }
    if (fitting.empty()) return std::nullopt;
    return OneOf(fitting);
  }

  Sql Any(const Columns& columns, ValueKind kind, int depth) {
    switch (kind) {
      case ValueKind::kNumber:
        return Number(columns, depth);
      case ValueKind::kText:
        return Text(columns, depth);
      case ValueKind::kTruth:
        return Truth(columns, depth);
    }
    return {};
  }

  Sql Number(const Columns& columns, int depth) {
    if (depth == 0 || random_.OneIn(3)) {
      const auto column = ColumnOf(columns, ValueKind::kNumber);
      return column && !random_.OneIn(5) ? Sql(*column) : Sql(StrCat(random_.Between(0, 9)));
    }
    const auto n = [&] { return Number(columns, depth - 1); };
    const std::string divisor = StrCat(random_.Between(2, 5));
    switch (random_.Below(11)) {
      case 0:
        return All("(", n(), " + ", n(), ")");
      case 1:
        return All("(", n(), " - ", n(), ")");
      case 2:
        return All("(", n(), " * ", n(), ")");
      case 3:
        return All("(", n(), " / ", divisor, ")");
      case 4: {
        const Sql value = n();
        return Sql(StrCat("MOD(", value.ours, ", ", divisor, ")"), StrCat("(", value.theirs, " % ", divisor, ")"));
      }
      case 5:
        return All("ABS(", n(), ")");
      case 6: {
        const Sql text = Text(columns, depth - 1);
        return Sql(StrCat("CHAR_LENGTH(", text.ours, ")"), StrCat("LENGTH(", text.theirs, ")"));
      }
      case 7:
        return All("COALESCE(", n(), ", ", n(), ")");
      case 8:
        return All("NULLIF(", n(), ", ", n(), ")");
      case 9:
        return All("CASE WHEN ", Truth(columns, depth - 1), " THEN ", n(), " ELSE ", n(), " END");
      default: {
        const Sql x = n(), y = n();
        const bool greatest = random_.OneIn(2);
        return Sql(StrCat(greatest ? "GREATEST(" : "LEAST(", x.ours, ", ", y.ours, ")"),
                   StrCat(greatest ? "MAX(" : "MIN(", x.theirs, ", ", y.theirs, ")"));
      }
    }
  }

  Sql Text(const Columns& columns, int depth) {
    if (depth == 0 || random_.OneIn(3)) {
      const auto column = ColumnOf(columns, ValueKind::kText);
      return column && !random_.OneIn(5) ? Sql(*column) : Sql(StrCat("'", Word(), "'"));
    }
    const auto text = [&] { return Text(columns, depth - 1); };
    switch (random_.Below(8)) {
      case 0:
        return All("UPPER(", text(), ")");
      case 1:
        return All("LOWER(", text(), ")");
      case 2:
        return All("(", text(), " || ", text(), ")");
      case 3:
        return All("COALESCE(", text(), ", ", text(), ")");
      case 4:
        return All("CASE WHEN ", Truth(columns, depth - 1), " THEN ", text(), " ELSE ", text(), " END");
      case 5:
        return All("SUBSTRING(", text(), ", ", StrCat(random_.Between(1, 3)), ", ", StrCat(random_.Between(1, 2)), ")");
      case 6:
        return All("REPLACE(", text(), ", 'b', 'xy')");
      default: {
        const Sql number = Number(columns, depth - 1);
        return Sql(StrCat("CAST(", number.ours, " AS STRING)"), StrCat("CAST(", number.theirs, " AS TEXT)"));
      }
    }
  }

  Sql Truth(const Columns& columns, int depth) {
    const auto column = ColumnOf(columns, ValueKind::kTruth);
    if (column && random_.OneIn(5)) return *column;
    const int inner = depth > 0 ? depth - 1 : 0;
    const auto n = [&] { return Number(columns, inner); };
    const auto text = [&] { return Text(columns, inner); };
    const std::string compare = OneOf<std::string>({" = ", " <> ", " < ", " <= ", " > ", " >= "});
    if (depth > 0 && random_.OneIn(3)) {
      const auto truth = [&] { return Truth(columns, inner); };
      switch (random_.Below(4)) {
        case 0:
          return All("(", truth(), " AND ", truth(), ")");
        case 1:
          return All("(", truth(), " OR ", truth(), ")");
        case 2:
          return All("(NOT ", truth(), ")");
        default:
          return All("(", truth(), OneOf<std::string>({" IS TRUE", " IS NOT TRUE", " IS FALSE", " IS NOT FALSE"}), ")");
      }
    }
    switch (random_.Below(8)) {
      case 0:
      case 1:
        return All("(", n(), compare, n(), ")");
      case 2:
        return All("(", text(), compare, text(), ")");
      case 3:
        return All("(", n(), random_.OneIn(2) ? " IS NULL" : " IS NOT NULL", ")");
      case 4:
        return All("(", n(), random_.OneIn(2) ? " IN (" : " NOT IN (", StrCat(random_.Between(0, 4)), ", ", n(), ")",
                   ")");
      case 5:
        return All("(", n(), random_.OneIn(2) ? " BETWEEN " : " NOT BETWEEN ", n(), " AND ", n(), ")");
      case 6:
        return All("(", text(), random_.OneIn(2) ? " IS DISTINCT FROM " : " IS NOT DISTINCT FROM ", text(), ")");
      default:
        return All("(", text(), random_.OneIn(2) ? " LIKE " : " NOT LIKE ",
                   OneOf<std::string>({"'a%'", "'%b%'", "'_'", "'%'", "'a_'"}), ")");
    }
  }

  // ---- relations

  std::string Alias() { return StrCat("x", aliases_++); }

  Relation Table(bool timed) {
    const std::string name = timed ? OneOf<std::string>({"t", "u"}) : OneOf<std::string>({"t", "u", "c", "c"});
    Relation made{.from = {}, .columns = {}, .unique = {}, .alias = Alias()};
    made.from = All(name, " AS ", made.alias);
    for (const auto& [column, kind] : Columns{{"id", ValueKind::kNumber},
                                              {"k", ValueKind::kText},
                                              {"a", ValueKind::kNumber},
                                              {"b", ValueKind::kNumber},
                                              {"s", ValueKind::kText},
                                              {"f", ValueKind::kTruth}}) {
      made.columns.push_back({StrCat(made.alias, ".", column), kind});
    }
    made.unique = {StrCat(made.alias, ".id")};
    return made;
  }

  Relation SubQuery(int depth) {
    Query query = random_.OneIn(2) ? Grouped(depth - 1) : Plain(depth - 1);
    Relation made;
    const std::string alias = Alias();
    made.from = All("(", query.text, ") AS ", alias);
    for (const Column& column : query.columns) made.columns.push_back({StrCat(alias, ".", column.name), column.kind});
    return made;
  }

  Relation Source(int depth) {
    if (depth == 0 || random_.OneIn(2)) return Table(false);
    return random_.OneIn(2) ? SubQuery(depth) : Joined(depth);
  }

  // An equality of two numbers or two texts, and perhaps more.
  Sql On(const Relation& left, const Relation& right) {
    const ValueKind kind = random_.OneIn(2) ? ValueKind::kText : ValueKind::kNumber;
    std::optional<std::string> x = ColumnOf(left.columns, kind), y = ColumnOf(right.columns, kind);
    if (!x || !y) {
      const ValueKind other = kind == ValueKind::kText ? ValueKind::kNumber : ValueKind::kText;
      x = ColumnOf(left.columns, other);
      y = ColumnOf(right.columns, other);
    }
    Sql on = x && y ? All(*x, " = ", *y) : All(Number(left.columns, 0), " = ", Number(right.columns, 0));
    if (random_.OneIn(3)) on += All(" AND ", Truth(Together(left.columns, right.columns), 1));
    return on;
  }

  static Columns Together(const Columns& left, const Columns& right) {
    Columns all = left;
    all.insert(all.end(), right.begin(), right.end());
    return all;
  }

  Relation Joined(int depth) {
    const Relation left = Source(depth - 1);
    const Relation right = random_.OneIn(3) ? SubQuery(1) : Table(false);
    Relation made;
    made.from = All(left.from, " ", OneOf<std::string>({"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"}), " ",
                    right.from, " ON ", On(left, right));
    made.columns = Together(left.columns, right.columns);
    if (!left.unique.empty() && !right.unique.empty()) {
      made.unique = left.unique;
      made.unique.insert(made.unique.end(), right.unique.begin(), right.unique.end());
    }
    return made;
  }

  Sql Where(const Columns& columns) { return random_.OneIn(2) ? All(" WHERE ", Truth(columns, 2)) : Sql(""); }

  // ---- queries

  // Expressions as c0, c1, ..
  Sql List(const Columns& columns, const std::vector<ValueKind>& kinds, Columns* made) {
    Sql list;
    for (const ValueKind kind : kinds) {
      const std::string name = StrCat("c", made->size());
      list += All(made->empty() ? "" : ", ", Any(columns, kind, 2), " AS ", name);
      made->push_back({name, kind});
    }
    return list;
  }
  std::vector<ValueKind> Kinds(int most) {
    std::vector<ValueKind> kinds(1 + random_.Below(most));
    for (ValueKind& kind : kinds) kind = static_cast<ValueKind>(random_.Below(3));
    return kinds;
  }

  Query PlainOf(const Relation& from, const std::vector<ValueKind>& kinds, bool distinct) {
    Query query;
    query.text = All("SELECT ", distinct ? "DISTINCT " : "", List(from.columns, kinds, &query.columns), " FROM ",
                     from.from, Where(from.columns));
    return query;
  }
  Query Plain(int depth) { return PlainOf(Source(std::max(depth, 0)), Kinds(4), random_.OneIn(4)); }

  struct Call {
    Sql text;
    ValueKind kind;
  };
  Call Aggregate(const Columns& columns, const std::string& over) {
    const bool filtered = over.empty() && random_.OneIn(3);
    const Sql behind = All(filtered ? All(" FILTER (WHERE ", Truth(columns, 1), ")") : Sql(""), over);
    const std::string distinct = over.empty() && random_.OneIn(4) ? "DISTINCT " : "";
    switch (random_.Below(7)) {
      case 0:
        return {All("COUNT(*)", behind), ValueKind::kNumber};
      case 1:
        return {All("COUNT(", distinct, Text(columns, 1), ")", behind), ValueKind::kNumber};
      case 2:
        return {All("SUM(", distinct, Number(columns, 1), ")", behind), ValueKind::kNumber};
      case 3:
        return {All(random_.OneIn(2) ? "MIN(" : "MAX(", Number(columns, 1), ")", behind), ValueKind::kNumber};
      case 4:
        return {All(random_.OneIn(2) ? "MIN(" : "MAX(", Text(columns, 1), ")", behind), ValueKind::kText};
      case 5:
        return {All("COUNT(", Truth(columns, 1), ")", behind), ValueKind::kNumber};
      default: {
        // Of whole numbers the average is whole.
        const auto column = ColumnOf(columns, ValueKind::kNumber);
        const Sql value = column ? Sql(*column) : Sql("1");
        return {
            Sql(StrCat("AVG(", value.ours, ")", behind.ours),
                StrCat("(SUM(", value.theirs, ")", behind.theirs, " / COUNT(", value.theirs, ")", behind.theirs, ")")),
            ValueKind::kNumber};
      }
    }
  }

  // Keys and aggregates; `keys` come first and stand in GROUP BY.
  Query GroupedOf(const Sql& from, const Columns& columns, const std::vector<Column>& keys, const Sql& more_keys) {
    Query query;
    Sql list, by = more_keys;
    for (const Column& key : keys) {
      const std::string name = StrCat("c", query.columns.size());
      list += All(query.columns.empty() ? "" : ", ", key.name, " AS ", name);
      by += All(by.ours.empty() ? "" : ", ", key.name);
      query.columns.push_back({name, key.kind});
    }
    for (uint64_t i = 0, n = 1 + random_.Below(3); i < n; ++i) {
      const Call call = Aggregate(columns, "");
      const std::string name = StrCat("c", query.columns.size());
      list += All(query.columns.empty() ? "" : ", ", call.text, " AS ", name);
      query.columns.push_back({name, call.kind});
    }
    query.text = All("SELECT ", list, " FROM ", from, Where(columns));
    if (!by.ours.empty()) query.text += All(" GROUP BY ", by);
    // A stream without rows has no result, where a database counts 0.
    if (by.ours.empty()) query.text.theirs += " HAVING COUNT(*) > 0";
    if (!by.ours.empty() && random_.OneIn(4)) query.text += All(" HAVING COUNT(*) > ", StrCat(random_.Between(0, 3)));
    return query;
  }

  Query Grouped(int depth) {
    const Relation from = Source(std::max(depth, 0));
    std::vector<Column> keys;
    for (uint64_t i = 0, n = random_.Below(3); i < n; ++i) keys.push_back(OneOf(from.columns));
    return GroupedOf(from.from, from.columns, keys, "");
  }

  Query SetOperation() {
    const std::vector<ValueKind> kinds = Kinds(2);
    const Query left = PlainOf(Source(1), kinds, false), right = PlainOf(Source(0), kinds, false);
    Query query;
    query.columns = left.columns;
    query.text = All(left.text, OneOf<std::string>({" UNION ALL ", " UNION ", " INTERSECT ", " EXCEPT "}), right.text);
    return query;
  }

  Query TopN() {
    const Relation from = random_.OneIn(3) ? Joined(1) : Table(false);
    if (from.unique.empty()) return Plain(1);
    Sql order = All(Number(from.columns, 1), random_.OneIn(2) ? " DESC" : " ASC");
    for (const std::string& column : from.unique) order += All(", ", column);
    Columns inner;
    const Sql list = List(from.columns, Kinds(3), &inner);
    const std::string alias = Alias();
    Query query;
    Sql outer;
    for (const Column& column : inner) {
      outer += All(query.columns.empty() ? "" : ", ", alias, ".", column.name, " AS ", column.name);
      query.columns.push_back(column);
    }
    const bool ranked = random_.OneIn(2);
    if (ranked) {
      outer += All(", ", alias, ".rn AS ", StrCat("c", query.columns.size()));
      query.columns.push_back({StrCat("c", query.columns.size()), ValueKind::kNumber});
    }
    query.text = All("SELECT ", outer, " FROM (SELECT ", list, ", ROW_NUMBER() OVER (PARTITION BY ",
                     OneOf(from.columns).name, " ORDER BY ", order, ") AS rn FROM ", from.from, Where(from.columns),
                     ") AS ", alias, " WHERE ", alias, ".rn <= ", StrCat(random_.Between(1, 3)));
    return query;
  }

  // EXISTS, IN and their opposites.
  Sql Test(const Relation& from) {
    const Relation other = Table(false);
    if (random_.OneIn(2)) {
      return All(random_.OneIn(2) ? "EXISTS" : "NOT EXISTS", " (SELECT 1 FROM ", other.from, " WHERE ", On(from, other),
                 ")");
    }
    const ValueKind kind = random_.OneIn(2) ? ValueKind::kText : ValueKind::kNumber;
    return All("(", Any(from.columns, kind, 0), random_.OneIn(2) ? " IN" : " NOT IN", " (SELECT ",
               *ColumnOf(other.columns, kind), " FROM ", other.from, Where(other.columns), "))");
  }

  // As conditions of WHERE by themselves, or as any other value.
  Query Semi() {
    const Relation from = Table(false);
    Query query;
    Sql list = List(from.columns, Kinds(3), &query.columns);
    if (random_.OneIn(3)) {
      const std::string name = StrCat("c", query.columns.size());
      const Sql test = Test(from);
      list += All(", ", random_.OneIn(3) ? All("CASE WHEN ", test, " THEN TRUE ELSE FALSE END") : test, " AS ", name);
      query.columns.push_back({name, ValueKind::kTruth});
    }
    query.text = All("SELECT ", list, " FROM ", from.from, " WHERE ");
    switch (random_.Below(5)) {
      case 0:
        query.text += All("(", Truth(from.columns, 1), " OR ", Test(from), ")");
        break;
      case 1:
        query.text += All("NOT (", Truth(from.columns, 1), " AND ", Test(from), ")");
        break;
      case 2:
        query.text += All("(", Test(from), OneOf<std::string>({" IS TRUE)", " IS NOT TRUE)", " IS NOT FALSE)"}));
        break;
      default:
        query.text += Test(from);
    }
    if (random_.OneIn(3)) query.text += All(" AND ", Truth(from.columns, 1));
    return query;
  }

  Query Windowed() {
    const std::string table = OneOf<std::string>({"t", "u", "c"}), alias = Alias();
    const int slide = OneOf<int>({5, 10, 15}), pieces = random_.OneIn(2) ? 1 : OneOf<int>({2, 3});
    const std::string ours = pieces == 1 ? StrCat("TABLE(TUMBLE(TABLE ", table, ", DESCRIPTOR(ts), INTERVAL '", slide,
                                                  "' SECOND)) AS ", alias)
                                         : StrCat("TABLE(HOP(TABLE ", table, ", DESCRIPTOR(ts), INTERVAL '", slide,
                                                  "' SECOND, INTERVAL '", slide * pieces, "' SECOND)) AS ", alias);
    std::string offsets = "SELECT 0 AS o";
    for (int i = 1; i < pieces; ++i) StrAppend(&offsets, " UNION ALL SELECT ", i);
    // The base of the times is midnight, which windows of these sizes begin at; their beginning may be before it.
    const std::string theirs = StrCat("(SELECT w.*, ((ts / ", slide * 1000, ") - o) * ", slide, " AS ws FROM ", table,
                                      " AS w JOIN (", offsets, ")) AS ", alias);
    Columns columns;
    for (const Column& column : Columns{{"k", ValueKind::kText},
                                        {"a", ValueKind::kNumber},
                                        {"b", ValueKind::kNumber},
                                        {"s", ValueKind::kText},
                                        {"f", ValueKind::kTruth}}) {
      columns.push_back({StrCat(alias, ".", column.name), column.kind});
    }
    std::vector<Column> keys;
    if (random_.OneIn(2)) keys.push_back(columns[0]);
    Query query = GroupedOf({ours, theirs}, columns, keys, {"window_start, window_end", "ws"});
    const std::string name = StrCat("c", query.columns.size());
    query.text = {StrCat("SELECT q.*, TIMESTAMPDIFF(SECOND, TIMESTAMP '2026-03-01 00:00:00', q.ws) AS ", name,
                         " FROM (", With(query.text.ours, "window_start AS ws"), ") AS q"),
                  StrCat("SELECT q.* FROM (", With(query.text.theirs, StrCat("ws AS ", name)), ") AS q")};
    query.columns.push_back({name, ValueKind::kNumber});
    // q.* has the window's beginning in front, and again behind: only the columns of the list are wanted.
    std::string list;
    for (const Column& column : query.columns)
      StrAppend(&list, list.empty() ? "" : ", ", "r.", column.name, " AS ", column.name);
    query.text = {StrCat("SELECT ", list, " FROM (", query.text.ours, ") AS r"),
                  StrCat("SELECT ", list, " FROM (", query.text.theirs, ") AS r")};
    return query;
  }
  static std::string With(const std::string& query, const std::string& column) {
    return StrCat("SELECT ", column, ", ", query.substr(std::string("SELECT ").size()));
  }

  Query Over() {
    const Relation from = Table(true);
    const int back = static_cast<int>(random_.Between(1, 4));
    Sql frame;
    switch (random_.Below(4)) {
      case 0:
        frame = StrCat("ROWS BETWEEN ", back, " PRECEDING AND CURRENT ROW");
        break;
      case 1:
        frame = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
        break;
      case 2:
        frame = {StrCat("RANGE BETWEEN INTERVAL '", back * 4, "' SECOND PRECEDING AND CURRENT ROW"),
                 StrCat("RANGE BETWEEN ", back * 4000, " PRECEDING AND CURRENT ROW")};
        break;
      default:
        frame = "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
    }
    const Sql by = random_.OneIn(3) ? Sql("") : All("PARTITION BY ", from.alias, ".k ");
    const Sql window = All(" WINDOW w AS (", by, "ORDER BY ", from.alias, ".ts ", frame, ")");
    Query query;
    Sql list = All(from.alias, ".id AS c0");
    query.columns.push_back({"c0", ValueKind::kNumber});
    for (uint64_t i = 0, n = 1 + random_.Below(2); i < n; ++i) {
      const Call call = Aggregate(from.columns, " OVER w");
      const std::string name = StrCat("c", query.columns.size());
      list += All(", ", call.text, " AS ", name);
      query.columns.push_back({name, call.kind});
    }
    query.text = All("SELECT ", list, " FROM ", from.from, Where(from.columns), window);
    return query;
  }

  Query Interval() {
    const Relation left = Table(true), right = Table(true);
    const int before = static_cast<int>(random_.Between(0, 9)), after = static_cast<int>(random_.Between(0, 9));
    const Sql bound = {StrCat(right.alias, ".ts - INTERVAL '", before, "' SECOND AND ", right.alias, ".ts + INTERVAL '",
                              after, "' SECOND"),
                       StrCat(right.alias, ".ts - ", before * 1000, " AND ", right.alias, ".ts + ", after * 1000)};
    Query query;
    query.text =
        All("SELECT ", List(Together(left.columns, right.columns), Kinds(3), &query.columns), " FROM ", left.from, " ",
            OneOf<std::string>({"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"}), " ", right.from, " ON ", left.alias,
            ".k = ", right.alias, ".k AND ", left.alias, ".ts BETWEEN ", bound);
    return query;
  }

  Query Limited() {
    const Relation from = Table(false);
    Query query;
    Columns made;
    query.text = All("SELECT ", from.alias, ".id AS c0, ", Number(from.columns, 1), " AS c1 FROM ", from.from,
                     Where(from.columns), " ORDER BY c1 ", random_.OneIn(2) ? "DESC" : "ASC", ", c0 LIMIT ",
                     StrCat(random_.Between(1, 4)));
    query.columns = {{"c0", ValueKind::kNumber}, {"c1", ValueKind::kNumber}};
    return query;
  }

  Query Any() {
    switch (random_.Below(12)) {
      case 0:
      case 1:
        return Plain(2);
      case 2:
      case 3:
        return Grouped(2);
      case 4:
        return SetOperation();
      case 5:
        return TopN();
      case 6:
        return Semi();
      case 7:
      case 8:
        return Windowed();
      case 9:
        return Over();
      case 10:
        return Interval();
      default:
        return Limited();
    }
  }

  Random& random_;
  RandomQuery query_;
  int aliases_ = 0;
};

}  // namespace

RandomQuery MakeRandomQuery(Random& random) { return Maker(random).Make(); }

}  // namespace leat::stream
