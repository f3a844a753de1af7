#include "model/compression.h"

#include <rapidcheck/gtest.h>

namespace leat::model {
namespace {

constexpr Compression kCodecs[] = {Compression::kNone, Compression::kGzip, Compression::kSnappy, Compression::kLz4,
                                   Compression::kZstd};

RC_GTEST_PROP(Compress, RoundTripsThroughEveryCodec, (const std::string& bytes)) {
  for (const Compression codec : kCodecs) {
    const auto compressed = Compress(codec, bytes);
    RC_ASSERT(compressed.ok());
    const auto back = Decompress(codec, *compressed, bytes.size());
    RC_ASSERT(back.ok());
    RC_ASSERT(*back == bytes);
  }
}

}  // namespace
}  // namespace leat::model
