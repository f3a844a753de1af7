#include "meta/partition.h"

#include "base/strings.h"

namespace leat::meta {

std::string ToString(const NodeList& nodes) {
  std::string text = "[";
  for (const NodeId node : nodes) StrAppend(&text, text.size() > 1 ? ", " : "", node.value());
  return text + "]";
}

}  // namespace leat::meta
