#include "grpc/refusal.h"

#include <cstdint>

namespace leat::rpc {
namespace {

// RFC 9113, sections 4.1 and 7.
constexpr uint8_t kGoAway = 7;
constexpr uint32_t kEnhanceYourCalm = 11;

void AppendBigEndian(uint32_t value, int bytes, std::string* out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift));
}

// Of the connection's own stream, 0, and without flags.
void AppendFrame(uint8_t type, std::string_view payload, std::string* out) {
  AppendBigEndian(static_cast<uint32_t>(payload.size()), 3, out);
  out->push_back(static_cast<char>(type));
  out->append(5, '\0');
  out->append(payload);
}

}  // namespace

std::string RefusalFrames(std::string_view reason) {
  std::string goaway;
  AppendBigEndian(0, 4, &goaway);  // the last stream that was served: none
  AppendBigEndian(kEnhanceYourCalm, 4, &goaway);
  goaway.append(reason);
  std::string frames;
  AppendFrame(kGoAway, goaway, &frames);
  return frames;
}

}  // namespace leat::rpc
