// The types that keys.cc builds its table from: each makes a Key from its name, the way to its field, its range and
// help. `field` is a callable that takes a BrokerOptions, const or not, and gives the field.
#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/keys.h"
#include "config/values.h"

namespace leat::config {

template <typename T>
struct Range {
  T low;
  T high;
};

enum class Unlimited { kNo, kAllowed };
inline constexpr std::string_view kUnlimited = "unlimited";

template <typename T, typename Format>
absl::Status CheckRange(const T& value, const Range<T>& range, std::string_view text, const Format& format) {
  if (value >= range.low && value <= range.high) return absl::OkStatus();
  return InvalidArgument("expected a value in ", format(range.low), "..", format(range.high), ", got '", text, "'");
}

inline std::string JoinList(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) StrAppend(&text, text.empty() ? "" : ",", item);
  return text;
}

template <typename Field>
Key Int(std::string name, Field field, Range<int64_t> range, std::string help) {
  return {.name = std::move(name),
          .type = "integer",
          .range = StrCat(range.low, "..", range.high),
          .help = std::move(help),
          .set = [=](BrokerOptions& options, std::string_view text) -> absl::Status {
            LEAT_ASSIGN_OR_RETURN(const int64_t value, ParseInt(text));
            LEAT_RETURN_IF_ERROR(CheckRange(value, range, text, [](int64_t v) { return StrCat(v); }));
            using Number = std::remove_reference_t<decltype(field(options))>;
            field(options) = static_cast<Number>(value);
            return absl::OkStatus();
          },
          .get = [=](const BrokerOptions& options) { return StrCat(field(options)); }};
}

template <typename Field>
Key Bytes(std::string name, Field field, Range<int64_t> range, std::string help, Unlimited unlimited = Unlimited::kNo) {
  const bool may_be_unlimited = unlimited == Unlimited::kAllowed;
  return {.name = std::move(name),
          .type = "size",
          .range = StrCat(BytesText(range.low), "..", BytesText(range.high), may_be_unlimited ? " or unlimited" : ""),
          .help = std::move(help),
          .set = [=](BrokerOptions& options, std::string_view text) -> absl::Status {
            if (may_be_unlimited && text == kUnlimited) {
              field(options) = -1;
              return absl::OkStatus();
            }
            LEAT_ASSIGN_OR_RETURN(const int64_t value, ParseBytes(text));
            LEAT_RETURN_IF_ERROR(CheckRange(value, range, text, BytesText));
            field(options) = value;
            return absl::OkStatus();
          },
          .get =
              [=](const BrokerOptions& options) {
                const int64_t value = field(options);
                return may_be_unlimited && value == -1 ? std::string(kUnlimited) : BytesText(value);
              }};
}

template <typename Field>
Key Time(std::string name, Field field, Range<Duration> range, std::string help, Unlimited unlimited = Unlimited::kNo) {
  const bool may_be_unlimited = unlimited == Unlimited::kAllowed;
  return {
      .name = std::move(name),
      .type = "duration",
      .range = StrCat(DurationText(range.low), "..", DurationText(range.high), may_be_unlimited ? " or unlimited" : ""),
      .help = std::move(help),
      .set = [=](BrokerOptions& options, std::string_view text) -> absl::Status {
        if (may_be_unlimited && text == kUnlimited) {
          field(options) = absl::InfiniteDuration();
          return absl::OkStatus();
        }
        LEAT_ASSIGN_OR_RETURN(const Duration value, ParseDuration(text));
        LEAT_RETURN_IF_ERROR(CheckRange(value, range, text, DurationText));
        field(options) = value;
        return absl::OkStatus();
      },
      .get =
          [=](const BrokerOptions& options) {
            const Duration value = field(options);
            return value == absl::InfiniteDuration() ? std::string(kUnlimited) : DurationText(value);
          }};
}

template <typename Field>
Key Bool(std::string name, Field field, std::string help) {
  return {.name = std::move(name),
          .type = "true or false",
          .help = std::move(help),
          .set = [=](BrokerOptions& options, std::string_view text) -> absl::Status {
            LEAT_ASSIGN_OR_RETURN(field(options), ParseBool(text));
            return absl::OkStatus();
          },
          .get = [=](const BrokerOptions& options) { return std::string(field(options) ? "true" : "false"); }};
}

enum class Presence { kRequired, kOptional };

template <typename Field>
Key Text(std::string name, Field field, Presence presence, std::string help) {
  const bool optional = presence == Presence::kOptional;
  return {.name = std::move(name),
          .type = "text",
          .range = optional ? "" : "not empty",
          .help = std::move(help),
          .set = [=](BrokerOptions& options, std::string_view text) -> absl::Status {
            if (text.empty() && !optional) return InvalidArgument("expected text, got nothing");
            field(options) = std::string(text);
            return absl::OkStatus();
          },
          .get = [=](const BrokerOptions& options) { return field(options); }};
}

template <typename Field>
Key Listener(std::string name, Field field, Presence presence, std::string help) {
  const bool optional = presence == Presence::kOptional;
  return {.name = std::move(name),
          .type = "host:port",
          .range = optional ? "port 0..65535, or empty for off" : "port 0..65535",
          .help = std::move(help),
          .set = [=](BrokerOptions& options, std::string_view text) -> absl::Status {
            if (!(optional && text.empty())) LEAT_RETURN_IF_ERROR(ParseAddress(text).status());
            field(options) = std::string(text);
            return absl::OkStatus();
          },
          .get = [=](const BrokerOptions& options) { return field(options); }};
}

// Several of [name://]host:port.
template <typename Field>
Key Listeners(std::string name, Field field, std::string help) {
  return {.name = std::move(name),
          .type = "list of [name://]host:port",
          .range = "port 0..65535",
          .help = std::move(help),
          .shape = Shape::kList,
          .set = [=](BrokerOptions& options, std::string_view text) -> absl::Status {
            std::vector<std::string> items = SplitList(text);
            for (const std::string& item : items) LEAT_RETURN_IF_ERROR(ParseNamedAddress(item).status());
            field(options) = std::move(items);
            return absl::OkStatus();
          },
          .get = [=](const BrokerOptions& options) { return JoinList(field(options)); }};
}

// Several absolute paths.
template <typename Field>
Key Folders(std::string name, Field field, std::string help) {
  return {.name = std::move(name),
          .type = "list of folders",
          .range = "absolute paths",
          .help = std::move(help),
          .shape = Shape::kList,
          .set = [=](BrokerOptions& options, std::string_view text) -> absl::Status {
            std::vector<std::string> items = SplitList(text);
            for (const std::string& item : items) {
              if (!item.starts_with('/')) return InvalidArgument("expected an absolute path, got '", item, "'");
            }
            field(options) = std::move(items);
            return absl::OkStatus();
          },
          .get = [=](const BrokerOptions& options) { return JoinList(field(options)); }};
}

// Several of id@host:port.
template <typename Field>
Key Voters(std::string name, Field field, std::string help) {
  return {.name = std::move(name),
          .type = "list of id@host:port",
          .range = "port 1..65535",
          .help = std::move(help),
          .shape = Shape::kList,
          .set = [=](BrokerOptions& options, std::string_view text) -> absl::Status {
            std::vector<std::string> items = SplitList(text);
            for (const std::string& item : items) LEAT_RETURN_IF_ERROR(ParseVoter(item).status());
            field(options) = std::move(items);
            return absl::OkStatus();
          },
          .get = [=](const BrokerOptions& options) { return JoinList(field(options)); }};
}

template <typename E>
using Names = std::vector<std::pair<std::string, E>>;

template <typename Field, typename E>
Key OneOf(std::string name, Field field, Names<E> names, std::string help) {
  std::string list;
  for (const auto& [word, value] : names) StrAppend(&list, list.empty() ? "" : ", ", word);
  return {.name = std::move(name),
          .type = StrCat("one of ", list),
          .help = std::move(help),
          .set = [=](BrokerOptions& options, std::string_view text) -> absl::Status {
            const auto it = std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.first == text; });
            if (it == names.end()) return InvalidArgument("expected one of ", list, ", got '", text, "'");
            field(options) = it->second;
            return absl::OkStatus();
          },
          .get =
              [=](const BrokerOptions& options) {
                const auto it =
                    std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.second == field(options); });
                return it == names.end() ? std::string() : it->first;
              }};
}

template <typename Field>
Key List(std::string name, Field field, std::string help) {  // of text
  return {.name = std::move(name),
          .type = "list of text",
          .help = std::move(help),
          .shape = Shape::kList,
          .set = [=](BrokerOptions& options, std::string_view text) -> absl::Status {
            field(options) = SplitList(text);
            return absl::OkStatus();
          },
          .get = [=](const BrokerOptions& options) { return JoinList(field(options)); }};
}

}  // namespace leat::config
