// The logging facade: structured enough to grep, one line an event. Modules log through these; only logging.cc knows
// the library. Thread-safe.
#pragma once

#include <string_view>

#include "base/strings.h"

namespace leat {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Logs go to stderr (stdout belongs to the program's answers). Call once, before the first thread.
void InitLogging(LogLevel threshold);
bool LogEnabled(LogLevel level);
void LogLine(LogLevel level, std::string_view module, std::string_view text);

// LogInfo("log", "recovered ", topic, " in ", ms, " ms");
#define LEAT_LOG_FUNCTION(Name, level)                              \
  template <typename... Args>                                       \
  void Name(std::string_view module, const Args&... args) {         \
    if (LogEnabled(level)) LogLine(level, module, StrCat(args...)); \
  }
LEAT_LOG_FUNCTION(LogDebug, LogLevel::kDebug)
LEAT_LOG_FUNCTION(LogInfo, LogLevel::kInfo)
LEAT_LOG_FUNCTION(LogWarning, LogLevel::kWarning)
LEAT_LOG_FUNCTION(LogError, LogLevel::kError)
#undef LEAT_LOG_FUNCTION

}  // namespace leat
