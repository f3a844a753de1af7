// Times from and to text with Java's patterns.
#include <algorithm>

#include "base/strings.h"
#include "stream/data/time_zone.h"
#include "stream/exec/calendar.h"
#include "stream/exec/java_time_pattern.h"
#include "stream/exec/node.h"

namespace leat::exec {
namespace {

using data::TypeKind;
using plan::FunctionId;
using Text = std::string_view;

constexpr Text kDefaultPattern = "yyyy-MM-dd HH:mm:ss";

// The pattern of a row; constant patterns are parsed once a batch.
class Patterns {
 public:
  // Null, with the row failed, if it is no pattern.
  const JavaTimePattern* Get(const KernelCall& call, size_t row, Text pattern) {
    if (!known_ || text_ != pattern) {
      text_ = pattern;
      parsed_ = JavaTimePattern::Parse(pattern);
      known_ = true;
    }
    if (parsed_.ok()) return &*parsed_;
    call.errors.Add(row, Message(parsed_.status()));
    return nullptr;
  }

 private:
  bool known_ = false;
  std::string text_;
  absl::StatusOr<JavaTimePattern> parsed_ = absl::UnknownError("");
};

absl::Status CheckPattern(const Binding& binding, size_t i) {
  if (i >= binding.count()) return absl::OkStatus();
  const std::optional<std::string> pattern = binding.ConstantText(i);
  return pattern ? JavaTimePattern::Parse(*pattern).status() : absl::OkStatus();
}

bool DefaultTimestamp(Text text, int64_t* micros) {
  return data::ParseTimestamp(text, data::TimeSyntax::kCast, micros);
}

// text [, pattern] -> R by way of microseconds; text that does not fit, nor is read by `otherwise`, gives NULL.
template <typename R, typename F>
Kernel Reading(size_t count, F convert, bool (*otherwise)(Text, int64_t*) = nullptr) {
  if (count == 1) {
    return [convert](const KernelCall& call) {
      return MapRows<R, Text>(call, [&](size_t, R* out, Text text) {
        int64_t micros = 0;
        if (!DefaultTimestamp(text, &micros)) return false;
        *out = convert(micros);
        return true;
      });
    };
  }
  return [convert, otherwise](const KernelCall& call) {
    Patterns patterns;
    return MapRows<R, Text, Text>(call, [&](size_t row, R* out, Text text, Text pattern) {
      const JavaTimePattern* parsed = patterns.Get(call, row, pattern);
      int64_t micros = 0;
      if (parsed == nullptr) return false;
      if (!parsed->Read(text, &micros) && !(otherwise != nullptr && otherwise(text, &micros))) return false;
      *out = convert(micros);
      return true;
    });
  };
}

// text in the form of kDefaultPattern and no other -> BIGINT.
template <typename F>
Kernel ReadingDefault(F convert) {
  return [convert](const KernelCall& call) {
    const absl::StatusOr<JavaTimePattern> pattern = JavaTimePattern::Parse(kDefaultPattern);
    LEAT_CHECK_OK(pattern.status());
    return MapRows<int64_t, Text>(call, [&](size_t, int64_t* out, Text text) {
      int64_t micros = 0;
      if (!pattern->Read(text, &micros)) return false;
      *out = convert(micros);
      return true;
    });
  };
}

Kernel ToTimestamp(size_t count) {
  // Text that does not fit the pattern is tried as the usual form of a timestamp or date, as on Flink.
  return Reading<int64_t>(
      count, [](int64_t micros) { return data::TruncateMicros(micros, 3); }, DefaultTimestamp);
}
Kernel ToDate(size_t count) {
  return Reading<int32_t>(count,
                          [](int64_t micros) { return static_cast<int32_t>(FloorDiv(micros, data::kMicrosPerDay)); });
}
// With (text, pattern, zone) the text is a time of the wall there.
Kernel UnixTimestampOf(size_t count, const data::TimeZone& zone) {
  // Unlike the others this one gives Long.MIN_VALUE for text that does not fit, as Flink does.
  const auto seconds = [zone](int64_t micros) { return FloorDiv(zone.ToLastEpoch(micros), data::kMicrosPerSecond); };
  const Kernel read = count == 1 ? ReadingDefault(seconds) : Reading<int64_t>(count, seconds);
  return [read](const KernelCall& call) {
    const std::vector<uint8_t> given = StrictValidity(call);
    auto out = std::const_pointer_cast<data::Column>(read(call));
    if (!out->has_nulls()) return data::ColumnPtr(out);
    auto fixed = std::make_shared<data::Column>(call.type);
    const std::span<int64_t> values = fixed->Resize<int64_t>(call.rows);
    for (size_t row = 0; row < call.rows; ++row) {
      values[row] = out->IsNull(row) ? INT64_MIN : out->values<int64_t>()[row];
    }
    fixed->SetValidity(given);
    return data::ColumnPtr(fixed);
  };
}

// The time zone of a row.
class Zones {
 public:
  // UTC for a name that is none, as Java's TimeZone takes it.
  const data::TimeZone& Get(Text name) {
    Look(name);
    return zone_;
  }
  // Null for a name that is none.
  const data::TimeZone* Find(Text name) {
    Look(name);
    return found_ ? &zone_ : nullptr;
  }

 private:
  void Look(Text name) {
    if (known_ && name_ == name) return;
    const absl::StatusOr<data::TimeZone> loaded = data::TimeZone::Load(name);
    name_ = name;
    known_ = true;
    found_ = loaded.ok();
    zone_ = loaded.value_or(data::TimeZone::Utc());
  }

  bool known_ = false;
  bool found_ = false;
  std::string name_;
  data::TimeZone zone_ = data::TimeZone::Utc();
};

// CONVERT_TZ(text, from, to): a time of the wall in one zone as that in another.
Kernel ConvertZone() {
  return [](const KernelCall& call) {
    const absl::StatusOr<JavaTimePattern> pattern = JavaTimePattern::Parse(kDefaultPattern);
    LEAT_CHECK_OK(pattern.status());
    Zones from_zones;
    Zones to_zones;
    return MapText<Text, Text, Text>(call, [&](size_t, std::string* out, Text text, Text from, Text to) {
      int64_t micros = 0;
      if (!pattern->Read(text, &micros)) return false;
      pattern->Format(to_zones.Get(to).ToLocal(from_zones.Get(from).ToLastEpoch(micros)), out);
      return true;
    });
  };
}

// TO_TIMESTAMP_LTZ(text [, pattern [, zone]]): NULL for text that does not fit, but an error if there is no pattern.
Kernel InstantOf(size_t count) {
  const Kernel read = ToTimestamp(std::min<size_t>(count, 2));
  if (count == 2) return read;
  if (count == 1) {
    return [](const KernelCall& call) {
      return MapRows<int64_t, Text>(call, [&](size_t row, int64_t* out, Text text) {
        const bool fits = DefaultTimestamp(text, out);
        if (!fits) call.errors.Add(row, StrCat("TO_TIMESTAMP_LTZ('", text.substr(0, 80), "'): this text is no time"));
        *out = data::TruncateMicros(*out, 3);
        return fits;
      });
    };
  }
  return [read](const KernelCall& call) -> data::ColumnPtr {
    const data::ColumnPtr local = read({call.type, call.args.first(2), call.rows, call.context, call.errors});
    auto out = std::make_shared<data::Column>(call.type);
    const View<Text> names(call.args[2]);
    Zones zones;
    for (size_t row = 0; row < call.rows; ++row) {
      const data::TimeZone* zone = names.IsNull(row) || local->IsNull(row) ? nullptr : zones.Find(names[row]);
      if (zone == nullptr) {
        out->AppendNull();
      } else {
        out->Append<int64_t>(zone->ToEpoch(local->values<int64_t>()[row]));
      }
    }
    return out;
  };
}

Kernel UnixTimestampNow() {
  return [](const KernelCall& call) -> data::ColumnPtr {
    auto out = std::make_shared<data::Column>(call.type);
    for (size_t row = 0; row < call.rows; ++row) out->Append<int64_t>(FloorDiv(call.context.wall_ms, 1000));
    return out;
  };
}

template <typename A, typename F>
Kernel Formatting(F to_micros) {
  return [to_micros](const KernelCall& call) {
    Patterns patterns;
    return MapText<A, Text>(call, [&](size_t row, std::string* out, A time, Text pattern) {
      const JavaTimePattern* parsed = patterns.Get(call, row, pattern);
      int64_t micros = 0;
      if (parsed == nullptr || !to_micros(time, &micros)) return false;
      parsed->Format(micros, out);
      return true;
    });
  };
}

absl::StatusOr<Kernel> MakeDateFormat(const Binding& binding) {
  switch (binding.arg(0).kind) {
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return Formatting<int64_t>([](int64_t us, int64_t* out) { return *out = us, true; });
    case TypeKind::kDate:
      return Formatting<int32_t>([](int32_t days, int64_t* out) { return *out = days * data::kMicrosPerDay, true; });
    case TypeKind::kTime:
      return Formatting<int32_t>([](int32_t ms, int64_t* out) { return *out = ms * data::kMicrosPerMilli, true; });
    case TypeKind::kChar:
    case TypeKind::kVarchar:
      return Formatting<Text>(DefaultTimestamp);
    default:
      return NoKernel(binding);
  }
}

bool SecondsToMicros(int64_t seconds, int64_t* out) {
  *out = SaturatingMultiply(seconds, data::kMicrosPerSecond);
  return true;
}

Kernel FromUnixTime(size_t count) {
  if (count == 2) return Formatting<int64_t>(SecondsToMicros);
  return [](const KernelCall& call) {
    const absl::StatusOr<JavaTimePattern> pattern = JavaTimePattern::Parse(kDefaultPattern);
    LEAT_CHECK_OK(pattern.status());
    return MapText<int64_t>(call, [&](size_t, std::string* out, int64_t seconds) {
      pattern->Format(SaturatingMultiply(seconds, data::kMicrosPerSecond), out);
      return true;
    });
  };
}

}  // namespace

absl::StatusOr<Kernel> MakeTimeTextKernel(const Binding& binding) {
  const FunctionId id = binding.call.function;
  const size_t count = binding.count();
  if (id != FunctionId::kConvertTz) LEAT_RETURN_IF_ERROR(CheckPattern(binding, 1));
  for (size_t i = 0; i < count; ++i) {
    const bool time = i == 0 && (id == FunctionId::kDateFormat || id == FunctionId::kFromUnixTime);
    if (!time && binding.arg(i).storage() != data::Storage::kText) return NoKernel(binding);
  }
  switch (id) {
    case FunctionId::kDateFormat:
      return MakeDateFormat(binding);
    case FunctionId::kToDate:
      return ToDate(count);
    case FunctionId::kToTimestamp:
      return ToTimestamp(count);
    case FunctionId::kFromUnixTime:
      if (binding.arg(0).storage() != data::Storage::kInt64) return NoKernel(binding);
      return FromUnixTime(count);
    case FunctionId::kConvertTz:
      return ConvertZone();
    case FunctionId::kToTimestampLtz:
      return InstantOf(count);
    default:
      break;
  }
  if (count == 0) return UnixTimestampNow();
  if (count < 3) return UnixTimestampOf(count, data::TimeZone::Utc());
  const auto name = binding.ConstantText(2);
  if (!name) return Internal("the time zone of UNIX_TIMESTAMP is no constant");
  LEAT_ASSIGN_OR_RETURN(const data::TimeZone zone, data::TimeZone::Load(*name));
  return UnixTimestampOf(2, zone);
}

}  // namespace leat::exec
