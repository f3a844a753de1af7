// SQL values from text, as json strings and csv fields hold them, and back. Shared by the text formats. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "stream/data/column.h"
#include "stream/data/time_text.h"

namespace leat::format {

enum class Parsed : uint8_t {
  kOk,
  kMalformed,   // the text is no value of the type
  kOutOfRange,  // it is one, but does not fit
};

// Appends the value of `text` to the column, by the column's type (not ROW). Blanks around numbers and booleans are
// ignored, as Flink does. Nothing is appended unless kOk.
Parsed AppendParsed(std::string_view text, data::TimeSyntax syntax, data::Column* column);
// The same for the text of a JSON number (its grammar is the caller's business): a fraction is cut off for integers.
Parsed AppendNumber(std::string_view number, data::Column* column);
// True if the text is a number by RFC 8259.
bool IsJsonNumber(std::string_view text);

// Text for an error: quoted, cut to 80 bytes at a character's border, control characters shown as '?'.
std::string Shown(std::string_view text);
// "expected INT, got "abc"" or "expected TINYINT, got 300, which is out of range".
std::string Mismatch(Parsed parsed, const data::Type& type, std::string_view shown);

// Appends the text of a value that is no ROW and not NULL: numbers, TRUE as true, times with as many fraction digits as
// they need, an instant with a Z behind, bytes as base64. `separator` stands between date and time.
void AppendScalar(const data::Column& column, size_t row, char separator, std::string* out);

}  // namespace leat::format
