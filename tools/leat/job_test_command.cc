#include "tools/leat/job_test_command.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <filesystem>

#include "base/status.h"
#include "tools/leat/job_test_run.h"
#include "tools/leat/text_file.h"

namespace leat::tool {

namespace {

namespace json = boost::json;
using std::filesystem::path;

constexpr std::string_view kSuffix = ".test.yaml";

struct TestOptions {
  std::vector<std::string> files;
};

struct Counts {
  uint64_t passed = 0;
  uint64_t failed = 0;
};

// fraud.sql and fraud.test.yaml, whichever was named.
absl::StatusOr<std::pair<path, path>> FilesOf(const std::string& named) {
  path tests = named;
  if (named.ends_with(".sql")) {
    tests.replace_extension();
    tests += kSuffix;
  } else if (!named.ends_with(kSuffix)) {
    return InvalidArgument(named, ": expected NAME.sql, or its tests in NAME", kSuffix);
  }
  std::string stem = tests.string();
  stem.resize(stem.size() - kSuffix.size());
  return std::pair<path, path>(path(stem + ".sql"), tests);
}

std::string Indented(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    StrAppend(&out, "      ", line, "\n");
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return out;
}

absl::Status TestOne(Context* context, const std::string& named, json::array* list, Counts* counts) {
  LEAT_ASSIGN_OR_RETURN(auto files, FilesOf(named));
  auto& [sql_path, tests_path] = files;
  LEAT_ASSIGN_OR_RETURN(const std::string text, ReadText(tests_path.string()));
  LEAT_ASSIGN_OR_RETURN(const JobTestFile file, ParseJobTestFile(tests_path.string(), text));
  if (!file.sql.empty()) sql_path = tests_path.parent_path() / file.sql;
  TestedJob job{.name = sql_path.stem().string(),
                .sql_file = sql_path.filename().string(),
                .test_file = tests_path.filename().string()};
  LEAT_ASSIGN_OR_RETURN(job.sql, ReadText(sql_path.string()));
  if (!context->json()) Print(StrCat(tests_path.string(), "\n"));
  for (const JobTest& test : file.tests) {
    const absl::Status status = RunJobTest(job, test);
    ++(status.ok() ? counts->passed : counts->failed);
    const std::string why(Message(status));
    if (context->json()) {
      list->push_back({{"file", tests_path.string()},
                       {"test", test.name},
                       {"passed", status.ok()},
                       {"error", status.ok() ? json::value(nullptr) : json::value(why)}});
    } else {
      Print(StrCat(status.ok() ? "  ok    " : "  FAIL  ", test.name, "\n", Indented(why)));
    }
  }
  return absl::OkStatus();
}

absl::Status Test(Context* context, const TestOptions& options) {
  json::array list;
  Counts counts;
  for (const std::string& file : options.files) LEAT_RETURN_IF_ERROR(TestOne(context, file, &list, &counts));
  if (context->json()) {
    PrintJson(list);
  } else {
    Print(StrCat(counts.passed, " passed, ", counts.failed, " failed\n"));
  }
  if (counts.failed > 0) return FailedPrecondition(counts.failed, " test(s) failed");
  return absl::OkStatus();
}

}  // namespace

void AddJobTestCommand(CLI::App* group, Context* context) {
  CLI::App* command =
      AddCommand(group, {.name = "test",
                         .description = "Run a job's own tests, rows in and rows expected, without a broker",
                         .examples = "  leat job test fraud.sql\n  leat job test config/jobs/*.sql"});
  auto options = std::make_shared<TestOptions>();
  command->add_option("file", options->files, "the SQL, whose tests stand beside it in NAME.test.yaml")->required();
  command->callback([=] { context->command = [=] { return Test(context, *options); }; });
}

}  // namespace leat::tool
