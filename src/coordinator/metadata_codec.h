// Metadata records as the bytes of the metadata log (proto/leat/internal/metadata.proto). Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "meta/records.h"

namespace leat::coordinator {

std::string EncodeMetadata(const meta::Record& record);
// kDataLoss: not a record; kUnimplemented: a kind that this program does not know (written by a newer one).
absl::StatusOr<meta::Record> DecodeMetadata(std::string_view bytes);

}  // namespace leat::coordinator
