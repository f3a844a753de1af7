// What a connection that the server does not take is told: an HTTP/2 GOAWAY frame with ENHANCE_YOUR_CALM and the
// reason. Without the SETTINGS frame that should come first, on purpose: for gRPC's clients a connection with SETTINGS
// is made, and after its GOAWAY they connect again at once, without end and without telling the caller. Without it they
// fail the calls with UNAVAILABLE and wait before they try again. Pure.
#pragma once

#include <string>
#include <string_view>

namespace leat::rpc {

std::string RefusalFrames(std::string_view reason);

}  // namespace leat::rpc
