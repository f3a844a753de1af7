#include "runtime/peer_secret.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <memory>

#include "base/check.h"
#include "runtime/peer_handshake.h"

namespace leat::runtime {

absl::StatusOr<std::string> ReadPeerSecret(env::Disk& disk, const std::string& path) {
  LEAT_ASSIGN_OR_RETURN(const std::unique_ptr<env::File> file, disk.Open(path, env::OpenMode::kRead));
  std::string text(kMaxSecretBytes + 1, '\0');
  LEAT_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(0, text.data(), text.size()));
  text.resize(n);
  const size_t last = text.find_last_not_of(" \t\r\n");
  const size_t end = last == std::string::npos ? 0 : last + 1;
  if (end < kMinSecretBytes || n > kMaxSecretBytes) {
    return InvalidArgument("expected a secret of ", kMinSecretBytes, " to ", kMaxSecretBytes, " bytes in ", path,
                           ", got ", n > kMaxSecretBytes ? "more" : StrCat(end),
                           "; make one with: head -c 32 /dev/urandom | base64");
  }
  text.resize(end);
  return text;
}

std::string FingerprintOf(std::string_view secret) {
  constexpr std::string_view kLabel = "leat cluster";
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  const unsigned char* made =
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(kLabel.data()), kLabel.size(), out.data(), &size);
  LEAT_CHECK(made != nullptr && size >= 16) << "OpenSSL has no HMAC-SHA256";
  return {reinterpret_cast<const char*>(out.data()), 16};
}

}  // namespace leat::runtime
