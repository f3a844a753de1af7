// How two nodes prove to each other that they know the cluster's secret, before anything else is said. Four messages,
// each behind its length in four bytes:
//
//   connecting side                              listening side
//   Hello      who I am, whom I want, a nonce ->
//                                             <- Challenge  who I am, a nonce
//   Proof      MAC over both              ->
//                                             <- Welcome    MAC over both and its cluster id, or why not
//
// The MAC is HMAC-SHA256 under the secret over a label for the direction and the bytes of Hello and Challenge, so that
// it is good for these two nonces, nodes and this direction only. The connecting side proves itself first: a stranger
// learns a number and a nonce. Pure but for Nonce.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace leat::runtime {

// Connections to one node are made for each lane apart, so that what is small does not wait behind what is large.
enum class PeerLane : uint8_t { kControl = 0, kRecords = 1 };

inline constexpr size_t kNonceBytes = 32;
inline constexpr size_t kMacBytes = 32;
inline constexpr size_t kMaxHandshakeMessage = 512;
inline constexpr size_t kMinSecretBytes = 16;
inline constexpr size_t kMaxSecretBytes = 4096;

struct PeerHello {
  int32_t from = 0;
  int32_t to = 0;
  uint32_t shard = 0;  // the caller's; the connection goes to the shard of that number, modulo
  PeerLane lane = PeerLane::kControl;
  uint64_t incarnation = 0;
  std::string nonce;
  std::string cluster_id;
};

struct PeerChallenge {
  int32_t node = 0;
  std::string nonce;
};

struct PeerWelcome {
  std::string refusal;  // empty: welcome
  std::string cluster_id;
  std::string mac;
};

std::string Encode(const PeerHello& hello);
std::string Encode(const PeerChallenge& challenge);
std::string Encode(const PeerWelcome& welcome);
// kInvalidArgument: these are not the bytes of one, or of another version; the text says which.
absl::StatusOr<PeerHello> DecodeHello(std::string_view bytes);
absl::StatusOr<PeerChallenge> DecodeChallenge(std::string_view bytes);
absl::StatusOr<PeerWelcome> DecodeWelcome(std::string_view bytes);

// What both sides sign: the encoded Hello and Challenge.
struct PeerTranscript {
  std::string hello;
  std::string challenge;
};
std::string ProofOf(std::string_view secret, const PeerTranscript& transcript);
std::string WelcomeMac(std::string_view secret, const PeerTranscript& transcript, std::string_view cluster_id);
// What the connecting side says of the last message. kPermissionDenied: it refuses us; kUnauthenticated: it does not
// know the secret; kFailedPrecondition: it belongs to another cluster than `cluster_id`, if both are known.
absl::Status JudgeWelcome(std::string_view bytes, std::string_view secret, const PeerTranscript& transcript,
                          std::string_view cluster_id);
// Takes as long for any two texts of one length.
bool SameMac(std::string_view a, std::string_view b);

// kNonceBytes that nobody can guess.
std::string Nonce();
// The same for an incarnation.
uint64_t RandomNumber();

// Text that came from elsewhere, cut and without control characters: for the log.
std::string Printable(std::string_view text);

}  // namespace leat::runtime
