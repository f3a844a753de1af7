#include "stream/run/task_store.h"

#include "base/bytes.h"
#include "base/check.h"

namespace leat::run {

std::string WorkerPrefix(int worker) {
  std::string prefix;
  BytesWriter(&prefix).Write<uint16_t>(static_cast<uint16_t>(worker));
  return prefix;
}

absl::StatusOr<std::optional<std::string>> TaskStore::Get(std::string_view key) {
  return base_.Get(StrCat(prefix_, key));
}

absl::Status TaskStore::Scan(std::string_view begin, std::string_view end,
                             absl::FunctionRef<bool(std::string_view, std::string_view)> visit) {
  return base_.Scan(StrCat(prefix_, begin), StrCat(prefix_, end), [&](std::string_view key, std::string_view value) {
    return visit(key.substr(prefix_.size()), value);
  });
}

absl::Status TaskStore::Apply(const std::vector<state::Change>&, int64_t) {
  LEAT_CHECK(false) << "a worker's view of the store is read-only";
  return absl::OkStatus();
}

}  // namespace leat::run
