// MD5 and the SHA family (as lower-case hexadecimal text) and base64.
#include <absl/strings/escaping.h>
#include <openssl/evp.h>

#include <array>

#include "base/strings.h"
#include "stream/exec/node.h"

namespace leat::exec {
namespace {

using plan::FunctionId;
using Text = std::string_view;

Kernel Digest(const EVP_MD* (*algorithm)()) {
  return [algorithm](const KernelCall& call) {
    return MapText<Text>(call, [&](size_t row, std::string* out, Text text) {
      std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
      unsigned int size = 0;
      if (EVP_Digest(text.data(), text.size(), bytes.data(), &size, algorithm(), nullptr) != 1) {
        call.errors.Add(row, "the digest is not available in this machine's OpenSSL");
        return false;
      }
      *out = absl::BytesToHexString(absl::string_view(reinterpret_cast<const char*>(bytes.data()), size));
      return true;
    });
  };
}

Kernel ToBase64() {
  return [](const KernelCall& call) {
    return MapText<Text>(call, [](size_t, std::string* out, Text text) {
      absl::Base64Escape(ToAbsl(text), out);
      return true;
    });
  };
}

// NULL if the text is no base64.
Kernel FromBase64() {
  return [](const KernelCall& call) {
    return MapText<Text>(call,
                         [](size_t, std::string* out, Text text) { return absl::Base64Unescape(ToAbsl(text), out); });
  };
}

// SHA2(text, bits); the bits are written in the script.
absl::StatusOr<Kernel> MakeSha2(const Binding& binding) {
  const data::Column* bits = binding.constants[1];
  if (bits == nullptr || bits->IsNull(0)) return Unimplemented("the second argument of SHA2 must be a constant");
  switch (bits->values<int32_t>()[0]) {
    case 224:
      return Digest(EVP_sha224);
    case 256:
      return Digest(EVP_sha256);
    case 384:
      return Digest(EVP_sha384);
    case 512:
      return Digest(EVP_sha512);
    default:
      return InvalidArgument("SHA2 has 224, 256, 384 or 512 bits, got ", bits->values<int32_t>()[0]);
  }
}

}  // namespace

absl::StatusOr<Kernel> MakeDigestKernel(const Binding& binding) {
  if (binding.call.function == FunctionId::kSha2) return MakeSha2(binding);
  if (binding.count() != 1 || binding.arg(0).storage() != data::Storage::kText) return NoKernel(binding);
  switch (binding.call.function) {
    case FunctionId::kMd5:
      return Digest(EVP_md5);
    case FunctionId::kSha1:
      return Digest(EVP_sha1);
    case FunctionId::kSha224:
      return Digest(EVP_sha224);
    case FunctionId::kSha256:
      return Digest(EVP_sha256);
    case FunctionId::kSha384:
      return Digest(EVP_sha384);
    case FunctionId::kSha512:
      return Digest(EVP_sha512);
    case FunctionId::kToBase64:
      return ToBase64();
    default:
      return FromBase64();
  }
}

}  // namespace leat::exec
