#include "base/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leat {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Logging, WritesOneLineToStderrFromTheThresholdOn) {
  InitLogging(LogLevel::kWarning);
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo));
  EXPECT_TRUE(LogEnabled(LogLevel::kError));
  testing::internal::CaptureStderr();
  LogInfo("log", "recovered ", 3, " segments");
  LogWarning("log", "cut ", 17, " bytes of ", std::string_view("orders-0"));
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, EndsWith("log: cut 17 bytes of orders-0\n"));
  EXPECT_THAT(written, Not(HasSubstr("recovered")));
}

TEST(Logging, TakesTextAsItIsEvenWithBracesInIt) {
  testing::internal::CaptureStderr();
  LogError("config", "unknown key {} in {\"a\": 1}");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), EndsWith("config: unknown key {} in {\"a\": 1}\n"));
}

}  // namespace
}  // namespace leat
