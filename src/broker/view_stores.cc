#include "broker/view_stores.h"

#include <filesystem>
#include <system_error>

#include "rocks/rocks_store.h"
#include "stream/state/state_backend.h"

namespace leat::broker {
namespace {

constexpr int kMaxOpenFiles = 32;  // of one table

class RocksViewStores final : public ViewStores {
 public:
  RocksViewStores(size_t cache_bytes, size_t write_buffer_bytes)
      : cache_(rocks::SharedCache::Create(cache_bytes)), write_buffer_bytes_(write_buffer_bytes) {}
  absl::StatusOr<std::unique_ptr<state::CommittedStore>> Open(const std::string& folder) override {
    return rocks::OpenRocksStore(folder, {.write_buffer_bytes = write_buffer_bytes_, .max_open_files = kMaxOpenFiles},
                                 cache_);
  }
  absl::Status Remove(const std::string& folder) override {
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    if (error) return Unavailable("removing ", folder, ": ", error.message());
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<rocks::SharedCache> cache_;
  const size_t write_buffer_bytes_;
};

class MemoryViewStores final : public ViewStores {
 public:
  absl::StatusOr<std::unique_ptr<state::CommittedStore>> Open(const std::string&) override {
    return state::MakeMemoryStore();
  }
  absl::Status Remove(const std::string&) override { return absl::OkStatus(); }
};

}  // namespace

std::unique_ptr<ViewStores> MakeRocksViewStores(size_t cache_bytes, size_t write_buffer_bytes) {
  return std::make_unique<RocksViewStores>(cache_bytes, write_buffer_bytes);
}
std::unique_ptr<ViewStores> MakeMemoryViewStores() { return std::make_unique<MemoryViewStores>(); }

}  // namespace leat::broker
