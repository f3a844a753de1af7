// Requests to the controller and its answers as bytes (proto/leat/internal/controller.proto). Any thread.
#pragma once

#include <string>
#include <string_view>

#include "coordinator/controller_messages.h"

namespace leat::coordinator {

std::string EncodeRequest(const ControllerRequest& request);
std::string EncodeReply(const ControllerReply& reply);
// kInvalidArgument: not a request, or a number in it cannot be meant. kUnimplemented: a kind that this program does not
// know (from a newer one).
absl::StatusOr<ControllerRequest> DecodeRequest(std::string_view bytes);
absl::StatusOr<ControllerReply> DecodeReply(std::string_view bytes);

}  // namespace leat::coordinator
