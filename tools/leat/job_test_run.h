// Runs one test of a job on the test driver: no broker, no threads, and a clock that only the test moves. Pure.
#pragma once

#include <absl/status/status.h>

#include <string>

#include "tools/leat/job_test_file.h"

namespace leat::tool {

struct TestedJob {
  std::string name;
  std::string sql;
  std::string sql_file, test_file;  // for messages
};

// OK if all went as the test says. Else the first step that did not, "FILE:LINE: ..", with the rows that differ below.
absl::Status RunJobTest(const TestedJob& job, const JobTest& test);

}  // namespace leat::tool
