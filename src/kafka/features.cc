#include "kafka/features.h"

namespace leat::kafka {
namespace {

// Level 1 of group.version is the consumer protocol of KIP-848, level 2 of transaction.version is KIP-890; a client
// that finds no such feature uses neither.
constexpr Feature kFeatures[] = {
    {"group.version", 0, 0, 0},
    {"transaction.version", 0, 2, 2},
};

}  // namespace

std::span<const Feature> Features() { return kFeatures; }

const Feature* FindFeature(std::string_view name) {
  for (const Feature& feature : kFeatures) {
    if (feature.name == name) return &feature;
  }
  return nullptr;
}

bool HonoursTransactionVersion2() {
  const Feature* feature = FindFeature("transaction.version");
  return feature != nullptr && feature->level >= 2;
}

}  // namespace leat::kafka
