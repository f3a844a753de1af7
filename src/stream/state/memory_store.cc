#include <absl/container/btree_map.h>

#include <mutex>

#include "base/check.h"
#include "stream/state/state_backend.h"

namespace leat::state {
namespace {

// Committed state in memory. The one lock of this module: the contract lets Apply run beside the reader, and there is
// no library below that would arrange it.
class MemoryStore : public CommittedStore {
 public:
  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  }

  absl::Status Scan(std::string_view begin, std::string_view end,
                    absl::FunctionRef<bool(std::string_view key, std::string_view value)> visit) override {
    const std::lock_guard lock(mutex_);
    for (auto it = entries_.lower_bound(begin); it != entries_.end() && it->first < end; ++it) {
      if (!visit(it->first, it->second)) break;
    }
    return absl::OkStatus();
  }

  absl::Status Apply(const std::vector<Change>& changes, int64_t position) override {
    const std::lock_guard lock(mutex_);
    if (position < position_) {
      return FailedPrecondition("state store: position ", position, " after ", position_, ": positions only rise");
    }
    for (const Change& change : changes) {
      if (change.key.empty()) return InvalidArgument("state store: a key is empty");
    }
    for (const Change& change : changes) {
      const auto found = entries_.find(change.key);
      if (found != entries_.end()) bytes_ -= Bytes(found->first, found->second);
      if (change.value.has_value()) {
        bytes_ += Bytes(change.key, *change.value);
        entries_[change.key] = *change.value;
      } else if (found != entries_.end()) {
        entries_.erase(found);
      }
    }
    position_ = position;
    return absl::OkStatus();
  }

  int64_t position() const override {
    const std::lock_guard lock(mutex_);
    return position_;
  }

  absl::StatusOr<int64_t> Flush() override { return position(); }

  size_t MemoryBytes() const override {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  static size_t Bytes(const std::string& key, const std::string& value) {
    return key.size() + value.size() + 2 * sizeof(std::string);
  }

  mutable std::mutex mutex_;
  absl::btree_map<std::string, std::string, std::less<>> entries_;
  int64_t position_ = -1;
  size_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<CommittedStore> MakeMemoryStore() { return std::make_unique<MemoryStore>(); }

}  // namespace leat::state
