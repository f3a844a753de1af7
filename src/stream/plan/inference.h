// The rules of types that calls, set operations and INSERT share. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "stream/data/type.h"
#include "stream/plan/function.h"

namespace leat::plan {

// The type that values of all these types fit into (CASE results, UNION, VALUES, IN): numbers widen, character types
// become the longer VARCHAR, DATE becomes TIMESTAMP. Nullable if one is; never a rowtime. nullopt: there is none.
std::optional<data::Type> CommonType(std::span<const data::Type> types);

// The type in which two values are compared: CommonType, and beyond it text against a number, a time or a BOOLEAN is
// read as the other's type.
std::optional<data::Type> ComparisonType(const data::Type& a, const data::Type& b);

// Whether INSERT converts without a CAST, by Flink's table of implicit casts: integers to wider ones, every number to
// DECIMAL and DOUBLE, text to VARCHAR, a TIMESTAMP to DATE and TIME, and NULL to everything.
bool CanCastImplicitly(const data::Type& from, const data::Type& to);
// Whether CAST(from AS to) exists.
bool CanCastExplicitly(const data::Type& from, const data::Type& to);

// An integer type as the DECIMAL that holds it; a DECIMAL is itself.
data::Type AsDecimal(const data::Type& type);
// DECIMAL(precision, scale) brought to at most 38 digits, keeping at least 6 of the fraction where there are that many.
data::Type BoundedDecimal(int precision, int scale);
// ROUND and TRUNCATE of a DECIMAL to `digits` after the point.
data::Type RoundedDecimal(const data::Type& type, int digits);

// How a function's parameters and result are written in the table of functions.cc:
//   T text, B BOOLEAN, I INT, L BIGINT, D DOUBLE, N any number, M DATE TIME or a timestamp, A ARRAY, P MAP,
//   C ARRAY, MAP or MULTISET, * anything;
//   [ the rest may be left out, + the last may repeat.
// Result: S STRING, the letters above, = the type of the first argument, otherwise computed in inference.cc ('.').
// A '?' after it: NULL is possible whatever the arguments; a '!': never NULL.
struct Signature {
  std::string_view parameters;
  std::string_view result;
};
const Signature& GetSignature(FunctionId id);
// The types of calls on collections, from kRowOf to kStrToMap. REQUIRES: the letters of the table fit.
absl::StatusOr<data::Type> InferCollectionCall(FunctionId id, std::span<const data::Type> arguments,
                                               std::vector<data::Type>* casts);
// "(STRING, INT [, INT])", for errors and the reference.
std::string DescribeParameters(FunctionId id);

}  // namespace leat::plan
