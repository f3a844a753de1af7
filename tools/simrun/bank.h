// The bank of planted defects: what is compiled into this program alone, one switched on at a time, to learn whether
// the simulations would notice. Where they notice nothing they have shown nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "meta/bug.h"
#include "replication/planted.h"

namespace leat::nodes {

struct PlantedDefect {
  std::string name;
  replication::Defect replication = replication::Defect::kNone;
  meta::Bug meta = meta::Bug::kNone;
};

const std::vector<PlantedDefect>& Bank();
void Plant(const PlantedDefect& defect);
void PlantNone();

// Runs seeds from `first` on with every defect, or with that of the name alone, and prints which seed caught it. The
// exit code: 0 if all were caught within `count` seeds.
int RunBank(const std::string& only, uint64_t first, uint64_t count);

}  // namespace leat::nodes
