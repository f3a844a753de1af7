// The secret that the nodes of a cluster share.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "env/disk.h"

namespace leat::runtime {

// The file's text without white space at its end. kInvalidArgument: it is not kMinSecretBytes to kMaxSecretBytes long;
// otherwise the disk's errors. The secret itself is never in a message.
absl::StatusOr<std::string> ReadPeerSecret(env::Disk& disk, const std::string& path);

// 16 bytes that say which secret it is and nothing else about it: what a cluster can be called before it has begun.
std::string FingerprintOf(std::string_view secret);

}  // namespace leat::runtime
