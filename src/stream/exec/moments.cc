#include "stream/exec/moments.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "stream/data/decimal.h"

namespace leat::exec {
namespace {

using data::Int128;
using plan::AggregateKind;

template <typename T>
struct Moments {
  int64_t count;
  T sum;
  T squares;
};
struct DecimalMoments {
  int64_t count;
  int64_t overflowed;
  Int128 sum;
  Int128 squares;
};

template <typename T>
T Get(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
template <typename T>
void Put(const T& value, char* to) {
  std::memcpy(to, &value, sizeof(T));
}

bool IsSample(AggregateKind kind) { return kind == AggregateKind::kVarSamp || kind == AggregateKind::kStddevSamp; }
bool IsRoot(AggregateKind kind) { return kind == AggregateKind::kStddevPop || kind == AggregateKind::kStddevSamp; }

// The scale of the square of a DECIMAL(38, scale): of its 77 digits only 38 are kept, six of them behind the point.
int SquareScale(int scale) {
  const int whole_digits = 2 * data::kMaxDecimalPrecision + 1 - 2 * scale;
  return std::max(data::kMaxDecimalPrecision - whole_digits, std::min(2 * scale, 6));
}

// Cut to the width of the type, as Java does.
int64_t Cut(uint64_t value, const data::Type& type) {
  switch (type.kind) {
    case data::TypeKind::kTinyInt:
      return static_cast<int8_t>(value);
    case data::TypeKind::kSmallInt:
      return static_cast<int16_t>(value);
    case data::TypeKind::kInt:
      return static_cast<int32_t>(value);
    default:
      return static_cast<int64_t>(value);
  }
}

// As Java casts a double to an integer.
int64_t ToInteger(double value, const data::Type& type) {
  if (std::isnan(value)) return 0;
  if (value >= 9.2233720368547758e18) return Cut(std::numeric_limits<int64_t>::max(), type);
  return Cut(static_cast<uint64_t>(static_cast<int64_t>(value)), type);
}

int64_t Divide(int64_t a, int64_t b) { return b == -1 ? static_cast<int64_t>(0 - static_cast<uint64_t>(a)) : a / b; }

std::optional<int64_t> IntegerResult(AggregateKind function, const data::Type& type, const char* slot) {
  const auto moments = Get<Moments<uint64_t>>(slot);
  const int64_t count = Cut(static_cast<uint64_t>(moments.count), type);
  const int64_t divisor = IsSample(function) ? count - 1 : count;
  if (count == 0 || divisor == 0) return std::nullopt;
  const auto sum = static_cast<uint64_t>(Cut(moments.sum, type));
  const int64_t mean_part = Divide(Cut(sum * sum, type), count);
  const int64_t difference = Cut(moments.squares - static_cast<uint64_t>(mean_part), type);
  const int64_t variance = Divide(difference, divisor);
  return IsRoot(function) ? ToInteger(std::pow(static_cast<double>(variance), 0.5), type) : variance;
}

std::optional<double> DoubleResult(AggregateKind function, const char* slot) {
  const auto moments = Get<Moments<double>>(slot);
  const auto count = static_cast<double>(moments.count);
  const double divisor = IsSample(function) ? count - 1 : count;
  if (moments.count == 0 || divisor == 0) return std::nullopt;
  const double variance = (moments.squares - moments.sum * moments.sum / count) / divisor;
  return IsRoot(function) ? std::pow(variance, 0.5) : variance;
}

std::optional<Int128> DecimalResultOf(AggregateKind function, const data::Type& argument, const data::Type& type,
                                      const char* slot) {
  const auto moments = Get<DecimalMoments>(slot);
  const int64_t divisor = IsSample(function) ? moments.count - 1 : moments.count;
  if (moments.count == 0 || divisor == 0 || moments.overflowed != 0) return std::nullopt;
  constexpr int kDigits = data::kMaxDecimalPrecision;
  const int scale = SquareScale(type.scale);
  const auto ok = [](data::DecimalResult result) { return result == data::DecimalResult::kOk; };
  Int128 sum = 0;
  Int128 squared = 0;
  Int128 mean_part = 0;
  Int128 variance = 0;
  if (!ok(data::RescaleDecimal(moments.sum, argument.scale, kDigits, type.scale, &sum)) ||
      !ok(data::MultiplyDecimal({sum, type.scale}, {sum, type.scale}, kDigits, scale, &squared)) ||
      !ok(data::DivideDecimal({squared, scale}, {moments.count, 0}, kDigits, scale, &mean_part)) ||
      !data::FitsPrecision(moments.squares - mean_part, kDigits) ||
      !ok(data::DivideDecimal({moments.squares - mean_part, scale}, {divisor, 0}, kDigits, scale, &variance))) {
    return std::nullopt;
  }
  Int128 result = 0;
  if (!IsRoot(function)) {
    if (!ok(data::RescaleDecimal(variance, scale, type.precision, type.scale, &result))) return std::nullopt;
    return result;
  }
  const double root = std::pow(data::DecimalToDouble(variance, scale), 0.5);
  if (!ok(data::DecimalFromDouble(root, type.precision, type.scale, &result))) return std::nullopt;
  return result;
}

}  // namespace

size_t MomentsBytes(MomentsKind kind) {
  return kind == MomentsKind::kDecimal ? sizeof(DecimalMoments) : sizeof(Moments<int64_t>);
}

void AddMoment(int64_t value, int sign, char* slot) {
  auto moments = Get<Moments<uint64_t>>(slot);
  const auto bits = static_cast<uint64_t>(value);
  moments.count += sign;
  moments.sum += sign > 0 ? bits : 0 - bits;
  moments.squares += sign > 0 ? bits * bits : 0 - bits * bits;
  Put(moments, slot);
}

void AddMoment(double value, int sign, char* slot) {
  auto moments = Get<Moments<double>>(slot);
  moments.count += sign;
  moments.sum += sign > 0 ? value : -value;
  moments.squares += sign > 0 ? value * value : -(value * value);
  Put(moments, slot);
}

void AddMoment(Int128 value, int scale, int result_scale, int sign, char* slot) {
  auto moments = Get<DecimalMoments>(slot);
  moments.count += sign;
  Int128 square = 0;
  if (data::MultiplyDecimal({value, scale}, {value, scale}, data::kMaxDecimalPrecision, SquareScale(result_scale),
                            &square) != data::DecimalResult::kOk ||
      __builtin_add_overflow(moments.sum, sign > 0 ? value : -value, &moments.sum) ||
      __builtin_add_overflow(moments.squares, sign > 0 ? square : -square, &moments.squares)) {
    moments.overflowed = 1;
  }
  Put(moments, slot);
}

void MergeMoments(MomentsKind kind, const char* from, char* into) {
  if (kind == MomentsKind::kInteger) {
    const auto a = Get<Moments<uint64_t>>(from);
    const auto b = Get<Moments<uint64_t>>(into);
    Put(Moments<uint64_t>{a.count + b.count, a.sum + b.sum, a.squares + b.squares}, into);
  } else if (kind == MomentsKind::kDouble) {
    const auto a = Get<Moments<double>>(from);
    const auto b = Get<Moments<double>>(into);
    Put(Moments<double>{a.count + b.count, b.sum + a.sum, b.squares + a.squares}, into);
  } else {
    const auto a = Get<DecimalMoments>(from);
    auto b = Get<DecimalMoments>(into);
    b.count += a.count;
    b.overflowed |= a.overflowed;
    if (__builtin_add_overflow(a.sum, b.sum, &b.sum)) b.overflowed = 1;
    if (__builtin_add_overflow(a.squares, b.squares, &b.squares)) b.overflowed = 1;
    Put(b, into);
  }
}

void AppendMoments(MomentsKind kind, AggregateKind function, const data::Type& argument, const data::Type& type,
                   const char* slot, data::Column* column) {
  if (kind == MomentsKind::kDecimal) {
    const std::optional<Int128> value = DecimalResultOf(function, argument, type, slot);
    return value ? column->Append<Int128>(*value) : column->AppendNull();
  }
  if (kind == MomentsKind::kDouble) {
    const std::optional<double> value = DoubleResult(function, slot);
    if (!value) return column->AppendNull();
    return column->Append<double>(type.kind == data::TypeKind::kFloat ? static_cast<float>(*value) : *value);
  }
  const std::optional<int64_t> value = IntegerResult(function, type, slot);
  if (!value) return column->AppendNull();
  if (type.storage() == data::Storage::kInt32) return column->Append<int32_t>(static_cast<int32_t>(*value));
  column->Append<int64_t>(*value);
}

}  // namespace leat::exec
