// Which of the defects of bug.h the brokers' controllers have: in every ordinary build none, known at compile time.
#pragma once

#include "meta/bug.h"

namespace leat::meta {

#ifdef LEAT_PLANTED_DEFECTS
extern Bug planted_bug;  // set by the one program that is built with it
inline Bug PlantedBug() { return planted_bug; }
#else
constexpr Bug PlantedBug() { return Bug::kNone; }
#endif

}  // namespace leat::meta
