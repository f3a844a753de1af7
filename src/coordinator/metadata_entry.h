// The payload of an entry of the metadata log: the records of one change (proto/leat/internal/raft.proto). And what
// lies between two images, for a node that was far behind and got a snapshot. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "meta/image.h"
#include "meta/records.h"

namespace leat::coordinator {

std::string EncodeChange(const meta::Records& records);
// kDataLoss: not a change; kUnimplemented: with a record that this program does not know.
absl::StatusOr<meta::Records> DecodeChange(std::string_view payload);

// What is different in `after`: what went comes first, so that a name that was used again is free when it is taken. The
// elections between the two are not known.
meta::Delta DeltaBetween(const meta::Image& before, const meta::Image& after);

}  // namespace leat::coordinator
