// Equal parts of a plan, found from the sources on: what a script says twice is computed once. Pure.
#pragma once

#include <vector>

#include "stream/plan/plan.h"

namespace leat::sql {

class NodeSharer {
 public:
  // A node seen before that gives the same rows as `node`, whose inputs are shared already; null if there is none, and
  // then `node` is remembered. Names of columns and places in the script may differ.
  plan::NodePtr Find(const plan::NodePtr& node);

 private:
  std::vector<plan::NodePtr> seen_;
};

}  // namespace leat::sql
