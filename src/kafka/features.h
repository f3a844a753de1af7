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

// Whether transactions of version 2 (KIP-890) are in force: this, and nothing else, decides whether the versions that
// mean them are served (Produce 12 and 13, EndTxn 5, TxnOffsetCommit 5).
bool HonoursTransactionVersion2();

}  // namespace leat::kafka
