#include "runtime/peer_handshake.h"

#include <rapidcheck/gtest.h>

#include "env/disk.h"
#include "runtime/peer_secret.h"
#include "runtime/posix_disk.h"
#include "tests/runtime/temp_directory.h"

namespace leat::runtime {
namespace {

using testing::HasSubstr;

constexpr char kSecret[] = "a secret of the cluster";

PeerHello AHello() {
  return {.from = 1,
          .to = 2,
          .shard = 3,
          .lane = PeerLane::kRecords,
          .incarnation = 4,
          .nonce = std::string(kNonceBytes, 'n'),
          .cluster_id = "cluster"};
}

PeerTranscript ATranscript() {
  return {.hello = Encode(AHello()), .challenge = Encode(PeerChallenge{.node = 2, .nonce = std::string(32, 'm')})};
}

TEST(PeerHello, IsReadAsItWasWritten) {
  const absl::StatusOr<PeerHello> hello = DecodeHello(Encode(AHello()));
  ASSERT_TRUE(hello.ok()) << hello.status();
  EXPECT_EQ(hello->from, 1);
  EXPECT_EQ(hello->to, 2);
  EXPECT_EQ(hello->shard, 3u);
  EXPECT_EQ(hello->lane, PeerLane::kRecords);
  EXPECT_EQ(hello->incarnation, 4u);
  EXPECT_EQ(hello->nonce, std::string(kNonceBytes, 'n'));
  EXPECT_EQ(hello->cluster_id, "cluster");
  EXPECT_LE(Encode(AHello()).size(), kMaxHandshakeMessage);
}

TEST(PeerHello, RefusesAllButItself) {
  const std::string good = Encode(AHello());
  for (size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(DecodeHello(good.substr(0, n)).ok()) << n;
  EXPECT_FALSE(DecodeHello(good + "x").ok());
  EXPECT_THAT(std::string(Message(DecodeHello("GET / HTTP/1.1\r\n").status())), HasSubstr("got something else"));
  std::string other_version = good;
  other_version[9] = 2;
  EXPECT_THAT(std::string(Message(DecodeHello(other_version).status())), HasSubstr("got version 2"));
}

RC_GTEST_PROP(PeerHandshake, NoBytesAreTooStrange, (const std::string& bytes)) {
  static_cast<void>(DecodeHello("LEATPEER" + bytes));
  static_cast<void>(DecodeChallenge("LEATPEER" + bytes));
  RC_ASSERT(!JudgeWelcome(bytes, kSecret, ATranscript(), "").ok());
}

TEST(Proof, IsGoodForItsSecretNoncesNodesAndDirectionOnly) {
  const std::string proof = ProofOf(kSecret, ATranscript());
  EXPECT_EQ(proof.size(), kMacBytes);
  EXPECT_TRUE(SameMac(proof, ProofOf(kSecret, ATranscript())));
  EXPECT_FALSE(SameMac(proof, ProofOf("another secret than that", ATranscript())));
  EXPECT_FALSE(SameMac(proof, WelcomeMac(kSecret, ATranscript(), "")));
  PeerTranscript other = ATranscript();
  other.challenge = Encode(PeerChallenge{.node = 2, .nonce = std::string(32, 'k')});
  EXPECT_FALSE(SameMac(proof, ProofOf(kSecret, other)));
  other = ATranscript();
  other.challenge = Encode(PeerChallenge{.node = 3, .nonce = std::string(32, 'm')});
  EXPECT_FALSE(SameMac(proof, ProofOf(kSecret, other)));
}

std::string HexOf(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    for (const int nibble : {(c >> 4) & 15, c & 15}) out += "0123456789abcdef"[nibble];
  }
  return out;
}

TEST(Proof, IsHmacSha256) {
  // Computed by another implementation (Python's hmac) over label, hello, challenge and nothing, each behind its
  // length.
  const std::string mac = ProofOf("0123456789abcdef", {.hello = "hello", .challenge = "challenge"});
  EXPECT_EQ(HexOf(mac), "6cf8a6df8751b0a899b264c81f1d11ea89c59a92059f684e8da4762965a9de04");
}

TEST(SameMac, ComparesLengthsAndBytes) {
  EXPECT_TRUE(SameMac("abc", "abc"));
  EXPECT_FALSE(SameMac("abc", "abd"));
  EXPECT_FALSE(SameMac("abc", "ab"));
  EXPECT_FALSE(SameMac("", "a"));
}

TEST(Welcome, IsJudgedBySecretClusterAndRefusal) {
  const auto judge = [](const PeerWelcome& welcome) {
    return JudgeWelcome(Encode(welcome), kSecret, ATranscript(), "mine");
  };
  const auto signed_for = [](std::string cluster) {
    return PeerWelcome{.refusal = "", .cluster_id = cluster, .mac = WelcomeMac(kSecret, ATranscript(), cluster)};
  };
  EXPECT_TRUE(judge(signed_for("mine")).ok());
  EXPECT_TRUE(judge(signed_for("")).ok()) << "not known there yet";
  EXPECT_TRUE(absl::IsFailedPrecondition(judge(signed_for("theirs"))));
  PeerWelcome forged = signed_for("mine");
  forged.mac[0] = static_cast<char>(forged.mac[0] ^ 1);
  EXPECT_TRUE(absl::IsUnauthenticated(judge(forged)));
  forged.mac.clear();
  EXPECT_TRUE(absl::IsUnauthenticated(judge(forged)));
  const absl::Status refused = judge({.refusal = "no\nway", .cluster_id = {}, .mac = {}});
  EXPECT_TRUE(absl::IsPermissionDenied(refused));
  EXPECT_THAT(std::string(Message(refused)), HasSubstr("no?way"));
}

TEST(Nonce, IsNeverTheSame) {
  EXPECT_EQ(Nonce().size(), kNonceBytes);
  EXPECT_NE(Nonce(), Nonce());
  EXPECT_NE(RandomNumber(), RandomNumber());
}

class PeerSecretTest : public testing::Test {
 protected:
  absl::StatusOr<std::string> Read(const std::string& text) {
    EXPECT_TRUE(env::WriteFileAtomically(disk_, directory_.Path("secret"), text).ok());
    return ReadPeerSecret(disk_, directory_.Path("secret"));
  }
  TempDirectory directory_;
  PosixDisk disk_;
};

TEST_F(PeerSecretTest, IsTheFileWithoutWhiteSpaceAtItsEnd) {
  EXPECT_EQ(*Read("0123456789abcdef \r\n\n"), "0123456789abcdef");
  EXPECT_EQ(Read(std::string(kMaxSecretBytes, 's'))->size(), kMaxSecretBytes);
}

TEST_F(PeerSecretTest, IsNeitherShortNorEndless) {
  for (const std::string& text : {std::string(), std::string("0123456789abcde\n"), std::string(5000, 's')}) {
    const absl::Status status = Read(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_THAT(std::string(Message(status)), HasSubstr("make one with"));
    EXPECT_EQ(std::string(Message(status)).find("0123456789"), std::string::npos) << "never shown";
  }
}

TEST_F(PeerSecretTest, MustBeThere) {
  EXPECT_TRUE(absl::IsNotFound(ReadPeerSecret(disk_, directory_.Path("none")).status()));
}

}  // namespace
}  // namespace leat::runtime
