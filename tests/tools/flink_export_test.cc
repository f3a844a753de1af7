#include "tools/leat/flink_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/status.h"
#include "tests/support/source_dir.h"

namespace leat::tool {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

std::string Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string Exported(const std::string& sql, FlinkExportOptions options = {}) {
  if (options.job.empty()) options.job = "copy";
  if (options.kafka.empty()) options.kafka = "broker:9092";
  const auto script = ExportToFlink(sql, options);
  return script.ok() ? *script : std::string(Message(script.status()));
}

std::string Copy(const std::string& source, const std::string& sink, const std::string& settings = "") {
  return settings + "CREATE TABLE a (x STRING) WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = 'json'" + source +
         ");\nCREATE TABLE b (x STRING) WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json'" + sink +
         ");\nINSERT INTO b SELECT x FROM a;\n";
}

// LEAT_UPDATE_GOLDEN=1 writes the files: read the difference before committing it.
TEST(FlinkExport, OfTheShippedJobs) {
  const fs::path source = test::SourceDir();
  size_t jobs = 0;
  for (const auto& entry : fs::directory_iterator(source / "config/jobs")) {
    if (entry.path().extension() != ".sql") continue;
    ++jobs;
    const std::string name = entry.path().stem().string();
    const fs::path golden = source / "tests/tools/golden/flink" / (name + ".sql");
    const std::string script = Exported(Read(entry.path()), {.job = name});
    if (std::getenv("LEAT_UPDATE_GOLDEN") != nullptr) std::ofstream(golden, std::ios::binary) << script;
    EXPECT_EQ(script, Read(golden)) << golden;
  }
  EXPECT_GE(jobs, 8u);
}

TEST(FlinkExport, SaysWhatLeatTakesForGranted) {
  const std::string script = Exported(Copy("", ""));
  EXPECT_THAT(script, HasSubstr("SET 'pipeline.name' = 'copy';\n"));
  EXPECT_THAT(script, HasSubstr("SET 'execution.checkpointing.mode' = 'EXACTLY_ONCE';\n"));
  EXPECT_THAT(script, HasSubstr("'topic' = 'a', 'format' = 'json',\n"
                                "  'properties.bootstrap.servers' = 'broker:9092',\n"
                                "  'properties.group.id' = 'copy',\n"
                                "  'properties.isolation.level' = 'read_committed',\n"
                                "  'scan.startup.mode' = 'group-offsets',\n"
                                "  'properties.auto.offset.reset' = 'earliest');\n"));
  EXPECT_THAT(script, HasSubstr("'topic' = 'b', 'format' = 'json',\n"
                                "  'properties.bootstrap.servers' = 'broker:9092',\n"
                                "  'sink.delivery-guarantee' = 'exactly-once',\n"
                                "  'sink.transactional-id-prefix' = 'flink-copy-b',\n"
                                "  'properties.transaction.timeout.ms' = '600000');\n"));
  EXPECT_THAT(script, HasSubstr("it goes to the topic copy-dlq"));
}

TEST(FlinkExport, KeepsWhatTheJobSays) {
  const std::string script =
      Exported(Copy(", 'properties.group.id' = 'g', 'properties.bootstrap.servers' = 'old:1', "
                    "'scan.startup.mode' = 'latest-offset'",
                    ", 'sink.delivery-guarantee' = 'at-least-once'", "SET 'pipeline.name' = 'mine';\n"));
  EXPECT_THAT(script, HasSubstr("'properties.group.id' = 'g', 'properties.bootstrap.servers' = 'broker:9092', "
                                "'scan.startup.mode' = 'latest-offset',\n"));
  EXPECT_THAT(script, Not(HasSubstr("auto.offset.reset")));
  EXPECT_THAT(script, Not(HasSubstr("transactional-id-prefix")));
  EXPECT_THAT(script, Not(HasSubstr("'pipeline.name' = 'copy'")));
}

TEST(FlinkExport, DeliversAsTheJobDoes) {
  const std::string script = Exported(Copy("", "", "SET 'execution.checkpointing.mode' = 'AT_LEAST_ONCE';\n"));
  EXPECT_THAT(script, HasSubstr("'sink.delivery-guarantee' = 'at-least-once'"));
  EXPECT_THAT(script, Not(HasSubstr("EXACTLY_ONCE")));
}

TEST(FlinkExport, SettingsOfLeatAloneBecomeComments) {
  const std::string script =
      Exported(Copy("", "", "/* é */ SET 'leat.late.topic' =\n  'late'; SET 'leat.dead-letter.topic' = 'dead';\n"));
  EXPECT_THAT(script, HasSubstr("/* é */ -- Leat only: SET 'leat.late.topic' =   'late';\n"));
  EXPECT_THAT(script, HasSubstr("-- Leat only: SET 'leat.dead-letter.topic' = 'dead';\nCREATE TABLE a"));
  EXPECT_THAT(script, HasSubstr("-- - Late rows are counted, and not kept. Here they go to the topic late.\n"));
  EXPECT_THAT(script, HasSubstr("it goes to the topic dead, "));
}

TEST(FlinkExport, GoesOnWhereTheJobStoppedAndWritesElsewhere) {
  const std::string script = Exported(Copy(", 'scan.startup.mode' = 'earliest-offset'", ""),
                                      {.start = FlinkExportOptions::Start::kWhereItStopped, .topic_suffix = "-flink"});
  EXPECT_THAT(script, HasSubstr("'scan.startup.mode' = 'group-offsets'"));
  EXPECT_THAT(script, Not(HasSubstr("earliest-offset")));
  EXPECT_THAT(script, HasSubstr("'topic' = 'b-flink'"));
  EXPECT_THAT(script, HasSubstr("'topic' = 'a'"));
  EXPECT_THAT(script, HasSubstr("'properties.group.id' = 'copy'"));
}

TEST(FlinkExport, BesideTheJobHasPositionsOfItsOwn) {
  EXPECT_THAT(Exported(Copy("", ""), {.topic_suffix = "-2"}), HasSubstr("'properties.group.id' = 'copy-2'"));
  EXPECT_THAT(Exported(Copy(", 'properties.group.id' = 'g'", ""), {.topic_suffix = "-2"}),
              HasSubstr("'properties.group.id' = 'g-2'"));
}

TEST(FlinkExport, KnowsWhereAReplayBeganAndWritesTo) {
  const std::string from = "SET 'leat.output.suffix' = '-v2';\nSET 'leat.start.from' = ";
  EXPECT_THAT(Exported(Copy("", "", from + "'earliest';\n")),
              testing::AllOf(HasSubstr("'earliest-offset'"), HasSubstr("'topic' = 'b-v2'")));
  EXPECT_THAT(Exported(Copy(", 'scan.startup.mode' = 'latest-offset'", "", from + "'timestamp 7';\n")),
              testing::AllOf(HasSubstr("'scan.startup.mode' = 'timestamp'"),
                             HasSubstr("'scan.startup.timestamp-millis' = '7'")));
  EXPECT_THAT(Exported(Copy("", "", from + "'offset 7';\n")), HasSubstr("of every partition"));
}

TEST(FlinkExport, SecondInsertsHaveTransactionsOfTheirOwn) {
  const std::string twice = Exported(Copy("", "") + "INSERT INTO b SELECT x FROM a WHERE x <> '';\n");
  EXPECT_THAT(twice,
              HasSubstr("\nINSERT INTO b SELECT x FROM a;\n"
                        "INSERT INTO b /*+ OPTIONS('sink.transactional-id-prefix' = 'flink-copy-b-2') */ SELECT x"));
}

TEST(FlinkExport, RefusesWhatFlinkCannotDo) {
  EXPECT_THAT(
      Exported("CREATE TABLE a (x STRING) WITH ('connector' = 'filesystem', 'path' = '/d', 'format' = 'json');\n"
               "CREATE TABLE b (x STRING) WITH ('connector' = 'print');\nINSERT INTO b SELECT x FROM a;\n"),
      HasSubstr("table a lies in files of the broker's machine"));
  EXPECT_THAT(Exported("CREATE TABLE a (x STRING) WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = 'json');\n"
                       "CREATE TABLE c LIKE a;\n"
                       "CREATE TABLE b (x STRING) WITH ('connector' = 'print');\nINSERT INTO b SELECT x FROM c;\n"),
              HasSubstr("table c has its connector from another table"));
  EXPECT_THAT(Exported("SELECT x FORM t"), HasSubstr("line 1"));
  EXPECT_THAT(Exported("SET 'a' = 'b';"), HasSubstr("INSERT"));
}

}  // namespace
}  // namespace leat::tool
