// Variance and standard deviation from the count, the sum and the sum of the squares, step by step in the argument's
// own type: integers wrap and divisions of them truncate, decimals are rounded to their scale, as Flink rewrites these
// functions. Slots are plain bytes, all zero for no rows; the form is in docs/internals/stream-state.md. Pure.
#pragma once

#include "stream/data/column.h"
#include "stream/plan/plan.h"

namespace leat::exec {

enum class MomentsKind : uint8_t { kInteger, kDouble, kDecimal };

size_t MomentsBytes(MomentsKind kind);
// sign: 1 adds the value, -1 takes it back.
void AddMoment(int64_t value, int sign, char* slot);
void AddMoment(double value, int sign, char* slot);
// scale: of the value; result_scale: of the aggregate's type.
void AddMoment(data::Int128 value, int scale, int result_scale, int sign, char* slot);
void MergeMoments(MomentsKind kind, const char* from, char* into);
// VAR_POP and its like; NULL without values, and for a sample of one.
void AppendMoments(MomentsKind kind, plan::AggregateKind function, const data::Type& argument, const data::Type& type,
                   const char* slot, data::Column* column);

}  // namespace leat::exec
