// LEAT_CHECK: an invariant of ours that must hold, in every build. A broken one ends the process with file, line and
// message: going on would write wrong bytes. Never for input: damaged bytes and bad requests are a Status.
#pragma once

#include <sstream>
#include <string>

namespace leat::internal {

// Collects the message and aborts in its destructor.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  CheckFailure(const CheckFailure&) = delete;
  CheckFailure& operator=(const CheckFailure&) = delete;
  [[noreturn]] ~CheckFailure();
  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

struct Voidify {
  void operator&(std::ostream&) const {}
};

}  // namespace leat::internal

#define LEAT_CHECK(condition)          \
  (__builtin_expect(!!(condition), 1)) \
      ? (void)0                        \
      : ::leat::internal::Voidify() & ::leat::internal::CheckFailure(__FILE__, __LINE__, #condition).stream()

#define LEAT_CHECK_OK(expression)                                       \
  do {                                                                  \
    const auto leat_check_status = (expression);                        \
    LEAT_CHECK(leat_check_status.ok()) << leat_check_status.ToString(); \
  } while (false)
