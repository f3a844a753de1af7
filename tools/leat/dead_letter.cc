#include "tools/leat/dead_letter.h"

#include <absl/strings/numbers.h>

#include <algorithm>

#include "base/status.h"
#include "sql/parse.h"

namespace leat::tool {

namespace {

constexpr std::string_view kOurs = "leat.";
constexpr std::string_view kAttempt = "leat.attempt";
constexpr int32_t kMostDoublings = 20;
constexpr int64_t kLongestPauseMs = int64_t{365} * 86'400'000;

template <typename Number>
Number NumberOr(std::string_view text, Number fallback) {
  Number number{};
  return absl::SimpleAtoi(ToAbsl(text), &number) && number >= 0 ? number : fallback;
}

int32_t AttemptIn(const client::Headers& headers) {
  int32_t attempt = 0;
  for (const auto& [name, value] : headers) {
    if (name == kAttempt) attempt = NumberOr<int32_t>(value.value_or(""), 0);
  }
  return attempt;
}

// Another record may stand there now, in a topic that was deleted and made again.
bool IsRecordOf(const DeadLetter& letter, const client::ConsumerRecord& found) {
  if (!letter.HoldsRecord()) return true;
  return found.key == letter.key && found.value == letter.value;
}

}  // namespace

bool DeadLetter::HoldsRecord() const {
  return !whole_bytes && (step.starts_with("decode ") || step.starts_with("columns of "));
}

DeadLetter ParseDeadLetter(const client::ConsumerRecord& record) {
  DeadLetter letter{.offset = record.offset,
                    .time_ms = record.timestamp_ms,
                    .attempt = AttemptIn(record.headers),
                    .key = record.key,
                    .value = record.value};
  RecordOrigin origin;
  for (const auto& [name, value] : record.headers) {
    const std::string text = value.value_or("");
    if (name == "leat.reason") {
      letter.reason = text;
    } else if (name == "leat.operator") {
      letter.step = text;
    } else if (name == "leat.job") {
      letter.job = text;
    } else if (name == "leat.topic") {
      origin.partition.topic = text;
    } else if (name == "leat.partition") {
      origin.partition.partition = NumberOr<int32_t>(text, 0);
    } else if (name == "leat.offset") {
      origin.offset = NumberOr<int64_t>(text, -1);
    } else if (name == "leat.truncated") {
      letter.whole_bytes = NumberOr<int64_t>(text, 0);
    } else if (!name.starts_with(kOurs)) {
      letter.headers.emplace_back(name, value);
    }
  }
  if (!origin.partition.topic.empty() && origin.offset >= 0) letter.origin = origin;
  return letter;
}

int64_t DueMillis(const DeadLetter& letter, int64_t backoff_ms) {
  return letter.time_ms + (std::min(backoff_ms, kLongestPauseMs) << std::min(letter.attempt, kMostDoublings));
}

int32_t AttemptsSoFar(const DeadLetter& letter, const client::ConsumerRecord* found) {
  if (found == nullptr || !IsRecordOf(letter, *found)) return letter.attempt;
  return std::max(letter.attempt, AttemptIn(found->headers));
}

std::optional<client::Record> RecordToRetry(const DeadLetter& letter, const client::ConsumerRecord* found) {
  if (!letter.origin) return std::nullopt;
  client::Record record{.topic = letter.origin->partition.topic, .partition = letter.origin->partition.partition};
  if (found != nullptr && IsRecordOf(letter, *found)) {
    record.key = found->key;
    record.value = found->value;
    record.timestamp_ms = found->timestamp_ms;
    for (const auto& header : found->headers) {
      if (header.first != kAttempt) record.headers.push_back(header);
    }
  } else if (letter.HoldsRecord()) {
    record.key = letter.key;
    record.value = letter.value;
    record.headers = letter.headers;
  } else {
    return std::nullopt;
  }
  record.headers.emplace_back(kAttempt, StrCat(AttemptsSoFar(letter, found) + 1));
  return record;
}

std::optional<std::string> SettingOf(std::string_view script, std::string_view key) {
  const auto statements = sql::Parse(script, sql::Diagnostics(script));
  std::optional<std::string> value;
  if (!statements.ok()) return value;
  for (const sql::Statement& statement : *statements) {
    if (statement.kind == sql::Statement::Kind::kReset && (!statement.key || statement.key->text == key)) value.reset();
    if (statement.kind == sql::Statement::Kind::kSet && statement.key && statement.key->text == key) {
      value = statement.value.text;
    }
  }
  return value;
}

}  // namespace leat::tool
