// Several decisions for one batch of records, each made against the image that the ones before it make.
#pragma once

#include <utility>

#include "base/status.h"
#include "meta/image.h"

namespace leat::meta {

class Draft {
 public:
  explicit Draft(const Image& image) : image_(image) {}

  // What the records so far make.
  const Image& image() const { return image_; }
  // An error leaves the draft as it was; what decides must give records that can be applied.
  absl::Status Add(absl::StatusOr<Records> decided);
  Records Take() { return std::move(records_); }

 private:
  Image image_;
  Records records_;
};

}  // namespace leat::meta
