#include "sql/diagnostics.h"

namespace leat::sql {

namespace {

constexpr size_t kMaxShownColumns = 160;

std::string_view LineOf(std::string_view script, int line) {
  for (int i = 1; i < line; ++i) {
    const size_t end = script.find('\n');
    if (end == std::string_view::npos) return {};
    script.remove_prefix(end + 1);
  }
  std::string_view found = script.substr(0, script.find('\n'));
  if (found.ends_with('\r')) found.remove_suffix(1);
  return found;
}

bool StartsCodePoint(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

}  // namespace

std::string Diagnostics::Render(Position at, std::string_view message) const {
  if (at.line <= 0) return std::string(message);
  std::string text = StrCat("line ", at.line, ", column ", at.column, ": ", message, "\n  ");
  std::string caret;
  size_t column = 0;
  // A long line is shown from a little before the column.
  const size_t target = static_cast<size_t>(at.column);
  const size_t first = target > kMaxShownColumns ? target - kMaxShownColumns / 2 : 1;
  for (const char c : LineOf(script_, at.line)) {
    if (StartsCodePoint(c)) ++column;
    if (column < first || column >= first + kMaxShownColumns) continue;
    text += c;
    if (StartsCodePoint(c) && column < target) caret += c == '\t' ? '\t' : ' ';
  }
  return StrCat(text, "\n  ", caret, "^");
}

absl::Status Diagnostics::Unsupported(Position at, std::string_view what) const {
  return absl::UnimplementedError(ToAbsl(Render(at, StrCat(what, " is not supported yet; see docs/sql.md"))));
}

absl::Status Diagnostics::At(Position at, const absl::Status& status) const {
  return absl::Status(status.code(), ToAbsl(Render(at, Message(status))));
}

}  // namespace leat::sql
