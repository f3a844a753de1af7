#include "runtime/peer_handshake.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>

#include "base/bytes.h"
#include "base/check.h"

namespace leat::runtime {
namespace {

constexpr std::string_view kMagic = "LEATPEER";
constexpr uint16_t kVersion = 1;
constexpr std::string_view kProofLabel = "leat peer 1: connecting side";
constexpr std::string_view kWelcomeLabel = "leat peer 1: listening side";
constexpr size_t kMaxClusterId = 128;
constexpr size_t kMaxPrintable = 200;

void WriteText(BytesWriter& writer, std::string_view text) {
  writer.Write(static_cast<uint16_t>(text.size()));
  writer.WriteBytes(text);
}

std::string ReadText(BytesReader& reader) {
  const auto size = reader.Read<uint16_t>();
  return std::string(reader.ReadBytes(size));
}

absl::Status Whole(const BytesReader& reader, std::string_view what) {
  if (reader.ok() && reader.remaining() == 0) return absl::OkStatus();
  return InvalidArgument("expected a ", what, " of another Leat node, got ",
                         reader.ok() ? "more bytes than it has" : "fewer bytes than it has");
}

std::string Mac(std::string_view secret, std::string_view label, const PeerTranscript& transcript,
                std::string_view more) {
  std::string text;
  BytesWriter writer(&text);
  for (const std::string_view part :
       {label, std::string_view(transcript.hello), std::string_view(transcript.challenge), more}) {
    writer.Write(static_cast<uint32_t>(part.size()));
    writer.WriteBytes(part);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  const unsigned char* made = HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                                   reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
  LEAT_CHECK(made != nullptr && size == kMacBytes) << "OpenSSL has no HMAC-SHA256";
  return {reinterpret_cast<const char*>(out.data()), size};
}

}  // namespace

std::string Encode(const PeerHello& hello) {
  LEAT_CHECK(hello.nonce.size() == kNonceBytes && hello.cluster_id.size() <= kMaxClusterId);
  std::string out;
  BytesWriter writer(&out);
  writer.WriteBytes(kMagic);
  writer.Write(kVersion);
  writer.Write(hello.from);
  writer.Write(hello.to);
  writer.Write(hello.shard);
  writer.Write(static_cast<uint8_t>(hello.lane));
  writer.Write(hello.incarnation);
  writer.WriteBytes(hello.nonce);
  WriteText(writer, hello.cluster_id);
  return out;
}

absl::StatusOr<PeerHello> DecodeHello(std::string_view bytes) {
  BytesReader reader(bytes);
  if (reader.ReadBytes(kMagic.size()) != kMagic) {
    return InvalidArgument("expected the hello of another Leat node, got something else");
  }
  const auto version = reader.Read<uint16_t>();
  if (reader.ok() && version != kVersion) {
    return InvalidArgument("expected version ", kVersion, " of the protocol between nodes, got version ", version);
  }
  PeerHello out;
  out.from = reader.Read<int32_t>();
  out.to = reader.Read<int32_t>();
  out.shard = reader.Read<uint32_t>();
  const auto lane = reader.Read<uint8_t>();
  out.incarnation = reader.Read<uint64_t>();
  out.nonce = std::string(reader.ReadBytes(kNonceBytes));
  out.cluster_id = ReadText(reader);
  LEAT_RETURN_IF_ERROR(Whole(reader, "hello"));
  if (lane > static_cast<uint8_t>(PeerLane::kRecords) || out.cluster_id.size() > kMaxClusterId || out.from < 0) {
    return InvalidArgument("expected the hello of another Leat node, got one with lane ", int{lane}, " and node ",
                           out.from);
  }
  out.lane = static_cast<PeerLane>(lane);
  return out;
}

std::string Encode(const PeerChallenge& challenge) {
  LEAT_CHECK(challenge.nonce.size() == kNonceBytes);
  std::string out;
  BytesWriter writer(&out);
  writer.WriteBytes(kMagic);
  writer.Write(challenge.node);
  writer.WriteBytes(challenge.nonce);
  return out;
}

absl::StatusOr<PeerChallenge> DecodeChallenge(std::string_view bytes) {
  BytesReader reader(bytes);
  if (reader.ReadBytes(kMagic.size()) != kMagic) {
    return InvalidArgument("expected the challenge of another Leat node, got something else");
  }
  PeerChallenge out;
  out.node = reader.Read<int32_t>();
  out.nonce = std::string(reader.ReadBytes(kNonceBytes));
  LEAT_RETURN_IF_ERROR(Whole(reader, "challenge"));
  return out;
}

std::string Encode(const PeerWelcome& welcome) {
  std::string out;
  BytesWriter writer(&out);
  WriteText(writer, std::string_view(welcome.refusal).substr(0, kMaxPrintable));
  WriteText(writer, welcome.cluster_id);
  WriteText(writer, welcome.mac);
  return out;
}

absl::StatusOr<PeerWelcome> DecodeWelcome(std::string_view bytes) {
  BytesReader reader(bytes);
  PeerWelcome out;
  out.refusal = ReadText(reader);
  out.cluster_id = ReadText(reader);
  out.mac = ReadText(reader);
  LEAT_RETURN_IF_ERROR(Whole(reader, "welcome"));
  return out;
}

std::string ProofOf(std::string_view secret, const PeerTranscript& transcript) {
  return Mac(secret, kProofLabel, transcript, "");
}

std::string WelcomeMac(std::string_view secret, const PeerTranscript& transcript, std::string_view cluster_id) {
  return Mac(secret, kWelcomeLabel, transcript, cluster_id);
}

absl::Status JudgeWelcome(std::string_view bytes, std::string_view secret, const PeerTranscript& transcript,
                          std::string_view cluster_id) {
  LEAT_ASSIGN_OR_RETURN(const PeerWelcome welcome, DecodeWelcome(bytes));
  if (!welcome.refusal.empty()) {
    return absl::PermissionDeniedError(StrCat("it refuses this node: ", Printable(welcome.refusal)));
  }
  if (!SameMac(welcome.mac, WelcomeMac(secret, transcript, welcome.cluster_id))) {
    return absl::UnauthenticatedError("it does not know this cluster's secret; compare cluster.secret_file");
  }
  if (!welcome.cluster_id.empty() && !cluster_id.empty() && welcome.cluster_id != cluster_id) {
    return FailedPrecondition("it belongs to cluster ", Printable(welcome.cluster_id), ", this node to ", cluster_id);
  }
  return absl::OkStatus();
}

bool SameMac(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string Nonce() {
  std::string out(kNonceBytes, '\0');
  LEAT_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size())) == 1)
      << "the system has no randomness";
  return out;
}

uint64_t RandomNumber() { return LoadBigEndian<uint64_t>(Nonce().data()); }

std::string Printable(std::string_view text) {
  std::string out(text.substr(0, kMaxPrintable));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

}  // namespace leat::runtime
