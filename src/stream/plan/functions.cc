#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>

#include "base/check.h"
#include "stream/plan/function.h"
#include "stream/plan/inference.h"

namespace leat::plan {

namespace {

using F = FunctionId;
constexpr bool kStrict = true;
constexpr bool kSeesNull = false;

struct Row {
  FunctionInfo info;
  Signature signature;
};

// In the order of FunctionId. Arguments as the kernels get them; what is optional may be absent from the call.
constexpr Row kRows[] = {
    {{F::kAnd, "AND", kSeesNull}, {"BB", "B"}},
    {{F::kOr, "OR", kSeesNull}, {"BB", "B"}},
    {{F::kNot, "NOT", kStrict}, {"B", "B"}},
    {{F::kIsNull, "IS NULL", kSeesNull}, {"*", "B!"}},
    {{F::kIsNotNull, "IS NOT NULL", kSeesNull}, {"*", "B!"}},
    {{F::kIsTrue, "IS TRUE", kSeesNull}, {"B", "B!"}},
    {{F::kIsNotTrue, "IS NOT TRUE", kSeesNull}, {"B", "B!"}},
    {{F::kIsFalse, "IS FALSE", kSeesNull}, {"B", "B!"}},
    {{F::kIsNotFalse, "IS NOT FALSE", kSeesNull}, {"B", "B!"}},
    {{F::kEqual, "=", kStrict}, {"**", "."}},
    {{F::kNotEqual, "<>", kStrict}, {"**", "."}},
    {{F::kLess, "<", kStrict}, {"**", "."}},
    {{F::kLessOrEqual, "<=", kStrict}, {"**", "."}},
    {{F::kGreater, ">", kStrict}, {"**", "."}},
    {{F::kGreaterOrEqual, ">=", kStrict}, {"**", "."}},
    {{F::kIsDistinctFrom, "IS DISTINCT FROM", kSeesNull}, {"**", "."}},
    {{F::kIsNotDistinctFrom, "IS NOT DISTINCT FROM", kSeesNull}, {"**", "."}},
    {{F::kIn, "IN", kSeesNull}, {"**+", "."}},
    {{F::kLike, "LIKE", kStrict}, {"TT[T", "B"}},
    {{F::kSimilar, "SIMILAR TO", kStrict}, {"TT[T", "B"}},
    {{F::kCase, "CASE", kSeesNull}, {"B*+", "."}},
    {{F::kCoalesce, "COALESCE", kSeesNull}, {"*+", "."}},
    {{F::kNullIf, "NULLIF", kSeesNull}, {"**", "."}},
    {{F::kIf, "IF", kSeesNull}, {"B**", "."}},
    {{F::kGreatest, "GREATEST", kStrict}, {"*+", "."}},
    {{F::kLeast, "LEAST", kStrict}, {"*+", "."}},
    {{F::kCast, "CAST", kStrict}, {"*", "."}},
    {{F::kTryCast, "TRY_CAST", kStrict}, {"*", "."}},
    // Arithmetic also takes intervals: time +- INTERVAL, INTERVAL +- INTERVAL, INTERVAL * number, number * INTERVAL.
    {{F::kAdd, "+", kStrict}, {"**", "."}},
    {{F::kSubtract, "-", kStrict}, {"**", "."}},
    {{F::kMultiply, "*", kStrict}, {"**", "."}},
    {{F::kDivide, "/", kStrict}, {"NN", "."}},
    {{F::kModulo, "MOD", kStrict}, {"NN", "."}},
    {{F::kNegate, "NEGATE", kStrict}, {"*", "."}},
    {{F::kAbs, "ABS", kStrict}, {"N", "="}},
    {{F::kRound, "ROUND", kStrict}, {"N[I", "."}},
    {{F::kFloor, "FLOOR", kStrict}, {"N", "."}},
    {{F::kCeil, "CEIL", kStrict}, {"N", "."}},
    {{F::kPower, "POWER", kStrict}, {"DD", "D"}},
    {{F::kSqrt, "SQRT", kStrict}, {"D", "D"}},
    {{F::kLn, "LN", kStrict}, {"D", "D"}},
    {{F::kLog10, "LOG10", kStrict}, {"D", "D"}},
    {{F::kLog2, "LOG2", kStrict}, {"D", "D"}},
    {{F::kLog, "LOG", kStrict}, {"D[D", "D"}},  // LOG(x) or LOG(base, x)
    {{F::kExp, "EXP", kStrict}, {"D", "D"}},
    {{F::kSign, "SIGN", kStrict}, {"N", "="}},
    {{F::kTruncate, "TRUNCATE", kStrict}, {"N[I", "."}},
    {{F::kSinh, "SINH", kStrict}, {"D", "D"}},
    {{F::kCosh, "COSH", kStrict}, {"D", "D"}},
    {{F::kTanh, "TANH", kStrict}, {"D", "D"}},
    {{F::kCot, "COT", kStrict}, {"D", "D"}},
    {{F::kPi, "PI", kStrict}, {"", "D!"}},
    {{F::kSin, "SIN", kStrict}, {"D", "D"}},
    {{F::kCos, "COS", kStrict}, {"D", "D"}},
    {{F::kTan, "TAN", kStrict}, {"D", "D"}},
    {{F::kAsin, "ASIN", kStrict}, {"D", "D"}},
    {{F::kAcos, "ACOS", kStrict}, {"D", "D"}},
    {{F::kAtan, "ATAN", kStrict}, {"D", "D"}},
    {{F::kAtan2, "ATAN2", kStrict}, {"DD", "D"}},
    {{F::kRadians, "RADIANS", kStrict}, {"D", "D"}},
    {{F::kDegrees, "DEGREES", kStrict}, {"D", "D"}},
    {{F::kUpper, "UPPER", kStrict}, {"T", "S"}},
    {{F::kLower, "LOWER", kStrict}, {"T", "S"}},
    {{F::kTrimBoth, "TRIM", kStrict}, {"T[T", "S"}},  // (text [, what to trim; a space if absent])
    {{F::kTrimLeading, "LTRIM", kStrict}, {"T[T", "S"}},
    {{F::kTrimTrailing, "RTRIM", kStrict}, {"T[T", "S"}},
    {{F::kSubstring, "SUBSTRING", kStrict}, {"TI[I", "S"}},
    {{F::kCharLength, "CHAR_LENGTH", kStrict}, {"T", "I"}},
    {{F::kConcat, "CONCAT", kStrict}, {"T+", "S"}},
    {{F::kConcatWs, "CONCAT_WS", kSeesNull}, {"TT+", "."}},  // NULL only for a NULL separator; NULL texts are left out
    {{F::kReplace, "REPLACE", kStrict}, {"TTT", "S"}},
    {{F::kPosition, "POSITION", kStrict}, {"TT", "I"}},  // (what, in text)
    {{F::kInstr, "INSTR", kStrict}, {"TT[II", "I"}},     // (in text, what [, from [, which occurrence]])
    {{F::kLpad, "LPAD", kStrict}, {"TIT", "S?"}},
    {{F::kRpad, "RPAD", kStrict}, {"TIT", "S?"}},
    {{F::kLeft, "LEFT", kStrict}, {"TI", "S"}},
    {{F::kRight, "RIGHT", kStrict}, {"TI", "S"}},
    {{F::kRepeat, "REPEAT", kStrict}, {"TI", "S"}},
    {{F::kReverse, "REVERSE", kStrict}, {"T", "S"}},
    {{F::kInitCap, "INITCAP", kStrict}, {"T", "S"}},
    {{F::kSplitIndex, "SPLIT_INDEX", kStrict}, {"TTI", "S?"}},
    {{F::kRegexp, "REGEXP", kStrict}, {"TT", "B?"}},
    {{F::kRegexpExtract, "REGEXP_EXTRACT", kStrict}, {"TT[I", "S?"}},
    {{F::kRegexpReplace, "REGEXP_REPLACE", kStrict}, {"TTT", "S?"}},
    {{F::kMd5, "MD5", kStrict}, {"T", "."}},
    {{F::kSha256, "SHA256", kStrict}, {"T", "."}},
    {{F::kToBase64, "TO_BASE64", kStrict}, {"T", "S"}},
    {{F::kFromBase64, "FROM_BASE64", kStrict}, {"T", "S?"}},
    {{F::kAscii, "ASCII", kStrict}, {"T", "I"}},
    {{F::kChr, "CHR", kStrict}, {"L", "S"}},
    {{F::kOverlay, "OVERLAY", kStrict}, {"TTI[I", "S"}},  // (text, new text, from [, length])
    {{F::kLocate, "LOCATE", kStrict}, {"TT[I", "I"}},
    {{F::kElt, "ELT", kSeesNull}, {"IT+", "."}},
    {{F::kStartsWith, "STARTSWITH", kStrict}, {"TT", "B"}},
    {{F::kEndsWith, "ENDSWITH", kStrict}, {"TT", "B"}},
    {{F::kTranslate, "TRANSLATE", kStrict}, {"TTT", "S"}},
    {{F::kSha1, "SHA1", kStrict}, {"T", "."}},
    {{F::kSha224, "SHA224", kStrict}, {"T", "."}},
    {{F::kSha384, "SHA384", kStrict}, {"T", "."}},
    {{F::kSha512, "SHA512", kStrict}, {"T", "."}},
    {{F::kSha2, "SHA2", kStrict}, {"TI", "."}},
    {{F::kHex, "HEX", kStrict}, {"*", "."}},
    {{F::kUnhex, "UNHEX", kStrict}, {"T", "."}},
    {{F::kBin, "BIN", kStrict}, {"L", "S"}},
    {{F::kUrlEncode, "URL_ENCODE", kStrict}, {"T", "S?"}},
    {{F::kUrlDecode, "URL_DECODE", kStrict}, {"T", "S?"}},
    {{F::kRegexpCount, "REGEXP_COUNT", kStrict}, {"TT", "I?"}},
    {{F::kRegexpInstr, "REGEXP_INSTR", kStrict}, {"TT", "I?"}},
    {{F::kRegexpSubstr, "REGEXP_SUBSTR", kStrict}, {"TT", "S?"}},
    {{F::kJsonValue, "JSON_VALUE", kSeesNull}, {"TTT**", "."}},
    {{F::kJsonQuery, "JSON_QUERY", kStrict}, {"TTT", "S?"}},
    {{F::kJsonExists, "JSON_EXISTS", kStrict}, {"TTT", "B?"}},
    {{F::kIsJson, "IS JSON", kSeesNull}, {"TT", "B!"}},
    {{F::kJsonObject, "JSON_OBJECT", kSeesNull}, {"T[T*+", "S!"}},
    {{F::kJsonArray, "JSON_ARRAY", kSeesNull}, {"T[*+", "S!"}},
    {{F::kJsonString, "JSON_STRING", kStrict}, {"*", "S"}},
    {{F::kJsonQuote, "JSON_QUOTE", kStrict}, {"T", "S"}},
    {{F::kJsonUnquote, "JSON_UNQUOTE", kStrict}, {"T", "S"}},
    {{F::kExtract, "EXTRACT", kStrict}, {"TM", "L"}},
    {{F::kFloorTo, "FLOOR_TO", kStrict}, {"MT", "="}},
    {{F::kCeilTo, "CEIL_TO", kStrict}, {"MT", "="}},
    {{F::kTimestampAdd, "TIMESTAMPADD", kStrict}, {"TIM", "."}},
    {{F::kTimestampDiff, "TIMESTAMPDIFF", kStrict}, {"TMM", "I"}},
    {{F::kDateFormat, "DATE_FORMAT", kStrict}, {"MT", "S?"}},
    {{F::kToDate, "TO_DATE", kStrict}, {"T[T", "."}},
    {{F::kToTimestamp, "TO_TIMESTAMP", kStrict}, {"T[T", "."}},
    {{F::kToTimestampLtz, "TO_TIMESTAMP_LTZ", kStrict}, {"*[*T", "."}},
    {{F::kConvertTz, "CONVERT_TZ", kStrict}, {"TTT", "S?"}},
    {{F::kFromUnixTime, "FROM_UNIXTIME", kStrict}, {"L[T", "S?"}},
    {{F::kUnixTimestamp, "UNIX_TIMESTAMP", kStrict}, {"[TT", "L"}},
    {{F::kCurrentWatermark, "CURRENT_WATERMARK", kSeesNull}, {"M", "=?"}},
    {{F::kProcTime, "PROCTIME", kStrict}, {"", "."}},
    {{F::kCurrentTimestamp, "CURRENT_TIMESTAMP", kStrict}, {"", "."}},
    {{F::kLocalTimestamp, "LOCALTIMESTAMP", kStrict}, {"", "."}},
    {{F::kCurrentDate, "CURRENT_DATE", kStrict}, {"", "."}},
    {{F::kField, "FIELD", kStrict}, {"*I", "."}},
    {{F::kRowOf, "ROW", kSeesNull}, {"*+", "."}},
    {{F::kArrayOf, "ARRAY", kSeesNull}, {"*+", "."}},
    {{F::kMapOf, "MAP", kSeesNull}, {"**+", "."}},
    {{F::kItem, "ITEM", kStrict}, {"**", "."}},
    {{F::kCardinality, "CARDINALITY", kStrict}, {"C", "I"}},
    {{F::kElement, "ELEMENT", kStrict}, {"A", "."}},
    {{F::kArrayAppend, "ARRAY_APPEND", kSeesNull}, {"A*", "."}},
    {{F::kArrayConcat, "ARRAY_CONCAT", kStrict}, {"A+", "."}},
    {{F::kArrayContains, "ARRAY_CONTAINS", kSeesNull}, {"A*", "."}},
    {{F::kArrayDistinct, "ARRAY_DISTINCT", kStrict}, {"A", "="}},
    {{F::kArrayJoin, "ARRAY_JOIN", kStrict}, {"AT[T", "S"}},
    {{F::kArrayMax, "ARRAY_MAX", kStrict}, {"A", "."}},
    {{F::kArrayMin, "ARRAY_MIN", kStrict}, {"A", "."}},
    {{F::kArrayPosition, "ARRAY_POSITION", kStrict}, {"A*", "."}},
    {{F::kArrayPrepend, "ARRAY_PREPEND", kSeesNull}, {"A*", "."}},
    {{F::kArrayRemove, "ARRAY_REMOVE", kSeesNull}, {"A*", "."}},
    {{F::kArrayReverse, "ARRAY_REVERSE", kStrict}, {"A", "="}},
    {{F::kArraySlice, "ARRAY_SLICE", kStrict}, {"AI[I", "="}},
    {{F::kArraySort, "ARRAY_SORT", kStrict}, {"A[BB", "."}},
    {{F::kArrayUnion, "ARRAY_UNION", kStrict}, {"AA", "."}},
    {{F::kMapEntries, "MAP_ENTRIES", kStrict}, {"P", "."}},
    {{F::kMapFromArrays, "MAP_FROM_ARRAYS", kStrict}, {"AA", "."}},
    {{F::kMapKeys, "MAP_KEYS", kStrict}, {"P", "."}},
    {{F::kMapUnion, "MAP_UNION", kStrict}, {"P+", "."}},
    {{F::kMapValues, "MAP_VALUES", kStrict}, {"P", "."}},
    {{F::kSplit, "SPLIT", kStrict}, {"TT", "."}},
    {{F::kStrToMap, "STR_TO_MAP", kStrict}, {"T[TT", "."}},
};

constexpr bool InOrder() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (static_cast<size_t>(kRows[i].info.id) != i) return false;
  }
  return std::size(kRows) == static_cast<size_t>(kLastFunction) + 1;
}
static_assert(InOrder(), "kRows has one row for each FunctionId, in its order");

// Every name that a call may use, sorted.
constexpr std::pair<std::string_view, FunctionId> kNames[] = {
    {"ABS", F::kAbs},
    {"ACOS", F::kAcos},
    {"ARRAY_APPEND", F::kArrayAppend},
    {"ARRAY_CONCAT", F::kArrayConcat},
    {"ARRAY_CONTAINS", F::kArrayContains},
    {"ARRAY_DISTINCT", F::kArrayDistinct},
    {"ARRAY_JOIN", F::kArrayJoin},
    {"ARRAY_MAX", F::kArrayMax},
    {"ARRAY_MIN", F::kArrayMin},
    {"ARRAY_POSITION", F::kArrayPosition},
    {"ARRAY_PREPEND", F::kArrayPrepend},
    {"ARRAY_REMOVE", F::kArrayRemove},
    {"ARRAY_REVERSE", F::kArrayReverse},
    {"ARRAY_SLICE", F::kArraySlice},
    {"ARRAY_SORT", F::kArraySort},
    {"ARRAY_UNION", F::kArrayUnion},
    {"ASCII", F::kAscii},
    {"ASIN", F::kAsin},
    {"ATAN", F::kAtan},
    {"ATAN2", F::kAtan2},
    {"BIN", F::kBin},
    {"BTRIM", F::kTrimBoth},
    {"CARDINALITY", F::kCardinality},
    {"CEIL", F::kCeil},
    {"CEILING", F::kCeil},
    {"CHARACTER_LENGTH", F::kCharLength},
    {"CHAR_LENGTH", F::kCharLength},
    {"CHR", F::kChr},
    {"COALESCE", F::kCoalesce},
    {"CONCAT", F::kConcat},
    {"CONCAT_WS", F::kConcatWs},
    {"CONVERT_TZ", F::kConvertTz},
    {"COS", F::kCos},
    {"COSH", F::kCosh},
    {"COT", F::kCot},
    {"CURRENT_DATE", F::kCurrentDate},
    {"CURRENT_ROW_TIMESTAMP", F::kCurrentTimestamp},
    {"CURRENT_TIMESTAMP", F::kCurrentTimestamp},
    {"CURRENT_WATERMARK", F::kCurrentWatermark},
    {"DATE_FORMAT", F::kDateFormat},
    {"DEGREES", F::kDegrees},
    {"ELEMENT", F::kElement},
    {"ELT", F::kElt},
    {"ENDSWITH", F::kEndsWith},
    {"EXP", F::kExp},
    {"FLOOR", F::kFloor},
    {"FROM_BASE64", F::kFromBase64},
    {"FROM_UNIXTIME", F::kFromUnixTime},
    {"GREATEST", F::kGreatest},
    {"HEX", F::kHex},
    {"IF", F::kIf},
    {"IFNULL", F::kCoalesce},
    {"INITCAP", F::kInitCap},
    {"INSTR", F::kInstr},
    {"JSON_QUOTE", F::kJsonQuote},
    {"JSON_STRING", F::kJsonString},
    {"JSON_UNQUOTE", F::kJsonUnquote},
    {"LEAST", F::kLeast},
    {"LEFT", F::kLeft},
    {"LN", F::kLn},
    {"LOCALTIMESTAMP", F::kLocalTimestamp},
    {"LOCATE", F::kLocate},
    {"LOG", F::kLog},
    {"LOG10", F::kLog10},
    {"LOG2", F::kLog2},
    {"LOWER", F::kLower},
    {"LPAD", F::kLpad},
    {"LTRIM", F::kTrimLeading},
    {"MAP_ENTRIES", F::kMapEntries},
    {"MAP_FROM_ARRAYS", F::kMapFromArrays},
    {"MAP_KEYS", F::kMapKeys},
    {"MAP_UNION", F::kMapUnion},
    {"MAP_VALUES", F::kMapValues},
    {"MD5", F::kMd5},
    {"MOD", F::kModulo},
    {"NOW", F::kCurrentTimestamp},
    {"NULLIF", F::kNullIf},
    {"OVERLAY", F::kOverlay},
    {"PI", F::kPi},
    {"POSITION", F::kPosition},
    {"POWER", F::kPower},
    {"PROCTIME", F::kProcTime},
    {"RADIANS", F::kRadians},
    {"REGEXP", F::kRegexp},
    {"REGEXP_COUNT", F::kRegexpCount},
    {"REGEXP_EXTRACT", F::kRegexpExtract},
    {"REGEXP_INSTR", F::kRegexpInstr},
    {"REGEXP_REPLACE", F::kRegexpReplace},
    {"REGEXP_SUBSTR", F::kRegexpSubstr},
    {"REPEAT", F::kRepeat},
    {"REPLACE", F::kReplace},
    {"REVERSE", F::kReverse},
    {"RIGHT", F::kRight},
    {"ROUND", F::kRound},
    {"RPAD", F::kRpad},
    {"RTRIM", F::kTrimTrailing},
    {"SHA1", F::kSha1},
    {"SHA2", F::kSha2},
    {"SHA224", F::kSha224},
    {"SHA256", F::kSha256},
    {"SHA384", F::kSha384},
    {"SHA512", F::kSha512},
    {"SIGN", F::kSign},
    {"SIN", F::kSin},
    {"SINH", F::kSinh},
    {"SPLIT", F::kSplit},
    {"SPLIT_INDEX", F::kSplitIndex},
    {"SQRT", F::kSqrt},
    {"STARTSWITH", F::kStartsWith},
    {"STR_TO_MAP", F::kStrToMap},
    {"SUBSTR", F::kSubstring},
    {"SUBSTRING", F::kSubstring},
    {"TAN", F::kTan},
    {"TANH", F::kTanh},
    {"TIMESTAMPADD", F::kTimestampAdd},
    {"TIMESTAMPDIFF", F::kTimestampDiff},
    {"TO_BASE64", F::kToBase64},
    {"TO_DATE", F::kToDate},
    {"TO_TIMESTAMP", F::kToTimestamp},
    {"TO_TIMESTAMP_LTZ", F::kToTimestampLtz},
    {"TRANSLATE", F::kTranslate},
    {"TRIM", F::kTrimBoth},
    {"TRUNCATE", F::kTruncate},
    {"UNHEX", F::kUnhex},
    {"UNIX_TIMESTAMP", F::kUnixTimestamp},
    {"UPPER", F::kUpper},
    {"URL_DECODE", F::kUrlDecode},
    {"URL_ENCODE", F::kUrlEncode},
};

constexpr auto MakeNames() {
  std::array<std::string_view, std::size(kNames)> names{};
  for (size_t i = 0; i < names.size(); ++i) names[i] = kNames[i].first;
  return names;
}
constexpr auto kSortedNames = MakeNames();
static_assert(std::is_sorted(kSortedNames.begin(), kSortedNames.end()));

const Row& FindRow(FunctionId id) {
  LEAT_CHECK(static_cast<size_t>(id) < std::size(kRows)) << "no function " << static_cast<int>(id);
  return kRows[static_cast<size_t>(id)];
}

}  // namespace

const FunctionInfo& GetFunctionInfo(FunctionId id) { return FindRow(id).info; }

const Signature& GetSignature(FunctionId id) { return FindRow(id).signature; }

std::optional<FunctionId> FindFunction(std::string_view sql_name) {
  std::string upper(sql_name);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const auto found = std::lower_bound(kSortedNames.begin(), kSortedNames.end(), std::string_view(upper));
  if (found == kSortedNames.end() || *found != upper) return std::nullopt;
  return kNames[found - kSortedNames.begin()].second;
}

std::span<const std::string_view> FunctionNames() { return kSortedNames; }

}  // namespace leat::plan
