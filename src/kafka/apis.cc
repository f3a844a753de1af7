// The families' tables as one.
#include <algorithm>

#include "base/check.h"
#include "kafka/apis.h"

namespace leat::kafka {
namespace {

std::vector<Api> AllApis() {
  std::vector<Api> all;
  for (const std::vector<Api>& family : {CoreApis(), GroupApis(), TxnApis(), AdminApis()}) {
    all.insert(all.end(), family.begin(), family.end());
  }
  std::sort(all.begin(), all.end(), [](const Api& a, const Api& b) { return a.key < b.key; });
  for (size_t i = 1; i < all.size(); ++i) {
    LEAT_CHECK(all[i - 1].key != all[i].key) << "two handlers for API key " << all[i].key;
  }
  return all;
}

}  // namespace

std::span<const Api> ServedApis() {
  static const std::vector<Api> apis = AllApis();
  return apis;
}

const Api* FindServedApi(int16_t key) {
  // Dense by key: looked up for every request.
  static const std::vector<const Api*> by_key = [] {
    std::vector<const Api*> table;
    for (const Api& api : ServedApis()) {
      LEAT_CHECK(api.key >= 0) << "an API key is not negative, got " << api.key;
      table.resize(static_cast<size_t>(api.key) + 1);
      table.back() = &api;
    }
    return table;
  }();
  return key >= 0 && static_cast<size_t>(key) < by_key.size() ? by_key[static_cast<size_t>(key)] : nullptr;
}

}  // namespace leat::kafka
