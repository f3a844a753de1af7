// Every scalar function, by identity. stream/plan knows names and result types (functions.cc), stream/exec the kernels;
// a test in stream/exec fails if one of them has no kernel.
//
// What kernels may rely on: the analyser has cast the arguments so that
//  - comparison, CASE results, COALESCE, NULLIF, IF, GREATEST, LEAST, IN: all of one type (nullability aside);
//  - + - * / % on numbers: both operands of one numeric type, except DECIMAL, whose operands keep their own precision
//  and
//    scale (the result type says what comes out);
//  - AND OR NOT: BOOLEAN. Functions with fixed parameter types (documented in functions.cc): those types.
// NULL: strict (any NULL argument gives NULL) unless functions.cc marks the function otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "stream/data/type.h"

namespace leat::plan {

enum class FunctionId : uint16_t {
  // logic and comparison
  kAnd,
  kOr,
  kNot,
  kIsNull,
  kIsNotNull,
  kIsTrue,
  kIsNotTrue,
  kIsFalse,
  kIsNotFalse,
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kIsDistinctFrom,
  kIsNotDistinctFrom,
  kIn,       // (x, v1, v2, ..) three-valued
  kLike,     // (text, pattern [, escape])
  kSimilar,  // (text, SQL regular expression)
  // conditionals
  kCase,  // (condition1, result1, .., [else])
  kCoalesce,
  kNullIf,
  kIf,
  kGreatest,
  kLeast,
  // conversion: the target is the call's type; behind the value may stand a time zone (literal) for TIMESTAMP_LTZ
  kCast,
  kTryCast,
  // arithmetic
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kNegate,
  kAbs,
  kRound,
  kFloor,
  kCeil,
  kPower,
  kSqrt,
  kLn,
  kLog10,
  kLog2,
  kLog,
  kExp,
  kSign,
  kTruncate,
  kSinh,
  kCosh,
  kTanh,
  kCot,
  kPi,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kAtan2,
  kRadians,
  kDegrees,
  // text
  kUpper,
  kLower,
  kTrimBoth,
  kTrimLeading,
  kTrimTrailing,
  kSubstring,
  kCharLength,
  kConcat,
  kConcatWs,
  kReplace,
  kPosition,
  kInstr,
  kLpad,
  kRpad,
  kLeft,
  kRight,
  kRepeat,
  kReverse,
  kInitCap,
  kSplitIndex,
  kRegexp,
  kRegexpExtract,
  kRegexpReplace,
  kMd5,
  kSha256,
  kToBase64,
  kFromBase64,
  kAscii,
  kChr,
  kOverlay,
  kLocate,      // (what, in text [, from])
  kElt,         // (place from 1, text, ..)
  kStartsWith,  // (text, beginning)
  kEndsWith,
  kTranslate,  // (text, characters, their replacements)
  kSha1,
  kSha224,
  kSha384,
  kSha512,
  kSha2,  // (text, bits literal)
  kHex,   // (BIGINT or text)
  kUnhex,
  kBin,
  kUrlEncode,
  kUrlDecode,
  kRegexpCount,
  kRegexpInstr,
  kRegexpSubstr,
  // JSON; `mode` is a literal text of one letter for each choice
  kJsonValue,   // (json, path, mode, default on empty, default on error); on empty, on error: Null Error Default
  kJsonQuery,   // (json, path, mode); wrapper: Without Conditional Unconditional; on empty, on error: Null Error
                // Array Object
  kJsonExists,  // (json, path, mode); on error: True False Unknown Error
  kIsJson,      // (json, mode): Value Scalar Array Object
  kJsonObject,  // (mode, name, value, ..); NULL values: Null Absent; then for each value: Json as it is, Value
  kJsonArray,   // (mode, value, ..); the same
  kJsonString,  // (any)
  kJsonQuote,
  kJsonUnquote,
  // time; INTERVAL arithmetic uses kAdd and kSubtract
  kExtract,  // (unit literal as text: YEAR QUARTER MONTH WEEK DAY DOY DOW HOUR MINUTE SECOND MILLISECOND EPOCH, time)
  kFloorTo,
  kCeilTo,         // (time, unit literal as text)
  kTimestampAdd,   // (unit literal as text, count, time)
  kTimestampDiff,  // (unit literal as text, from, to)
  kDateFormat,     // (time, Java pattern)
  kToDate,
  kToTimestamp,     // (text [, Java pattern])
  kToTimestampLtz,  // (BIGINT or DOUBLE [, precision literal 0 or 3]) or (text [, Java pattern [, time zone]])
  kConvertTz,       // (text, time zone, time zone)
  kFromUnixTime,
  kUnixTimestamp,
  kCurrentWatermark,  // (rowtime): the operator's watermark
  kProcTime,
  kCurrentTimestamp,
  kLocalTimestamp,
  kCurrentDate,
  // rows
  kField,  // (row, index literal INT)
  kRowOf,  // (field, ..)
  // ARRAY, MAP, MULTISET
  kArrayOf,        // (element, ..)
  kMapOf,          // (key, value, ..)
  kItem,           // (array, place from 1) or (map, key)
  kCardinality,    // (collection)
  kElement,        // (array): its one element
  kArrayAppend,    // (array, element)
  kArrayConcat,    // (array, ..)
  kArrayContains,  // (array, element)
  kArrayDistinct,
  kArrayJoin,  // (array of text, delimiter [, text for NULL])
  kArrayMax,
  kArrayMin,
  kArrayPosition,  // (array, element): place from 1, 0 if it is not there
  kArrayPrepend,
  kArrayRemove,
  kArrayReverse,
  kArraySlice,  // (array, from [, to]), both inclusive
  kArraySort,   // (array [, ascending [, NULLs first]])
  kArrayUnion,
  kMapEntries,
  kMapFromArrays,
  kMapKeys,
  kMapUnion,
  kMapValues,
  kSplit,     // (text, delimiter): ARRAY<STRING>
  kStrToMap,  // (text [, delimiter of entries [, of key and value]]), both regular expressions
};
inline constexpr FunctionId kLastFunction = FunctionId::kStrToMap;

struct FunctionInfo {
  FunctionId id;
  std::string_view name;  // as EXPLAIN prints it
  bool strict = true;     // NULL in, NULL out
};
const FunctionInfo& GetFunctionInfo(FunctionId id);

// The function that a SQL call by name means ("UPPER", "CHARACTER_LENGTH"), any case; nullopt if there is none.
std::optional<FunctionId> FindFunction(std::string_view sql_name);
// Every SQL name that FindFunction knows, sorted: for "did you mean" and the generated reference.
std::span<const std::string_view> FunctionNames();

// The result type of a call with arguments of these types, and the types the arguments must be cast to first (`casts`,
// same length). kInvalidArgument: what the function takes and what came.
absl::StatusOr<data::Type> InferCall(FunctionId id, std::span<const data::Type> arguments,
                                     std::vector<data::Type>* casts);

}  // namespace leat::plan
