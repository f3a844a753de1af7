#include "stream/format/plain_json_reader.h"

#include <simdjson.h>

#include <array>
#include <cstring>
#include <limits>

#include "stream/format/byte_blocks.h"
#include "stream/format/scalar_text.h"

namespace leat::format {
namespace {

constexpr int kUnwanted = -1;
// As in JsonObjectReader: longer objects and names are looked up each time.
constexpr size_t kMaxPredictions = 1024;
constexpr size_t kMaxPredictedName = 256;

// Bits where a byte, taken as signed, is below a blank: a control character, or beyond ASCII. Or where it is a
// backslash.
ByteBlock Odd(const ByteBlock& block) { return (block < ' ') | (block == '\\'); }

// No control characters, no backslashes, well-formed UTF-8.
bool IsPlain(std::string_view text) {
  ByteBlock odd{};
  size_t i = 0;
  for (; i + 2 * sizeof(ByteBlock) <= text.size(); i += 2 * sizeof(ByteBlock)) {
    odd |= Odd(LoadBlock(text.data() + i)) | Odd(LoadBlock(text.data() + i + sizeof(ByteBlock)));
  }
  char rest[2 * sizeof(ByteBlock)];
  std::memset(rest, ' ', sizeof(rest));
  if (i < text.size()) std::memcpy(rest, text.data() + i, text.size() - i);
  odd |= Odd(LoadBlock(rest)) | Odd(LoadBlock(rest + sizeof(ByteBlock)));
  if (!AnyBit(odd)) return true;
  for (const char c : text) {
    if (static_cast<uint8_t>(c) < ' ' || c == '\\') return false;
  }
  return simdjson::validate_utf8(text.data(), text.size());
}

// Short texts of one size, most of them the same.
bool SameText(const char* a, const char* b, size_t size) {
  uint64_t left;
  uint64_t right;
  size_t i = 0;
  for (; i + sizeof(left) <= size; i += sizeof(left)) {
    std::memcpy(&left, a + i, sizeof(left));
    std::memcpy(&right, b + i, sizeof(right));
    if (left != right) return false;
  }
  for (; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// What stands where a number, true, false or null may.
constexpr std::array<bool, 256> kTokenBytes = [] {
  std::array<bool, 256> bytes{};
  for (int c = 0; c < 256; ++c) {
    bytes[static_cast<size_t>(c)] =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '+' || c == '.';
  }
  return bytes;
}();
bool IsTokenByte(char c) { return kTokenBytes[static_cast<uint8_t>(c)]; }

int TwoDigits(const char* at) {
  return IsDigit(at[0]) && IsDigit(at[1]) ? (at[0] - '0') * 10 + (at[1] - '0') : std::numeric_limits<int>::max();
}

// HH:mm:ss[.f{1,6}] in microseconds; -1 for anything else, also for what is a time in another form.
int64_t TimeOfDay(std::string_view text) {
  constexpr size_t kSeconds = 8;
  constexpr size_t kMaxFraction = 6;
  if (text.size() < kSeconds || text[2] != ':' || text[5] != ':') return -1;
  const int hour = TwoDigits(text.data());
  const int minute = TwoDigits(text.data() + 3);
  const int second = TwoDigits(text.data() + 6);
  if (hour > 23 || minute > 59 || second > 59) return -1;
  int64_t micros = (int64_t{hour} * 3600 + minute * 60 + second) * data::kMicrosPerSecond;
  if (text.size() == kSeconds) return micros;
  const size_t digits = text.size() - kSeconds - 1;
  if (text[kSeconds] != '.' || digits == 0 || digits > kMaxFraction) return -1;
  int64_t fraction = 0;
  for (size_t i = kSeconds + 1; i < text.size(); ++i) {
    if (!IsDigit(text[i])) return -1;
    fraction = fraction * 10 + (text[i] - '0');
  }
  for (size_t i = digits; i < kMaxFraction; ++i) fraction *= 10;
  return micros + fraction;
}

enum class Kind { kInteger, kText, kBoolean, kTimestamp, kParsed, kNumber, kRow, kOther };

Kind KindOf(const data::Type& type) {
  switch (type.kind) {
    case data::TypeKind::kTinyInt:
    case data::TypeKind::kSmallInt:
    case data::TypeKind::kInt:
    case data::TypeKind::kBigInt:
      return Kind::kInteger;
    case data::TypeKind::kChar:
    case data::TypeKind::kVarchar:
      return Kind::kText;
    case data::TypeKind::kBoolean:
      return Kind::kBoolean;
    case data::TypeKind::kTimestamp:
      return Kind::kTimestamp;
    case data::TypeKind::kTimestampLtz:
    case data::TypeKind::kDate:
    case data::TypeKind::kTime:
    case data::TypeKind::kBytes:
      return Kind::kParsed;
    case data::TypeKind::kFloat:
    case data::TypeKind::kDouble:
    case data::TypeKind::kDecimal:
      return Kind::kNumber;
    case data::TypeKind::kRow:
      return Kind::kRow;
    default:
      return Kind::kOther;
  }
}

int64_t LargestOf(data::TypeKind kind) {
  switch (kind) {
    case data::TypeKind::kTinyInt:
      return std::numeric_limits<int8_t>::max();
    case data::TypeKind::kSmallInt:
      return std::numeric_limits<int16_t>::max();
    case data::TypeKind::kInt:
      return std::numeric_limits<int32_t>::max();
    default:
      return std::numeric_limits<int64_t>::max();
  }
}

}  // namespace

// A field that is wanted, and the column that it goes to.
struct PlainJsonReader::Leaf {
  Kind kind = Kind::kOther;
  bool nullable = true;
  bool wide = false;     // kInteger: the column is of 64 bits
  int64_t largest = 0;   // kInteger
  int precision = 0;     // kTimestamp
  uint64_t seen_in = 0;  // the object, by its number, that had the field last
  size_t nulls = 0;      // that the column has not got yet; in the outermost object alone
  data::Column* column = nullptr;
  std::unique_ptr<Object> row;
};

struct PlainJsonReader::Object {
  // What stood at this place in the last object: "name": with quotes and colon.
  struct Prediction {
    std::string text;
    int field = kUnwanted;
  };
  bool all_must_be_there = false;
  std::vector<Leaf> leaves;
  StringMap<int> index;
  std::vector<Prediction> predictions;
  uint64_t number = 0;  // of objects read
};

// A place in the record. No byte of it is a control character or a backslash, so a quote ends the string it is in.
class PlainJsonReader::Cursor {
 public:
  explicit Cursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool done() const { return at_ == end_; }
  char peek() const { return at_ == end_ ? '\0' : *at_; }
  void SkipBlanks() {
    while (at_ != end_ && *at_ == ' ') ++at_;
  }
  bool Take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool TakeText(std::string_view text) {
    if (static_cast<size_t>(end_ - at_) < text.size() || !SameText(at_, text.data(), text.size())) return false;
    at_ += text.size();
    return true;
  }
  // The inside of a string that begins here.
  bool TakeString(std::string_view* text) {
    if (!Take('"')) return false;
    const void* quote = std::memchr(at_, '"', static_cast<size_t>(end_ - at_));
    if (quote == nullptr) return false;
    const char* close = static_cast<const char*>(quote);
    *text = {at_, static_cast<size_t>(close - at_)};
    at_ = close + 1;
    return true;
  }
  // -?digits without a leading zero, 18 at most; false leaves the place where it was.
  bool TakeInteger(int64_t* value) {
    constexpr ptrdiff_t kMaxDigits = 18;
    const char* at = at_;
    const bool minus = *at == '-';
    if (minus) ++at;
    const char* first = at;
    const char* last = end_ - at > kMaxDigits ? at + kMaxDigits : end_;
    int64_t number = 0;
    for (; at != last; ++at) {
      const unsigned digit = static_cast<uint8_t>(*at) - unsigned{'0'};
      if (digit > 9) break;
      number = number * 10 + digit;
    }
    const ptrdiff_t digits = at - first;
    if (digits == 0 || (digits > 1 && *first == '0') || (at != end_ && IsTokenByte(*at))) return false;
    at_ = at;
    *value = minus ? -number : number;
    return true;
  }
  std::string_view TakeToken() {
    const char* from = at_;
    while (at_ != end_ && IsTokenByte(*at_)) ++at_;
    return {from, static_cast<size_t>(at_ - from)};
  }
  // Any value; what is in objects and arrays is not looked at, as long as their brackets close.
  bool SkipValue() {
    std::string_view ignored;
    if (peek() == '"') return TakeString(&ignored);
    if (peek() != '{' && peek() != '[') return !TakeToken().empty();
    int depth = 0;
    while (at_ != end_) {
      if (*at_ == '"') {
        if (!TakeString(&ignored)) return false;
        continue;
      }
      const char c = *at_++;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return true;
    }
    return false;
  }
  std::string_view Since(const char* from) const { return {from, static_cast<size_t>(at_ - from)}; }
  const char* position() const { return at_; }

 private:
  const char* at_;
  const char* end_;
};

std::unique_ptr<PlainJsonReader::Object> PlainJsonReader::MakeObject(const std::vector<data::Field>& fields,
                                                                     const JsonReadOptions& options) {
  auto object = std::make_unique<Object>();
  object->all_must_be_there = options.fail_on_missing_field;
  for (const data::Field& field : fields) {
    object->index[field.name] = static_cast<int>(object->leaves.size());
    Leaf& leaf = object->leaves.emplace_back();
    leaf.kind = KindOf(field.type);
    leaf.nullable = field.type.nullable;
    leaf.wide = field.type.storage() == data::Storage::kInt64;
    leaf.largest = LargestOf(field.type.kind);
    leaf.precision = field.type.precision;
    if (leaf.kind == Kind::kRow) leaf.row = MakeObject(*field.type.fields, options);
  }
  return object;
}

PlainJsonReader::PlainJsonReader(const std::vector<data::Field>& fields, const JsonReadOptions& options)
    : syntax_(options.time_syntax), root_(MakeObject(fields, options)) {}
PlainJsonReader::~PlainJsonReader() = default;

void PlainJsonReader::Bind(std::span<data::Column* const> columns, size_t records) {
  BindObject(*root_, columns, records);
}

void PlainJsonReader::BindObject(Object& object, std::span<data::Column* const> columns, size_t records) {
  for (size_t i = 0; i < object.leaves.size(); ++i) {
    Leaf& leaf = object.leaves[i];
    leaf.column = columns[i];
    leaf.nulls = 0;
    leaf.column->Reserve(leaf.column->size() + records);
    if (leaf.row == nullptr) continue;
    std::vector<data::Column*> children;
    for (size_t child = 0; child < leaf.column->children().size(); ++child) {
      children.push_back(&leaf.column->MutableChild(child));
    }
    BindObject(*leaf.row, children, records);
  }
}

void PlainJsonReader::Finish() {
  for (Leaf& leaf : root_->leaves) {
    for (; leaf.nulls > 0; --leaf.nulls) leaf.column->AppendNull();
  }
}

bool PlainJsonReader::Read(std::string_view record) {
  if (!IsPlain(record)) return false;
  Cursor at(record);
  at.SkipBlanks();
  if (!ReadObject(*root_, at)) return false;
  at.SkipBlanks();
  return at.done();
}

bool PlainJsonReader::ReadObject(Object& object, Cursor& at) {
  if (!at.Take('{')) return false;
  ++object.number;
  size_t seen = 0;
  if (!ReadMembers(object, at, &seen)) return false;
  if (seen == object.leaves.size()) return true;
  for (Leaf& leaf : object.leaves) {
    if (leaf.seen_in == object.number) continue;
    if (object.all_must_be_there || !leaf.nullable) return false;
    if (&object == root_.get()) {
      ++leaf.nulls;
    } else {
      leaf.column->AppendNull();
    }
  }
  return true;
}

// The members and the closing bracket.
bool PlainJsonReader::ReadMembers(Object& object, Cursor& at, size_t* seen) {
  at.SkipBlanks();
  if (at.Take('}')) return true;
  for (size_t place = 0;; ++place) {
    at.SkipBlanks();
    int field = kUnwanted;
    if (place < object.predictions.size() && at.TakeText(object.predictions[place].text)) {
      field = object.predictions[place].field;
    } else {
      const char* from = at.position();
      std::string_view name;
      if (!at.TakeString(&name)) return false;
      const std::string_view quoted = at.Since(from);
      at.SkipBlanks();
      if (!at.Take(':')) return false;
      const auto found = object.index.find(name);
      field = found == object.index.end() ? kUnwanted : found->second;
      if (at.Since(from).size() == quoted.size() + 1 && place < kMaxPredictions && name.size() <= kMaxPredictedName) {
        if (place >= object.predictions.size()) object.predictions.resize(place + 1);
        object.predictions[place].text.assign(at.Since(from));
        object.predictions[place].field = field;
      }
    }
    at.SkipBlanks();
    if (field == kUnwanted) {
      if (!at.SkipValue()) return false;
    } else {
      Leaf& leaf = object.leaves[static_cast<size_t>(field)];
      if (leaf.seen_in == object.number) return false;  // a field that comes twice
      leaf.seen_in = object.number;
      ++*seen;
      for (; leaf.nulls > 0; --leaf.nulls) leaf.column->AppendNull();
      if (!ReadValue(leaf, at)) return false;
    }
    at.SkipBlanks();
    if (at.Take(',')) continue;
    return at.Take('}');
  }
}

bool PlainJsonReader::ReadValue(Leaf& leaf, Cursor& at) {
  const char first = at.peek();
  if (first == '"') {
    std::string_view text;
    return at.TakeString(&text) && ReadText(leaf, text);
  }
  if (first == '{') {
    if (leaf.row == nullptr || !ReadObject(*leaf.row, at)) return false;
    leaf.column->AppendRow();
    return true;
  }
  if (leaf.kind == Kind::kInteger && (first == '-' || IsDigit(first))) return ReadInteger(leaf, at);
  const std::string_view token = at.TakeToken();
  if (token.empty()) return false;
  if (first == '-' || IsDigit(first)) return ReadNumber(leaf, token);
  if (token == "null") {
    if (leaf.nullable) leaf.column->AppendNull();
    return leaf.nullable;
  }
  if (leaf.kind != Kind::kBoolean || (token != "true" && token != "false")) return false;
  leaf.column->Append<uint8_t>(token[0] == 't' ? 1 : 0);
  return true;
}

bool PlainJsonReader::ReadText(Leaf& leaf, std::string_view text) {
  switch (leaf.kind) {
    case Kind::kText:
      leaf.column->AppendText(text);
      return true;
    case Kind::kTimestamp:
      return ReadTime(leaf, text);
    case Kind::kParsed:
    case Kind::kInteger:
    case Kind::kNumber:
    case Kind::kBoolean:
      return AppendParsed(text, syntax_, leaf.column) == Parsed::kOk;
    default:
      return false;
  }
}

bool PlainJsonReader::ReadInteger(Leaf& leaf, Cursor& at) {
  int64_t value = 0;
  if (!at.TakeInteger(&value)) {
    const std::string_view token = at.TakeToken();
    return IsJsonNumber(token) && AppendNumber(token, leaf.column) == Parsed::kOk;
  }
  if (value > leaf.largest || value < -leaf.largest - 1) return false;
  if (leaf.wide) {
    leaf.column->Append<int64_t>(value);
  } else {
    leaf.column->Append<int32_t>(static_cast<int32_t>(value));
  }
  return true;
}

bool PlainJsonReader::ReadNumber(Leaf& leaf, std::string_view token) {
  return leaf.kind == Kind::kNumber && IsJsonNumber(token) && AppendNumber(token, leaf.column) == Parsed::kOk;
}

bool PlainJsonReader::ReadTime(Leaf& leaf, std::string_view text) {
  constexpr size_t kDay = 11;  // yyyy-MM-dd and what stands behind it
  constexpr int kMillis = 3;
  constexpr size_t kWithMillis = kDay + 12;
  int64_t micros = -1;
  if (!day_.empty() && text.starts_with(day_)) micros = TimeOfDay(text.substr(kDay));
  if (micros >= 0) {
    micros += day_micros_;
  } else {
    if (!data::ParseTimestamp(text, syntax_, &micros)) return false;
    const int64_t time = text.size() > kDay ? TimeOfDay(text.substr(kDay)) : -1;
    if (time >= 0) {
      day_.assign(text.substr(0, kDay));
      day_micros_ = micros - time;
    }
  }
  const bool fits = leaf.precision >= kMillis && text.size() <= kWithMillis;
  leaf.column->Append<int64_t>(fits ? micros : data::TruncateMicros(micros, leaf.precision));
  return true;
}

}  // namespace leat::format
