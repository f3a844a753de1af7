#include "stream/run/job_log.h"

#include <algorithm>

#include "base/strings.h"

namespace leat::run {
namespace {

constexpr size_t kLines = 200;  // of either kind
constexpr size_t kMaxLineBytes = 2000;

// Not in the middle of a UTF-8 character.
void Cut(std::string* text) {
  if (text->size() <= kMaxLineBytes) return;
  size_t end = kMaxLineBytes;
  while (end > 0 && (static_cast<unsigned char>((*text)[end]) & 0xc0) == 0x80) --end;
  const size_t lost = text->size() - end;
  text->resize(end);
  StrAppend(text, "... (", lost, " bytes more)");
}

}  // namespace

void JobLog::AddLocked(int64_t wall_ms, std::string text, std::deque<Line>* to) {
  Cut(&text);
  to->push_back({next_number_++, wall_ms, std::move(text)});
  if (to->size() > kLines) to->pop_front();
}

void JobLog::Say(int64_t wall_ms, std::string line) {
  const std::lock_guard<std::mutex> lock(mutex_);
  AddLocked(wall_ms, std::move(line), &said_);
}

void JobLog::Print(int64_t wall_ms, std::vector<std::string> rows) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (std::string& row : rows) AddLocked(wall_ms, std::move(row), &printed_);
}

JobLog::Lines JobLog::Show() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<const Line*> all;
  for (const Line& line : said_) all.push_back(&line);
  for (const Line& line : printed_) all.push_back(&line);
  std::sort(all.begin(), all.end(), [](const Line* a, const Line* b) { return a->number < b->number; });
  Lines lines;
  for (const Line* line : all) lines.emplace_back(line->wall_ms, line->text);
  return lines;
}

}  // namespace leat::run
