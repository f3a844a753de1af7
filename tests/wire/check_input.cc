#include "tests/wire/check_input.h"

#include <string>

#include "tests/wire/any_message.h"
#include "wire/apis.h"
#include "wire/header.h"

namespace leat::wire {

namespace {

constexpr size_t kBudget = 8 << 20;
constexpr uint8_t kWithHeader = 255;

absl::Status CheckBody(const AnyMessage& message, int16_t version, std::string_view body) {
  Reader in(body, kBudget);
  const absl::StatusOr<std::string> once = message.reencode(in, version);
  if (!once.ok()) return absl::OkStatus();
  Reader in_again(*once, 2 * kBudget);
  const absl::StatusOr<std::string> twice = message.reencode(in_again, version);
  if (!twice.ok()) return Annotate(twice.status(), "what was encoded does not decode");
  if (*twice != *once) return Internal(message.name, " v", version, ": encodes differently the second time");
  return absl::OkStatus();
}

absl::Status CheckRequest(std::string_view frame) {
  Reader in(frame, kBudget);
  RequestHeader header;
  if (!DecodeRequestHeader(in, &header).ok()) return absl::OkStatus();
  const AnyMessage* message = FindMessage(header.api_key, false);
  if (message == nullptr) return absl::OkStatus();
  return CheckBody(*message, header.api_version, frame.substr(in.position()));
}

}  // namespace

absl::Status CheckInput(std::string_view input) {
  if (input.size() < 2) return absl::OkStatus();
  const auto first = static_cast<uint8_t>(input[0]);
  if (first == kWithHeader) return CheckRequest(input.substr(1));
  const AnyMessage* message = FindMessage(first & 0x7f, (first & 0x80) != 0);
  if (message == nullptr) return absl::OkStatus();
  return CheckBody(*message, static_cast<int8_t>(input[1]), input.substr(2));
}

}  // namespace leat::wire
