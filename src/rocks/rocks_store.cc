#include "rocks/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <atomic>
#include <filesystem>

#include "base/bytes.h"
#include "base/check.h"
#include "base/strings.h"

namespace leat::rocks {
namespace {

constexpr size_t kInfoLogBytes = 256 * 1024;
constexpr int kBloomBitsPerKey = 10;
constexpr std::string_view kPositionKey = "";
// Many changes become a file of RocksDB's without passing through a memtable, unless the youngest level has so many
// files already that the writer had better be slowed down, which RocksDB does on the other way.
constexpr size_t kFileBytes = size_t{1} << 20;
constexpr uint64_t kMaxYoungFiles = 16;
constexpr std::string_view kFileName = "/changes";  // until RocksDB takes it over

class RocksCache : public SharedCache {
 public:
  explicit RocksCache(size_t bytes) : cache_(rocksdb::NewLRUCache(bytes)) {}
  size_t UsedBytes() const override { return cache_->GetUsage(); }
  const std::shared_ptr<rocksdb::Cache>& cache() const { return cache_; }

 private:
  std::shared_ptr<rocksdb::Cache> cache_;
};

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view FromSlice(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// What a failed operation means for the driver: damage is final, a busy or failing disk may pass.
absl::Status FromRocks(const rocksdb::Status& status, const std::string& folder, std::string_view doing) {
  if (status.ok()) return absl::OkStatus();
  // A missing file of the store shows as an error of its path, not as corruption.
  if (status.IsCorruption() || status.IsPathNotFound() || status.IsInvalidArgument() || status.IsNotSupported()) {
    return DataLoss("state store ", folder, ": ", doing, ": ", status.ToString(),
                    "; the store is damaged: remove the folder, it is rebuilt from the changelog");
  }
  if (status.IsNoSpace()) return ResourceExhausted("state store ", folder, ": ", doing, ": the disk is full");
  return Unavailable("state store ", folder, ": ", doing, ": ", status.ToString());
}

rocksdb::Options MakeOptions(const RocksOptions& options, const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::Options out;
  out.create_if_missing = true;
  out.paranoid_checks = true;
  // A close is then no different from a crash, and there is one way to recover.
  out.avoid_flush_during_shutdown = true;
  out.write_buffer_size = options.write_buffer_bytes;
  out.max_write_buffer_number = static_cast<int>(options.max_write_buffers);
  // Charges memtables to the cache without stalling writers.
  out.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(options.max_write_buffers * options.write_buffer_bytes, cache);
  out.max_background_jobs = options.max_background_jobs;
  out.max_open_files = options.max_open_files;
  // RocksDB's own log keeps little, and nothing that is not a warning.
  out.info_log_level = rocksdb::WARN_LEVEL;
  out.max_log_file_size = kInfoLogBytes;
  out.keep_log_file_num = 1;
  out.stats_dump_period_sec = 0;
  out.stats_persist_period_sec = 0;
  // What is young is mostly written anew before it gets far: only what stays is worth the work of compressing it.
  out.compression_per_level = {rocksdb::kNoCompression, rocksdb::kNoCompression, rocksdb::kLZ4Compression};
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  out.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return out;
}

std::string EncodePosition(int64_t position) {
  std::string out;
  BytesWriter(&out).Write(position);
  return out;
}

class RocksStore : public state::CommittedStore {
 public:
  RocksStore(std::string folder, std::unique_ptr<rocksdb::DB> db, std::shared_ptr<SharedCache> cache)
      : folder_(std::move(folder)), cache_(std::move(cache)), db_(std::move(db)), file_options_(db_->GetOptions()) {
    // Otherwise the writer compresses as for the last level.
    file_options_.compression_per_level.clear();
    file_options_.compression = rocksdb::kNoCompression;
  }

  absl::Status ReadPosition() {
    std::string bytes;
    const rocksdb::Status read = db_->Get({}, ToSlice(kPositionKey), &bytes);
    if (read.IsNotFound()) return absl::OkStatus();
    LEAT_RETURN_IF_ERROR(FromRocks(read, folder_, "reading the position"));
    BytesReader reader(bytes);
    position_ = reader.Read<int64_t>();
    if (reader.ok() && reader.remaining() == 0) return absl::OkStatus();
    return FromRocks(rocksdb::Status::Corruption("the position has another form"), folder_, "reading the position");
  }

  absl::StatusOr<std::optional<std::string>> Get(std::string_view key) override {
    rocksdb::PinnableSlice value;
    const rocksdb::Status read = db_->Get({}, db_->DefaultColumnFamily(), ToSlice(key), &value);
    if (read.IsNotFound()) return std::optional<std::string>();
    LEAT_RETURN_IF_ERROR(FromRocks(read, folder_, "reading a key"));
    return std::optional<std::string>(value.ToString());
  }

  absl::Status Scan(std::string_view begin, std::string_view end,
                    absl::FunctionRef<bool(std::string_view key, std::string_view value)> visit) override {
    const rocksdb::Slice upper = ToSlice(end);
    rocksdb::ReadOptions read;
    read.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(read));
    for (it->Seek(ToSlice(begin)); it->Valid(); it->Next()) {
      if (it->key().empty()) continue;  // the position
      if (!visit(FromSlice(it->key()), FromSlice(it->value()))) break;
    }
    return FromRocks(it->status(), folder_, "scanning");
  }

  absl::Status Apply(const std::vector<state::Change>& changes, int64_t position) override {
    const int64_t before = this->position();
    if (position < before) {
      return FailedPrecondition("state store ", folder_, ": position ", position, " after ", before,
                                ": positions only rise");
    }
    size_t bytes = 0;
    bool ordered = true;
    std::string_view last;
    for (const state::Change& change : changes) {
      if (change.key.empty()) return InvalidArgument("state store ", folder_, ": a key is empty");
      bytes += change.key.size() + (change.value ? change.value->size() : 0);
      ordered = ordered && last < change.key;
      last = change.key;
    }
    const bool as_file = ordered && bytes >= kFileBytes && YoungFiles() < kMaxYoungFiles;
    LEAT_RETURN_IF_ERROR(as_file ? ApplyAsFile(changes, position) : ApplyAsBatch(changes, position));
    position_ = position;
    return absl::OkStatus();
  }

  int64_t position() const override { return position_; }

  absl::StatusOr<int64_t> Flush() override {
    const int64_t applied = position();
    rocksdb::FlushOptions flush;
    flush.wait = true;
    flush.allow_write_stall = true;
    LEAT_RETURN_IF_ERROR(FromRocks(db_->Flush(flush), folder_, "flushing"));
    return applied;
  }

  size_t MemoryBytes() const override {
    // The block cache is shared and counted by its owner.
    uint64_t memtables = 0;
    uint64_t readers = 0;
    db_->GetIntProperty(rocksdb::DB::Properties::kSizeAllMemTables, &memtables);
    db_->GetIntProperty(rocksdb::DB::Properties::kEstimateTableReadersMem, &readers);
    return memtables + readers;
  }

 private:
  uint64_t YoungFiles() const {
    uint64_t files = 0;
    db_->GetIntProperty(StrCat(rocksdb::DB::Properties::kNumFilesAtLevelPrefix, 0), &files);
    return files;
  }

  absl::Status ApplyAsBatch(const std::vector<state::Change>& changes, int64_t position) {
    rocksdb::WriteBatch batch;
    for (const state::Change& change : changes) {
      const rocksdb::Status put = change.value.has_value() ? batch.Put(ToSlice(change.key), ToSlice(*change.value))
                                                           : batch.Delete(ToSlice(change.key));
      LEAT_RETURN_IF_ERROR(FromRocks(put, folder_, "preparing changes"));
    }
    LEAT_RETURN_IF_ERROR(
        FromRocks(batch.Put(ToSlice(kPositionKey), ToSlice(EncodePosition(position))), folder_, "preparing changes"));
    rocksdb::WriteOptions write;
    write.disableWAL = true;
    return FromRocks(db_->Write(write, &batch), folder_, "applying changes");
  }

  // The file holds the position too, and becomes a part of the store as a whole; RocksDB flushes what was written
  // before it. A file that a crash leaves behind is written anew by the next call.
  absl::Status ApplyAsFile(const std::vector<state::Change>& changes, int64_t position) {
    rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), file_options_, db_->DefaultColumnFamily(),
                                  /*invalidate_page_cache=*/false);
    const std::string path = StrCat(folder_, kFileName);
    rocksdb::Status wrote = writer.Open(path);
    if (wrote.ok()) wrote = writer.Put(ToSlice(kPositionKey), ToSlice(EncodePosition(position)));
    for (const state::Change& change : changes) {
      if (!wrote.ok()) break;
      wrote =
          change.value ? writer.Put(ToSlice(change.key), ToSlice(*change.value)) : writer.Delete(ToSlice(change.key));
    }
    if (wrote.ok()) wrote = writer.Finish();
    LEAT_RETURN_IF_ERROR(FromRocks(wrote, folder_, "writing a file of changes"));
    rocksdb::IngestExternalFileOptions ingest;
    ingest.move_files = true;
    ingest.write_global_seqno = false;
    ingest.snapshot_consistency = false;  // nobody holds a snapshot
    return FromRocks(db_->IngestExternalFile({path}, ingest), folder_, "taking in a file of changes");
  }

  const std::string folder_;
  const std::shared_ptr<SharedCache> cache_;  // outlives db_
  const std::unique_ptr<rocksdb::DB> db_;
  rocksdb::Options file_options_;       // of files of changes
  std::atomic<int64_t> position_ = -1;  // written by the thread that applies, read by the other
};

}  // namespace

std::shared_ptr<SharedCache> SharedCache::Create(size_t bytes) { return std::make_shared<RocksCache>(bytes); }

absl::StatusOr<std::unique_ptr<state::CommittedStore>> OpenRocksStore(const std::string& folder,
                                                                      const RocksOptions& options,
                                                                      std::shared_ptr<SharedCache> cache) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Unavailable("state store ", folder, ": cannot create the folder: ", error.message());
  auto* const rocks_cache = dynamic_cast<RocksCache*>(cache.get());
  LEAT_CHECK(rocks_cache != nullptr) << "a SharedCache of another kind";
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(MakeOptions(options, rocks_cache->cache()), folder, &opened);
  LEAT_RETURN_IF_ERROR(FromRocks(status, folder, "opening"));
  auto store = std::make_unique<RocksStore>(folder, std::unique_ptr<rocksdb::DB>(opened), std::move(cache));
  LEAT_RETURN_IF_ERROR(store->ReadPosition());
  return std::unique_ptr<state::CommittedStore>(std::move(store));
}

}  // namespace leat::rocks
