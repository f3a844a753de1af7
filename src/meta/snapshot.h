// An image as records: applied to an empty image, one after the other, they make an image with the same hash. What the
// controller writes in place of a long log.
#pragma once

#include "meta/image.h"

namespace leat::meta {

// Equal for equal states, whatever history made them.
Records SnapshotOf(const Image& image);

}  // namespace leat::meta
