// The bank of planted defects: what is compiled into this program alone, one switched on at a time, to learn whether
// the simulations would notice. Where they notice nothing they have shown nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "meta/bug.h"
#include "replication/planted.h"
#include "stream/run/planted.h"

namespace leat::nodes {

struct PlantedDefect {
  std::string name;
  replication::Defect replication = replication::Defect::kNone;
  meta::Bug meta = meta::Bug::kNone;
  run::Defect job = run::Defect::kNone;
  // The simulations see it often: within some 25 seeds from 2,001 on, when they were last counted.
  enum class Seen : uint8_t { kSeldom, kOften };
  Seen seen = Seen::kSeldom;
};

const std::vector<PlantedDefect>& Bank();
void Plant(const PlantedDefect& defect);

// `count` of those that are often seen, joined by commas; `choice` decides.
std::string SomeOftenSeen(uint64_t count, uint64_t choice);

// Runs seeds from `first` on with every defect, or with those named (a,b,c) alone, each in a process of its own, and
// prints which seed caught it. The exit code: 0 if all were caught within `count` seeds, 2 if one is not in the bank.
int RunBank(const std::string& only, uint64_t first, uint64_t count);

}  // namespace leat::nodes
