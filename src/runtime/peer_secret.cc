#include "runtime/peer_secret.h"

#include <memory>

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

}  // namespace leat::runtime
