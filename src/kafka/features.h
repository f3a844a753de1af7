// The features whose level clients look at (KIP-584), as ApiVersions tells them and UpdateFeatures checks them. One
// table: what is in it is honoured by the broker.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace leat::kafka {

struct Feature {
  std::string_view name;
  int16_t min_level;
  int16_t max_level;
  int16_t level;  // in force
};

std::span<const Feature> Features();
const Feature* FindFeature(std::string_view name);  // nullptr: not known

}  // namespace leat::kafka
