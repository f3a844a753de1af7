// Tables with the connector filesystem: every line of every file once, and every row in one file that has a name,
// whatever breaks.
#include "stream/run/file_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <set>
#include <thread>

#include "model/record_batch.h"
#include "sql/compile.h"
#include "stream/run/job_runner.h"
#include "tests/stream/run/memory_log_port.h"
#include "tests/support/sim_disk.h"

namespace leat::run {
namespace {

using When = KillableLogPort::When;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kSeed = 20240101;

void WriteFile(sim::SimDisk& disk, const std::string& path, std::string_view bytes) {
  LEAT_CHECK_OK(disk.CreateDirectories(env::ParentPath(path)));
  auto file = disk.Open(path, env::OpenMode::kCreate);
  LEAT_CHECK_OK(file.status());
  LEAT_CHECK_OK((*file)->WriteAt(0, bytes));
  LEAT_CHECK_OK((*file)->Sync());
  LEAT_CHECK_OK(disk.SyncDirectory(env::ParentPath(path)));
}

// Everything that can be read now; a line without a value is "-".
std::vector<std::string> ReadLines(FileReader& reader, int64_t* next, int64_t now_ms) {
  std::vector<std::string> lines;
  while (true) {
    auto batches = reader.Read(*next, now_ms);
    EXPECT_TRUE(batches.ok()) << batches.status();
    if (!batches.ok() || batches->empty()) return lines;
    std::string_view rest = *batches;
    while (!rest.empty()) {
      const auto batch = model::TakeBatch(&rest);
      auto records = model::RecordIterator::Open(*batch, size_t{64} << 20);
      for (model::RecordView record; *records->Next(&record);) {
        EXPECT_EQ(record.offset.value(), *next);
        lines.emplace_back(record.value.value_or("-"));
        ++*next;
      }
    }
  }
}

// What a checkpoint knows after these changes.
KnownFiles Known(const std::vector<state::Change>& changes) {
  std::map<std::string, state::Change> last;
  for (const state::Change& change : changes) last[change.key] = change;
  std::vector<SourcePosition> positions;
  for (const auto& [key, change] : last) {
    if (change.value) positions.push_back(*DecodePosition(key, *change.value));
  }
  return FilesOf(positions)->operator[](7);
}

TEST(FileReader, ReadsTheFilesOfAFolderInOrderAndThenEnds) {
  sim::SimDisk disk(kSeed);
  WriteFile(disk, "/in/b.json", "3\n4");
  WriteFile(disk, "/in/a.json", "1\r\n\n2\n");
  WriteFile(disk, "/in/deep/er/c.json", "5\n");
  WriteFile(disk, "/in/empty", "");
  WriteFile(disk, "/in/.hidden", "x\n");
  WriteFile(disk, "/in/_SUCCESS", "x\n");
  auto reader = FileReader::Open(disk, {.path = "/in"}, {});
  ASSERT_TRUE(reader.ok()) << reader.status();
  int64_t next = 0;
  EXPECT_FALSE((*reader)->end().has_value());
  EXPECT_THAT(ReadLines(**reader, &next, 0), ElementsAre("1", "-", "2", "3", "4", "5"));
  EXPECT_EQ((*reader)->end(), 6);
}

TEST(FileReader, AFileThatIsTheTable) {
  sim::SimDisk disk(kSeed);
  WriteFile(disk, "/in/a.json", "1\n");
  auto reader = FileReader::Open(disk, {.path = "/in/a.json"}, {});
  ASSERT_TRUE(reader.ok()) << reader.status();
  int64_t next = 0;
  EXPECT_THAT(ReadLines(**reader, &next, 0), ElementsAre("1"));
}

TEST(FileReader, APathThatIsNotThereIsAnError) {
  sim::SimDisk disk(kSeed);
  const auto reader = FileReader::Open(disk, {.path = "/nowhere"}, {});
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("/nowhere"));
}

// Wherever a checkpoint falls, the next life reads what it has not counted, and no file that came since.
TEST(FileReader, GoesOnBehindACheckpoint) {
  for (int64_t taken = 0; taken <= 5; ++taken) {
    sim::SimDisk disk(kSeed);
    WriteFile(disk, "/in/a", "1\n2\n");
    WriteFile(disk, "/in/b", "3\n4\n5\n");
    auto first = FileReader::Open(disk, {.path = "/in"}, {});
    int64_t next = 0;
    EXPECT_EQ(ReadLines(**first, &next, 0).size(), 5u);
    std::vector<state::Change> changes;
    (*first)->TakeChanges(7, taken, 0, &changes);
    WriteFile(disk, "/in/c", "6\n");
    auto second = FileReader::Open(disk, {.path = "/in"}, Known(changes));
    ASSERT_TRUE(second.ok()) << second.status();
    next = 0;
    std::vector<std::string> expected = {"1", "2", "3", "4", "5"};
    expected.erase(expected.begin(), expected.begin() + taken);
    EXPECT_EQ(ReadLines(**second, &next, 0), expected) << taken;
  }
}

TEST(FileReader, AWatchedFolderIsLookedAtAgainAndNeverEnds) {
  sim::SimDisk disk(kSeed);
  WriteFile(disk, "/in/a", "1\n");
  const FileTable table{.path = "/in", .monitor_interval_ms = 1000};
  auto reader = FileReader::Open(disk, table, {});
  int64_t next = 0;
  EXPECT_THAT(ReadLines(**reader, &next, 5000), ElementsAre("1"));
  WriteFile(disk, "/in/b", "2\n");
  EXPECT_THAT(ReadLines(**reader, &next, 5500), IsEmpty());
  EXPECT_EQ((*reader)->NextDueMs(), 6000);
  EXPECT_THAT(ReadLines(**reader, &next, 6000), ElementsAre("2"));
  EXPECT_FALSE((*reader)->end().has_value());
  std::vector<state::Change> changes;
  (*reader)->TakeChanges(7, next, 0, &changes);
  WriteFile(disk, "/in/c", "3\n");
  auto second = FileReader::Open(disk, table, Known(changes));
  next = 0;
  EXPECT_THAT(ReadLines(**second, &next, 9000), ElementsAre("3"));
}

TEST(FileReader, AFileThatWasCutShortIsAnError) {
  sim::SimDisk disk(kSeed);
  WriteFile(disk, "/in/a", "1\n");
  auto reader = FileReader::Open(disk, {.path = "/in"}, {.files = {{"/in/a", {FileEntry::kReading, 3}}}});
  const auto read = (*reader)->Read(0, 0);
  EXPECT_TRUE(absl::IsDataLoss(read.status())) << read.status();
}

TEST(FileWriter, ClosesAFileBySizeAndByAgeAndNamesItOnceItIsCommitted) {
  sim::SimDisk disk(kSeed);
  FileWriter writer(disk, {.path = "/out", .roll_bytes = 8, .roll_ms = 1000}, 7, "part-job@7-0-1");
  std::vector<state::Change> changes;
  ASSERT_TRUE(writer.Add("one", 0).ok());
  ASSERT_TRUE(writer.Barrier(false, 10, &changes).ok());
  ASSERT_TRUE(writer.Committed().ok());
  EXPECT_THAT(disk.Files(), ElementsAre("out/.part-job@7-0-1-0.inprogress"));
  EXPECT_EQ(writer.NextDueMs(), 1000);
  ASSERT_TRUE(writer.Add("three", 20).ok());
  ASSERT_TRUE(writer.Barrier(false, 30, &changes).ok());
  EXPECT_THAT(disk.Files(), ElementsAre("out/.part-job@7-0-1-0.inprogress"));  // full, and not committed yet
  ASSERT_TRUE(writer.Committed().ok());
  EXPECT_THAT(disk.Files(), ElementsAre("out/part-job@7-0-1-0"));
  EXPECT_EQ(disk.Content("out/part-job@7-0-1-0"), "one\nthree\n");
  ASSERT_TRUE(writer.Add("4", 100).ok());
  ASSERT_TRUE(writer.Barrier(false, 1100, &changes).ok());
  ASSERT_TRUE(writer.Committed().ok());
  EXPECT_EQ(disk.Content("out/part-job@7-0-1-1"), "4\n");
  EXPECT_EQ(writer.NextDueMs(), -1);
}

TEST(CheckFolders, NamesTheConfigurationsKey) {
  plan::Table table{.name = "t", .options = {{"connector", "filesystem"}, {"path", "/srv/in/x"}, {"format", "json"}}};
  EXPECT_THAT(std::string(CheckFolders(table, {}).message()), HasSubstr("jobs.filesystem_folders"));
  EXPECT_TRUE(CheckFolders(table, {"/data", "/srv/in"}).ok());
  EXPECT_TRUE(CheckFolders(table, {"/srv/in/x"}).ok());
  EXPECT_FALSE(CheckFolders(table, {"/srv/i"}).ok());
  table.options["path"] = "file:///srv/in/../secret";
  EXPECT_FALSE(CheckFolders(table, {"/srv/in"}).ok());
  table.options["path"] = "in/x";
  EXPECT_THAT(std::string(CheckFolders(table, {"/"}).message()), HasSubstr("absolute path"));
}

// --- whole jobs ---

constexpr char kSql[] = R"(
CREATE TABLE lines (id BIGINT, k STRING) WITH ('connector' = 'filesystem', 'path' = '/files/in', 'format' = 'json');
CREATE TABLE copies (id BIGINT, k STRING) WITH ('connector' = 'filesystem', 'path' = '/files/out', 'format' = 'csv',
'sink.rolling-policy.file-size' = '4 kb');
INSERT INTO copies SELECT id, k FROM lines;
)";
constexpr int kLines = 6000;

JobRunner::Spec Spec(env::Disk& disk, const char* sql = kSql, int64_t revision = 1) {
  const absl::StatusOr<sql::Compiled> compiled = sql::Compile(sql, {.check_table = CheckTable});
  LEAT_CHECK(compiled.ok()) << compiled.status().ToString();
  LEAT_CHECK_OK(CheckPlan(compiled->plan));
  JobRunner::Spec spec{.name = "job", .plan = compiled->plan, .revision = revision, .options = {}, .disk = &disk};
  spec.options.parallelism = 1;
  spec.options.checkpoint_interval = absl::Milliseconds(1);
  spec.options.restart_backoff = spec.options.restart_backoff_max = absl::ZeroDuration();
  spec.options.filesystem_folders = {"/files"};
  return spec;
}

void StopAndWait(JobRunner& runner) {
  std::promise<void> stopped;
  runner.Stop([&](const absl::Status&) { stopped.set_value(); });
  stopped.get_future().wait();
}

void MakeInput(sim::SimDisk& disk) {
  for (int file = 0; file < 3; ++file) {
    std::string text;
    for (int i = file * kLines / 3; i < (file + 1) * kLines / 3; ++i)
      StrAppend(&text, R"({"id":)", i, R"(,"k":"x"})", "\n");
    WriteFile(disk, StrCat("/files/in/", file, ".json"), text);
  }
}

// The lines of files that have a name; none else may be left.
std::multiset<std::string> Output(sim::SimDisk& disk) {
  std::multiset<std::string> lines;
  for (const std::string& path : disk.Files()) {
    if (!path.starts_with("files/out/")) continue;
    EXPECT_TRUE(path.starts_with("files/out/part-job@")) << path;
    const std::string content = disk.Content(path);
    size_t from = 0;
    for (size_t end = content.find('\n'); end != std::string::npos; end = content.find('\n', from)) {
      lines.insert(content.substr(from, end - from));
      from = end + 1;
    }
    EXPECT_EQ(from, content.size()) << path << " ends within a line";
  }
  return lines;
}

std::multiset<std::string> Expected() {
  std::multiset<std::string> lines;
  for (int i = 0; i < kLines; ++i) lines.insert(StrCat(i, ",x"));
  return lines;
}

void RunToTheEnd(JobRunner& runner) {
  while (runner.Status().state != State::kFinished && runner.Status().state != State::kFailed) {
    std::this_thread::yield();
  }
  EXPECT_EQ(runner.Status().state, State::kFinished) << runner.Status().error;
  StopAndWait(runner);
}

TEST(FilesystemJob, CopiesEveryLineAndFinishes) {
  sim::SimDisk disk(kSeed);
  MakeInput(disk);
  MemoryLogPort port;
  auto runner = JobRunner::Start(Spec(disk), port, env::NullMetrics());
  RunToTheEnd(*runner);
  EXPECT_EQ(Output(disk), Expected());
}

// A life that is cut off between any two steps, with the power: what is not on the disk is lost. The next goes on.
TEST(FilesystemJob, EveryLineOnceWhereverTheProcessDies) {
  for (const char* kind : {"open", "add", "changelog", "end", "settle"}) {
    for (const When when : {When::kBefore, When::kAfter}) {
      for (const int nth : {1, 2, 3}) {
        SCOPED_TRACE(StrCat(kind, when == When::kBefore ? " before " : " after ", nth));
        sim::SimDisk disk(kSeed);
        MakeInput(disk);
        MemoryLogPort port;
        for (int lives = 0; lives < 2; ++lives) {
          KillableLogPort life(port);
          life.KillAt(kind, when, nth);
          auto runner = JobRunner::Start(Spec(disk), life, env::NullMetrics());
          // A call may come less often than that: then the life goes to the end of the input.
          while (!life.dead() && runner->Status().state != State::kFinished) std::this_thread::yield();
          life.Kill();
          StopAndWait(*runner);
          runner.reset();
          disk.PowerCut();
        }
        auto runner = JobRunner::Start(Spec(disk), port, env::NullMetrics());
        RunToTheEnd(*runner);
        ASSERT_EQ(Output(disk), Expected());
      }
    }
  }
}

constexpr char kWithFiles[] = R"(
CREATE TABLE lines (id BIGINT, k STRING) WITH ('connector' = 'filesystem', 'path' = '/files/in', 'format' = 'json',
'source.monitor-interval' = '1 h');
CREATE TABLE copies (id BIGINT, k STRING) WITH ('connector' = 'filesystem', 'path' = '/files/out', 'format' = 'csv');
CREATE TABLE ids (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'ids', 'format' = 'json');
EXECUTE STATEMENT SET BEGIN
INSERT INTO ids SELECT id FROM lines;
INSERT INTO copies SELECT id, k FROM lines;
END;
)";
constexpr char kWithoutFiles[] = R"(
CREATE TABLE lines (id BIGINT, k STRING) WITH ('connector' = 'filesystem', 'path' = '/files/in', 'format' = 'json',
'source.monitor-interval' = '1 h');
CREATE TABLE ids (id BIGINT) WITH ('connector' = 'kafka', 'topic' = 'ids', 'format' = 'json');
INSERT INTO ids SELECT id FROM lines;
)";

void RunToACheckpoint(JobRunner::Spec spec, LogPort& port) {
  const int64_t revision = spec.revision;
  auto runner = JobRunner::Start(std::move(spec), port, env::NullMetrics());
  while (runner->Status().rows_in < kLines || runner->Status().state_revision != revision) {
    ASSERT_NE(runner->Status().state, State::kFailed) << runner->Status().error;
    std::this_thread::yield();
  }
  StopAndWait(*runner);
}

// The rows of a file that was being written are committed: they stay when its INSERT goes, and also if the job comes
// back to it before that was committed.
TEST(UpgradeJobs, WhatASinkThatGoesHasWrittenGetsItsName) {
  for (const char* kind : {"none", "open", "changelog", "end", "settle"}) {
    for (const When when : {When::kBefore, When::kAfter}) {
      for (const bool back : {false, true}) {
        SCOPED_TRACE(StrCat(kind, when == When::kBefore ? " before" : " after", back ? " and back" : ""));
        sim::SimDisk disk(kSeed);
        MakeInput(disk);
        MemoryLogPort port;
        RunToACheckpoint(Spec(disk, kWithFiles), port);
        const std::vector<std::string> files = disk.Files();
        ASSERT_TRUE(std::any_of(files.begin(), files.end(), [](const std::string& path) {
          return path.ends_with(".inprogress");
        })) << "the case is none";
        if (kind != std::string_view("none")) {
          KillableLogPort life(port);
          life.KillAt(kind, when, 1);
          auto runner = JobRunner::Start(Spec(disk, kWithoutFiles, 2), life, env::NullMetrics());
          // A job without topics to read settles nothing.
          while (!life.dead() && runner->Status().state_revision != 2) std::this_thread::yield();
          life.Kill();
          StopAndWait(*runner);
          runner.reset();
          disk.PowerCut();
        }
        if (back) {
          RunToACheckpoint(Spec(disk, kWithFiles, 3), port);
          RunToACheckpoint(Spec(disk, kWithoutFiles, 4), port);
        } else {
          RunToACheckpoint(Spec(disk, kWithoutFiles, 2), port);
        }
        RunToACheckpoint(Spec(disk, kWithoutFiles, back ? 4 : 2), port);
        ASSERT_EQ(Output(disk), Expected());
        EXPECT_EQ(port.Read("ids").size(), size_t{kLines});
      }
    }
  }
}

TEST(UpgradeJobs, FilesOfASinkThatGoesAndWereTakenAwayStopNothing) {
  sim::SimDisk disk(kSeed);
  MakeInput(disk);
  MemoryLogPort port;
  RunToACheckpoint(Spec(disk, kWithFiles), port);
  for (const std::string& path : disk.Files()) {
    if (path.starts_with("files/out/")) LEAT_CHECK_OK(disk.Remove(StrCat("/", path)));
  }
  RunToACheckpoint(Spec(disk, kWithoutFiles, 2), port);
  EXPECT_THAT(Output(disk), IsEmpty());
}

TEST(FilesystemJob, IsRefusedOutsideOfTheFolders) {
  sim::SimDisk disk(kSeed);
  JobRunner::Spec spec = Spec(disk);
  spec.options.filesystem_folders = {"/other"};
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckFiles(spec.plan, spec.options)));
}

}  // namespace
}  // namespace leat::run
