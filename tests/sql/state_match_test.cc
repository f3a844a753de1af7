// Which operator of one script is which of another: what the state of a job has to be found by when its SQL changes.
#include "stream/plan/state_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sql/compile.h"

namespace leat::sql {
namespace {

using plan::StatefulOperator;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kTables[] = R"(
CREATE TABLE clicks (usr STRING, page STRING, ms INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'clicks', 'format' = 'json');
CREATE TABLE users (id STRING, city STRING, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'users', 'key.format' = 'raw', 'value.format' = 'json');
CREATE TABLE counts (usr STRING, n BIGINT, PRIMARY KEY (usr) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'counts', 'key.format' = 'raw', 'value.format' = 'json');
CREATE TABLE marked (usr STRING, n BIGINT, mark STRING, PRIMARY KEY (usr) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'counts', 'key.format' = 'raw', 'value.format' = 'json');
CREATE TABLE pages (page STRING, n BIGINT, PRIMARY KEY (page) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'pages', 'key.format' = 'raw', 'value.format' = 'json');
CREATE TABLE windows (page STRING, s TIMESTAMP(3), n BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'windows', 'format' = 'json');
CREATE TABLE raw_out (usr STRING, page STRING) WITH ('connector' = 'kafka', 'topic' = 'raw', 'format' = 'json');
CREATE TABLE joined (usr STRING, city STRING) WITH ('connector' = 'kafka', 'topic' = 'joined', 'format' = 'debezium-json');
)";
constexpr char kCount[] = "INSERT INTO counts SELECT usr, COUNT(*) FROM clicks GROUP BY usr;";

plan::JobPlan Plan(const std::string& script) {
  const absl::StatusOr<Compiled> compiled = Compile(kTables + script, {});
  EXPECT_TRUE(compiled.ok()) << compiled.status() << "\n" << script;
  return compiled.ok() ? compiled->plan : plan::JobPlan();
}

plan::StateMatch Match(const std::string& before, const std::string& after) {
  return plan::MatchState(plan::OperatorsWithState(Plan(before)), Plan(after));
}

std::vector<std::string> Kinds(const std::vector<StatefulOperator>& operators) {
  std::vector<std::string> kinds;
  for (const StatefulOperator& one : operators) kinds.push_back(one.identity.kind);
  std::sort(kinds.begin(), kinds.end());
  return kinds;
}

std::string Refusal(const plan::StateMatch& match, const std::vector<std::string>& drop = {}) {
  return std::string(Message(plan::CheckMatch(match, drop)));
}

// All of the state is kept, and nothing begins empty.
void ExpectFits(const std::string& before, const std::string& after) {
  const plan::StateMatch match = Match(before, after);
  EXPECT_EQ(Refusal(match), "") << after;
  EXPECT_THAT(Kinds(match.gone), IsEmpty()) << after;
  EXPECT_THAT(Kinds(match.added), IsEmpty()) << after;
  for (const plan::StateMatch::Kept& kept : match.kept) EXPECT_EQ(kept.before.id, kept.after.id);
}

void ExpectDoesNotFit(const std::string& before, const std::string& after, const std::string& why) {
  EXPECT_THAT(Refusal(Match(before, after)), AllOf(HasSubstr(why), HasSubstr("--drop-state"))) << after;
}

TEST(StateMatch, TheSameSqlHasTheSameOperatorsUnderTheSameNumbers) {
  const plan::JobPlan plan = Plan(kCount);
  const std::vector<StatefulOperator> operators = plan::OperatorsWithState(plan);
  EXPECT_THAT(Kinds(operators), ElementsAre("GroupAggregate", "Source"));
  const plan::StateMatch match = plan::MatchState(operators, plan);
  EXPECT_EQ(match.now, operators);
  for (const auto& [before, after] : match.ids) EXPECT_EQ(before, after);
  EXPECT_EQ(Explain(plan::WithIds(plan, match.ids)), Explain(plan));
}

TEST(StateMatch, AnAggregateIsTheSameWhateverIsComputedBehindIt) {
  ExpectFits(kCount, "INSERT INTO marked SELECT usr, COUNT(*), UPPER(usr) FROM clicks GROUP BY usr;");
  ExpectFits(kCount,
             "INSERT INTO counts SELECT usr, n FROM (SELECT usr, COUNT(*) AS n FROM clicks GROUP BY usr) WHERE n > 3;");
  ExpectFits(kCount, "INSERT INTO counts SELECT usr, COUNT(*) * 2 FROM clicks GROUP BY usr HAVING usr <> 'x';");
  ExpectFits(kCount,
             "CREATE VIEW v AS SELECT page AS p, usr AS who FROM clicks; INSERT INTO counts SELECT who, COUNT(*) FROM "
             "v GROUP BY who;");
}

TEST(StateMatch, AnotherInsertDoesNotMoveTheStateOfTheRest) {
  const std::string more =
      "EXECUTE STATEMENT SET BEGIN INSERT INTO raw_out SELECT usr, page FROM clicks;"
      "INSERT INTO pages SELECT page, COUNT(*) FROM clicks GROUP BY page;" +
      std::string(kCount) + "END;";
  const plan::StateMatch match = Match(kCount, more);
  EXPECT_EQ(Refusal(match), "");
  EXPECT_THAT(match.gone, IsEmpty());
  EXPECT_THAT(Kinds(match.added), ElementsAre("GroupAggregate"));
  const std::vector<StatefulOperator> before = plan::OperatorsWithState(Plan(kCount));
  for (const StatefulOperator& one : before)
    EXPECT_THAT(match.now, Contains(::testing::Field(&StatefulOperator::id, one.id)));
  std::vector<int> ids;
  for (const auto& [own, id] : match.ids) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end()) << "every node has a number of its own";
  // And back.
  const plan::StateMatch back = plan::MatchState(match.now, Plan(kCount));
  EXPECT_THAT(Refusal(back), AllOf(HasSubstr("GroupAggregate#"), HasSubstr("clicks.page")));
  EXPECT_EQ(Refusal(back, {match.added.front().Name()}), "");
  EXPECT_EQ(Refusal(back, {"all"}), "");
}

TEST(StateMatch, AnotherFilterBelowKeepsTheStateAndSaysSo) {
  const plan::StateMatch match =
      Match(kCount, "INSERT INTO counts SELECT usr, COUNT(*) FROM clicks WHERE ms > 10 GROUP BY usr;");
  EXPECT_EQ(Refusal(match), "");
  EXPECT_THAT(plan::Explain(match),
              Contains(HasSubstr("it gets other rows from now on: where >(clicks.ms, 10), so far all of them")));
}

TEST(StateMatch, AFilterOfRowsThatAreTakenBackIsAPartOfTheState) {
  const std::string of =
      "INSERT INTO pages SELECT CAST(n AS STRING), COUNT(*) FROM (SELECT usr, COUNT(*) AS n FROM clicks GROUP BY usr) ";
  ExpectFits(of + "GROUP BY n;", of + "GROUP BY n;");
  ExpectDoesNotFit(of + "GROUP BY n;", of + "WHERE n > 3 GROUP BY n;", "input was");
}

TEST(StateMatch, WhichOfTwoThatAreAlikeIsWhichIsNotGuessed) {
  const std::string join = "SELECT c.usr, u.city FROM clicks AS c JOIN users AS u ON c.usr = u.id;";
  const std::string one = "INSERT INTO joined " + join;
  const std::string both =
      "CREATE TABLE more (usr STRING, city STRING) WITH ('connector' = 'kafka', 'topic' = 'more', 'format' = "
      "'debezium-json'); EXECUTE STATEMENT SET BEGIN INSERT INTO more " +
      join + one + "END;";
  EXPECT_EQ(plan::CheckTwins(Match(one, one)), absl::OkStatus());
  for (const auto& [before, after] : {std::pair(one, both), std::pair(both, one), std::pair(both, both)}) {
    EXPECT_THAT(std::string(Message(plan::CheckTwins(Match(before, after)))),
                HasSubstr("Joins that nothing tells apart"))
        << after;
  }
  const auto count = [](int ms) {
    return StrCat("SELECT usr, COUNT(*) FROM clicks WHERE ms > ", ms, " GROUP BY usr;");
  };
  const auto counts = [&](int first, int second) {
    return StrCat("EXECUTE STATEMENT SET BEGIN INSERT INTO counts ", count(first), "INSERT INTO pages ", count(second),
                  "END;");
  };
  EXPECT_EQ(plan::CheckTwins(Match(counts(1, 2), counts(2, 1))), absl::OkStatus()) << "each has its own filter";
  EXPECT_EQ(plan::CheckTwins(Match(counts(1, 2), counts(2, 3))), absl::OkStatus()) << "one of them is another";
  EXPECT_FALSE(plan::CheckTwins(Match(counts(1, 2), counts(3, 4))).ok());
}

TEST(StateMatch, OtherKeysAggregatesAndWindowsAreOtherState) {
  ExpectDoesNotFit(kCount, "INSERT INTO counts SELECT page, COUNT(*) FROM clicks GROUP BY page;",
                   "keys was [clicks.usr STRING], in the new SQL it is [clicks.page STRING]");
  ExpectDoesNotFit(kCount, "INSERT INTO counts SELECT UPPER(usr), COUNT(*) FROM clicks GROUP BY UPPER(usr);",
                   "keys was");
  ExpectDoesNotFit(kCount, "INSERT INTO counts SELECT usr, COUNT(*) + MAX(ms) FROM clicks GROUP BY usr;",
                   "aggregates was [COUNT(*)], in the new SQL it is [COUNT(*), MAX(clicks.ms INT)]");
  ExpectDoesNotFit(kCount, "SET 'table.exec.state.ttl' = '1 h';" + std::string(kCount), "time to live was [nothing]");
  const std::string window =
      "INSERT INTO windows SELECT page, window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), "
      "INTERVAL "
      "'10' SECOND)) GROUP BY page, window_start, window_end;";
  ExpectFits(window, window);
  std::string longer = window;
  longer.replace(longer.find("'10'"), 4, "'60'");
  ExpectDoesNotFit(window, longer, "window was [TUMBLE(");
  ExpectDoesNotFit(kCount, "INSERT INTO raw_out SELECT usr, page FROM clicks;", "the new SQL has no GroupAggregate");
}

TEST(StateMatch, TheLengthOfATimeToLiveMayChange) {
  const std::string hour = "SET 'table.exec.state.ttl' = '1 h';" + std::string(kCount);
  ExpectFits(hour, "SET 'table.exec.state.ttl' = '2 h';" + std::string(kCount));
}

TEST(StateMatch, AJoinKeepsWholeRows) {
  const std::string join = "INSERT INTO joined SELECT c.usr, u.city FROM clicks c JOIN users u ON c.usr = u.id;";
  ExpectFits(join, join);
  ExpectFits(join, "INSERT INTO joined SELECT c.usr, UPPER(u.city) FROM clicks c JOIN users u ON c.usr = u.id;");
  ExpectDoesNotFit(
      join, "INSERT INTO joined SELECT c.usr, u.city || c.page FROM clicks c JOIN users u ON c.usr = u.id;",
      "left columns was [clicks.usr STRING], in the new SQL it is [clicks.usr STRING, clicks.page STRING]");
}

TEST(StateMatch, ATopicIsReadOnFromWhereTheJobIsByWhateverReadsIt) {
  // The new INSERT needs other columns, and so a source of its own.
  const std::string more =
      "EXECUTE STATEMENT SET BEGIN INSERT INTO raw_out SELECT usr, page FROM clicks;" + std::string(kCount) + "END;";
  const plan::StateMatch match = Match(kCount, more);
  EXPECT_EQ(Refusal(match), "");
  EXPECT_THAT(Kinds(match.added), IsEmpty());
  std::vector<std::string> lines = plan::Explain(match);
  EXPECT_THAT(lines, Contains("reads on: topic clicks, from where the job is"));
  size_t sources = 0;
  for (const StatefulOperator& one : match.now) sources += one.identity.is_source();
  EXPECT_EQ(match.forks.size() + 1, sources);
}

TEST(StateMatch, ATableThatIsReadNewlyIsReadFromItsBeginning) {
  const plan::StateMatch match =
      Match(kCount, "EXECUTE STATEMENT SET BEGIN INSERT INTO joined SELECT id, city FROM users;" + std::string(kCount) +
                        "END;");
  EXPECT_EQ(Refusal(match), "");
  EXPECT_THAT(plan::Explain(match), Contains("reads newly: topic users, from where its table says"));
}

TEST(StateMatch, TwoReadersThatBecomeOneAreRefused) {
  const std::string apart =
      "EXECUTE STATEMENT SET BEGIN INSERT INTO raw_out SELECT usr, page FROM clicks /*+ OPTIONS('scan.startup.mode' = "
      "'latest-offset') */;" +
      std::string(kCount) + "END;";
  const std::string together =
      "CREATE VIEW v AS SELECT usr, page FROM clicks; EXECUTE STATEMENT SET BEGIN INSERT INTO raw_out SELECT usr, page "
      "FROM v;"
      "INSERT INTO counts SELECT usr, COUNT(*) FROM v GROUP BY usr; END;";
  EXPECT_THAT(Refusal(Match(apart, together)),
              StartsWith("the new SQL reads topic clicks once where the job has read it 2 times"));
  EXPECT_EQ(Refusal(Match(together, apart)), "") << "one that becomes two begins twice at one place";
}

TEST(StateMatch, ReadersOfOneTopicForOneTableAreToldApartWhenTheirColumnsChange) {
  const std::string again = "clicks /*+ OPTIONS('scan.startup.mode' = 'latest-offset') */";
  const auto both = [&](const std::string& first, const std::string& second) {
    return "EXECUTE STATEMENT SET BEGIN INSERT INTO raw_out SELECT " + first + " FROM clicks;" +
           "INSERT INTO raw_out SELECT " + second + " FROM " + again + "; END;";
  };
  const std::string before = both("usr, usr", "page, page");
  const auto own = [&](const std::string& after) {
    const plan::StateMatch match = Match(before, after);
    EXPECT_EQ(Refusal(match), "") << after;
    EXPECT_THAT(match.forks, IsEmpty()) << after;
    for (const plan::StateMatch::Kept& kept : match.kept) {
      const std::string& columns = kept.before.identity.reads;
      EXPECT_THAT(kept.after.identity.reads, StartsWith(columns.substr(0, columns.find(',')))) << after;
    }
    return match.kept.size();
  };
  EXPECT_EQ(own(both("usr || CAST(ms AS STRING), usr", "page, page")), 2u) << "one of them";
  EXPECT_EQ(own(both("usr || CAST(ms AS STRING), usr", "page, page || CAST(ms AS STRING)")), 2u) << "both";
  EXPECT_EQ(own(both("page, page || CAST(ms AS STRING)", "usr || CAST(ms AS STRING), usr")), 2u) << "in another order";
  EXPECT_THAT(Refusal(Match(before, both("usr, page", "usr || CAST(ms AS STRING), page"))),
              AllOf(HasSubstr("reads topic clicks 2 times"), HasSubstr("Change one of them in an upgrade")));
  EXPECT_THAT(Refusal(Match(before, "INSERT INTO raw_out SELECT usr, page FROM clicks;")),
              StartsWith("the new SQL reads topic clicks once where the job has read it 2 times"));
}

TEST(StateMatch, AnOperatorOverATableOfChangesThatGoesOnIsRefused) {
  const std::string join = "INSERT INTO joined SELECT c.usr, u.city FROM clicks c JOIN users u ON c.usr = u.id;";
  const std::string cities = "INSERT INTO pages SELECT city, COUNT(*) FROM users GROUP BY city;";
  const std::string often =
      "INSERT INTO pages SELECT CAST(n AS STRING), COUNT(*) FROM (SELECT usr, COUNT(*) AS n FROM "
      "clicks GROUP BY usr) GROUP BY n;";
  const auto with = [](const std::string& one, const std::string& other) {
    return StrCat("EXECUTE STATEMENT SET BEGIN ", other, one, "END;");
  };
  EXPECT_THAT(Refusal(Match(join, with(join, cities))),
              AllOf(HasSubstr("GroupAggregate#"), HasSubstr("keys users.city"), HasSubstr("over Normalize#"),
                    HasSubstr("wrong for good"), HasSubstr("a job of its own")));
  EXPECT_THAT(Refusal(Match(kCount, with(kCount, often))), HasSubstr("over GroupAggregate#"));
  EXPECT_THAT(Refusal(Match(with(join, cities), with(join, often))), HasSubstr("--drop-state GroupAggregate#"));
  const std::string values = "CREATE VIEW v AS SELECT * FROM (VALUES ('a', 'x')) AS t (usr, page);";
  const std::string given = "INSERT INTO raw_out SELECT usr, page FROM v;";
  const std::string counted = "INSERT INTO counts SELECT usr, COUNT(*) FROM v GROUP BY usr;";
  EXPECT_THAT(Refusal(Match(values + given, values + with(given, counted))), HasSubstr("over Values#"));
  // What begins with all that is below it is whole, and so is what gets rows that only come.
  ExpectFits(with(join, cities), with(join, cities));
  EXPECT_EQ(Refusal(Match(kCount, with(kCount, cities))), "");
  EXPECT_EQ(Refusal(Match(cities, with(cities, often))), "");
  EXPECT_EQ(Refusal(Match(kCount, with(kCount, "INSERT INTO pages SELECT page, COUNT(*) FROM clicks GROUP BY page;"))),
            "");
}

TEST(StateMatch, ReadersOfOneTopicThatFeedOneOperatorAreToldApart) {
  // Tables with other options are other sources.
  const std::string again = "clicks /*+ OPTIONS('scan.startup.mode' = 'latest-offset') */";
  const std::string join =
      "INSERT INTO joined SELECT a.usr, b.page FROM clicks a JOIN " + again + " b ON a.usr = b.usr AND a.ms > b.ms;";
  const std::string both =
      "INSERT INTO pages SELECT p, COUNT(*) FROM (SELECT page AS p FROM clicks WHERE ms > 1 UNION ALL SELECT usr "
      "FROM " +
      again + ") GROUP BY p;";
  for (const std::string& script : {join, both}) {
    const plan::JobPlan plan = Plan(script);
    const std::vector<StatefulOperator> operators = plan::OperatorsWithState(plan);
    size_t sources = 0;
    for (const StatefulOperator& one : operators) sources += one.identity.is_source() ? 1 : 0;
    EXPECT_EQ(sources, 2u) << "the case is none";
    const plan::StateMatch match = plan::MatchState(operators, plan);
    EXPECT_EQ(match.now, operators);
    EXPECT_THAT(match.merges, IsEmpty());
    EXPECT_THAT(match.forks, IsEmpty());
    EXPECT_THAT(match.gone, IsEmpty());
    // With another INSERT beside it.
    ExpectFits(script,
               "EXECUTE STATEMENT SET BEGIN INSERT INTO raw_out SELECT usr, page FROM clicks;" + script + "END;");
  }
}

TEST(StateMatch, DroppingTakesNamesOfWhatGoes) {
  const plan::StateMatch match = Match(kCount, kCount);
  const std::string name = match.kept.at(match.kept.at(0).after.identity.is_source() ? 1 : 0).after.Name();
  EXPECT_THAT(Refusal(match, {name}), HasSubstr("it keeps its state"));
  EXPECT_THAT(Refusal(match, {"Join#7"}), HasSubstr("the job has no such operator"));
}

// What is on the disks of users: a change of these texts makes all their jobs refuse to start.
TEST(StateMatch, TheTextsOfIdentitiesStayWhatTheyAre) {
  const std::vector<StatefulOperator> operators = plan::OperatorsWithState(
      Plan("INSERT INTO windows SELECT page, window_start, SUM(DISTINCT CAST(ms AS BIGINT)) FILTER (WHERE ms > 3) FROM "
           "TABLE(HOP(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '60' SECOND)) GROUP BY page, "
           "window_start, window_end;"));
  ASSERT_EQ(operators.size(), 2u);
  EXPECT_THAT(operators[0].identity.parts, ElementsAre(std::pair<std::string, std::string>("connector", "kafka"),
                                                       std::pair<std::string, std::string>("topic", "clicks")));
  EXPECT_THAT(
      operators[1].identity.parts,
      ElementsAre(std::pair<std::string, std::string>("input", "clicks"),
                  std::pair<std::string, std::string>("keys", "clicks.page STRING"),
                  std::pair<std::string, std::string>("window", "HOP(clicks.ts TIMESTAMP(3), 60000 ms, 10000 ms)"),
                  std::pair<std::string, std::string>(
                      "aggregates", "SUM(DISTINCT CAST(clicks.ms AS BIGINT) BIGINT) FILTER >(clicks.ms, 3)")));
}

}  // namespace
}  // namespace leat::sql
