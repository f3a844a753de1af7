#include "view/range.h"

#include <utility>

namespace leat::view {

Range Range::Key(std::string key) {
  std::string end = key;
  end.push_back('\0');  // nothing lies between a key and this
  return {std::move(key), std::move(end)};
}

Range Range::Prefix(std::string prefix) {
  std::string end = prefix;
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (end.empty()) return {std::move(prefix), std::nullopt};
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return {std::move(prefix), std::move(end)};
}

}  // namespace leat::view
