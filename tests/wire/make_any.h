// MakeAny<Message>: included by the generated sources only, after the messages and before their Visit functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/wire/any_message.h"
#include "tests/wire/visitors.h"
#include "wire/writer.h"

namespace leat::wire {

inline constexpr size_t kRoundTripBudget = 16 << 20;

template <typename Message>
std::string Encoded(Message message, int16_t version) {
  Writer out;
  std::move(message).Encode(out, version);
  return out.TakeString();
}

template <typename Message>
std::string Printed(Message& message, int16_t version) {
  Printer printer;
  Visit(printer, message, version);
  return printer.Take();
}

template <typename Message>
absl::Status RoundTrip(Random& random, int16_t version) {
  Filler filler(random);
  Message message;
  Visit(filler, message, version);
  const std::string bytes = Encoded(message, version);
  Reader in(bytes, kRoundTripBudget);
  Message again;
  LEAT_RETURN_IF_ERROR(again.Decode(in, version));
  if (again == message) return absl::OkStatus();
  return DataLoss(Message::kName, " v", version, " became\n", Printed(again, version), "but was\n",
                  Printed(message, version));
}

template <typename Message>
AnyMessage MakeAny() {
  AnyMessage any;
  any.name = Message::kName;
  any.key = Message::kApiKey;
  any.min_version = Message::kMinVersion;
  any.max_version = Message::kMaxVersion;
  any.is_response = any.name.ends_with("Response");
  any.decode = [](Reader& in, int16_t version) { return Message().Decode(in, version); };
  any.reencode = [](Reader& in, int16_t version) -> absl::StatusOr<std::string> {
    Message message;
    LEAT_RETURN_IF_ERROR(message.Decode(in, version));
    return Encoded(std::move(message), version);
  };
  any.print = [](Reader& in, int16_t version) -> absl::StatusOr<std::string> {
    Message message;
    LEAT_RETURN_IF_ERROR(message.Decode(in, version));
    return Printed(message, version);
  };
  any.random = [](Random& random, int16_t version) {
    Filler filler(random);
    Message message;
    Visit(filler, message, version);
    return Encoded(std::move(message), version);
  };
  any.round_trip = &RoundTrip<Message>;
  return any;
}

}  // namespace leat::wire
