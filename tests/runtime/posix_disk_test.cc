#include "runtime/posix_disk.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "tests/runtime/temp_directory.h"

namespace leat::runtime {
namespace {

using env::OpenMode;
using testing::ElementsAre;
using testing::HasSubstr;

class PosixDiskTest : public testing::Test {
 protected:
  std::unique_ptr<env::File> Create(const std::string& name) {
    auto file = disk_.Open(directory_.Path(name), OpenMode::kCreate);
    EXPECT_TRUE(file.ok()) << file.status().ToString();
    return *std::move(file);
  }
  TempDirectory directory_;
  PosixDisk disk_;
};

TEST_F(PosixDiskTest, ReadsBackWhatWasWrittenAtAnOffset) {
  const auto file = Create("a");
  ASSERT_TRUE(file->WriteAt(3, "hello").ok());
  char buffer[16] = {};
  const auto n = file->ReadAt(3, buffer, sizeof(buffer));
  ASSERT_TRUE(n.ok());
  EXPECT_EQ(std::string_view(buffer, *n), "hello");
  EXPECT_EQ(*file->Size(), 8u);
}

TEST_F(PosixDiskTest, ReadsNothingPastTheEnd) {
  const auto file = Create("a");
  ASSERT_TRUE(file->WriteAt(0, "abc").ok());
  char buffer[4];
  EXPECT_EQ(*file->ReadAt(3, buffer, 4), 0u);
  EXPECT_EQ(*file->ReadAt(1, buffer, 4), 2u);
}

TEST_F(PosixDiskTest, TruncatesAndSyncs) {
  const auto file = Create("a");
  ASSERT_TRUE(file->WriteAt(0, "abcdef").ok());
  ASSERT_TRUE(file->Truncate(2).ok());
  EXPECT_TRUE(file->Sync().ok());
  EXPECT_EQ(*file->Size(), 2u);
}

TEST_F(PosixDiskTest, WritesMoreThanOneSystemCallTakes) {
  const auto file = Create("a");
  const std::string bytes(3 << 20, 'x');
  ASSERT_TRUE(file->WriteAt(0, bytes).ok());
  EXPECT_EQ(*env::ReadWholeFile(disk_, directory_.Path("a")), bytes);
}

TEST_F(PosixDiskTest, OpeningAMissingFileIsNotFound) {
  const auto file = disk_.Open(directory_.Path("missing"), OpenMode::kReadWrite);
  EXPECT_EQ(file.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Message(file.status())), HasSubstr("missing: No such file"));
}

TEST_F(PosixDiskTest, WritingToAFileOpenedForReadingIsRefused) {
  Create("a");
  const auto file = disk_.Open(directory_.Path("a"), OpenMode::kRead);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->WriteAt(0, "x").code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(PosixDiskTest, AFullDeviceIsResourceExhausted) {
  const auto file = disk_.Open("/dev/full", OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->WriteAt(0, "x").code(), absl::StatusCode::kResourceExhausted);
}

TEST(ErrnoStatus, MapsToTheCodesOfThePort) {
  EXPECT_EQ(ErrnoStatus(EIO, "fdatasync", "f").code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(ErrnoStatus(EDQUOT, "pwrite", "f").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrnoStatus(EEXIST, "mkdir", "f").code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ErrnoStatus(EACCES, "open", "f").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(ErrnoStatus(EACCES, "open", "f")), "open f: Permission denied");
}

TEST_F(PosixDiskTest, CreatesDirectoriesWithParentsAndAcceptsExistingOnes) {
  ASSERT_TRUE(disk_.CreateDirectories(directory_.Path("a/b/c")).ok());
  EXPECT_TRUE(disk_.CreateDirectories(directory_.Path("a/b/c/")).ok());
  EXPECT_TRUE(*disk_.Exists(directory_.Path("a/b/c")));
}

TEST_F(PosixDiskTest, CreatesNoDirectoryBelowAFile) {
  Create("a");
  const absl::Status status = disk_.CreateDirectories(directory_.Path("a/b"));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status.ToString();
}

TEST_F(PosixDiskTest, CreatesRelativeDirectories) {
  ASSERT_EQ(chdir(directory_.path().c_str()), 0);
  EXPECT_TRUE(disk_.CreateDirectories("leat-data/topics").ok());
  EXPECT_TRUE(disk_.CreateDirectories("./leat-data/other").ok());
  EXPECT_THAT(*disk_.List(directory_.Path("leat-data")), ElementsAre("other", "topics"));
}

TEST_F(PosixDiskTest, ListsNamesSorted) {
  for (const char* name : {"b", "c", "a"}) Create(name);
  EXPECT_THAT(*disk_.List(directory_.path()), ElementsAre("a", "b", "c"));
  EXPECT_EQ(disk_.List(directory_.Path("missing")).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(PosixDiskTest, RenameReplacesItsTarget) {
  ASSERT_TRUE(Create("from")->WriteAt(0, "new").ok());
  ASSERT_TRUE(Create("to")->WriteAt(0, "older").ok());
  ASSERT_TRUE(disk_.Rename(directory_.Path("from"), directory_.Path("to")).ok());
  EXPECT_EQ(*env::ReadWholeFile(disk_, directory_.Path("to")), "new");
  EXPECT_FALSE(*disk_.Exists(directory_.Path("from")));
}

TEST_F(PosixDiskTest, RemovesFilesAndOnlyEmptyDirectories) {
  ASSERT_TRUE(disk_.CreateDirectories(directory_.Path("d")).ok());
  Create("d/file");
  EXPECT_EQ(disk_.Remove(directory_.Path("d")).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(env::RemoveRecursively(disk_, directory_.Path("d")).ok());
  EXPECT_FALSE(*disk_.Exists(directory_.Path("d")));
  EXPECT_EQ(disk_.Remove(directory_.Path("d")).code(), absl::StatusCode::kNotFound);
}

TEST_F(PosixDiskTest, WritesAFileAtomically) {
  ASSERT_TRUE(env::WriteFileAtomically(disk_, directory_.Path("f"), "one").ok());
  ASSERT_TRUE(env::WriteFileAtomically(disk_, directory_.Path("f"), "two").ok());
  EXPECT_EQ(*env::ReadWholeFile(disk_, directory_.Path("f")), "two");
  EXPECT_THAT(*disk_.List(directory_.path()), ElementsAre("f"));
}

TEST_F(PosixDiskTest, WritesManyPiecesOneBehindTheOther) {
  const auto file = Create("f");
  std::vector<std::string> texts;
  std::string all = "head";
  for (size_t i = 0; i < 200; ++i)
    all += texts.emplace_back(i % 7 == 0 ? "" : std::string(i, static_cast<char>('a' + i % 26)));
  ASSERT_TRUE(file->WriteAt(0, "head").ok());
  const std::vector<std::string_view> pieces(texts.begin(), texts.end());
  ASSERT_TRUE(file->WritePiecesAt(4, pieces).ok());
  ASSERT_TRUE(file->WritePiecesAt(2, {}).ok());
  EXPECT_EQ(env::ReadWholeFile(disk_, directory_.Path("f")).value(), all);
}

TEST_F(PosixDiskTest, RoomThatIsReservedIsNotPartOfTheFileAndIsGivenBack) {
  const std::string path = env::JoinPath(directory_.path(), "f");
  const auto file = disk_.Open(path, env::OpenMode::kCreate);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->WriteAt(0, "abc").ok());
  const auto blocks = [&] {
    struct stat info = {};
    EXPECT_EQ(stat(path.c_str(), &info), 0);
    return info.st_blocks;
  };
  if (!(*file)->Reserve(3, 1 << 20)) GTEST_SKIP() << "this file system cannot";
  EXPECT_EQ((*file)->Size().value(), 3u);
  EXPECT_GE(blocks() * 512, 1 << 20);
  ASSERT_TRUE((*file)->WriteAt(3, "def").ok());
  EXPECT_EQ((*file)->Size().value(), 6u);
  ASSERT_TRUE((*file)->Truncate(6).ok());
  EXPECT_LT(blocks() * 512, 1 << 20);
  EXPECT_EQ(env::ReadWholeFile(disk_, path).value(), "abcdef");
}

TEST_F(PosixDiskTest, TheSecondHolderOfADirectoryIsToldThePidOfTheFirst) {
  const auto first = disk_.LockDirectory(directory_.path());
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  const auto second = disk_.LockDirectory(directory_.path());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(Message(second.status())), HasSubstr(StrCat("process ", getpid(), ";")));
}

TEST_F(PosixDiskTest, ADirectoryCanBeLockedAgainWhenGivenBack) {
  ASSERT_TRUE(disk_.LockDirectory(directory_.path()).ok());  // given back at once
  EXPECT_TRUE(disk_.LockDirectory(directory_.path()).ok());
}

TEST_F(PosixDiskTest, ALockDiesWithItsProcess) {
  int to_parent[2];
  ASSERT_EQ(pipe(to_parent), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = disk_.LockDirectory(directory_.path());
    const char result = lock.ok() ? '1' : '0';
    if (write(to_parent[1], &result, 1) != 1) _exit(1);
    pause();
  }
  char locked = 0;
  ASSERT_EQ(read(to_parent[0], &locked, 1), 1);
  EXPECT_EQ(locked, '1');
  const auto refused = disk_.LockDirectory(directory_.path());
  EXPECT_THAT(std::string(Message(refused.status())), HasSubstr(StrCat("process ", child, ";")));
  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(disk_.LockDirectory(directory_.path()).ok());
  close(to_parent[0]);
  close(to_parent[1]);
}

}  // namespace
}  // namespace leat::runtime
