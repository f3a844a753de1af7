// Fetch sessions (KIP-227): what a consumer reads is remembered between its fetches, so that it sends only what changed
// and gets only what is new. Pure; one shard. A client whose session is gone is told so and begins a new one:
// forgetting is always allowed.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "model/error_code.h"
#include "model/ids.h"

namespace leat::kafka {

// One partition that a client fetches. Topics are known by id or by name, never by both.
struct FetchKey {
  model::TopicId id;
  std::string topic;
  int32_t partition = 0;
  friend bool operator==(const FetchKey&, const FetchKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const FetchKey& key) {
    return H::combine(std::move(h), key.id, key.topic, key.partition);
  }
};
struct FetchWant {
  FetchKey key;
  int64_t offset = -1;
  int32_t max_bytes = 0;
  int32_t current_leader_epoch = -1;
  int32_t last_fetched_epoch = -1;
};

class FetchSession {
 public:
  // The answer for one partition, as far as it decides whether the client must be told.
  struct Told {
    int16_t error = 0;
    int64_t high_watermark = -1;
    int64_t log_start = -1;
    bool has_records = false;
    bool diverges = false;
  };

  int32_t id() const { return id_; }
  // All partitions, in the order in which they were added.
  std::vector<FetchWant> Wants() const;
  size_t size() const { return wants_.size(); }
  // Whether an incremental answer has to name the partition; remembers what it says.
  bool MustTell(const FetchKey& key, const Told& told);

 private:
  friend class FetchSessionCache;
  struct Entry {
    FetchWant want;
    int64_t high_watermark = -1;
    int64_t log_start = -1;
  };
  void Put(FetchWant want);
  void Remove(const FetchKey& key);

  int32_t id_ = 0;
  int32_t next_epoch_ = 1;
  bool by_id_ = false;
  std::list<Entry> wants_;
  absl::flat_hash_map<FetchKey, std::list<Entry>::iterator> index_;
  Instant used_;
};

class FetchSessionCache {
 public:
  struct Options {
    size_t max_sessions = 1000;
    size_t max_partitions = 200000;               // of all sessions
    Duration keep_at_least = absl::Seconds(120);  // a session used so lately is not put out for another
  };
  FetchSessionCache(const Options& options, uint64_t seed);

  struct Request {
    int32_t session_id = 0;
    int32_t epoch = -1;
    bool by_id = false;
    std::vector<FetchWant> wants;
    std::vector<FetchKey> forgotten;
  };
  struct Begun {
    model::ErrorCode error = model::ErrorCode::kNone;
    std::shared_ptr<FetchSession> session;  // null: none, all of it is answered
    bool incremental = false;               // only what MustTell says is answered
    std::vector<FetchWant> wants;           // what is to be read
    int32_t session_id() const { return session == nullptr ? 0 : session->id(); }
  };
  Begun Begin(Request request, Instant now);

  size_t size() const { return sessions_.size(); }
  size_t partitions() const { return partitions_; }

 private:
  std::shared_ptr<FetchSession> Create(Request& request, Instant now);
  Begun Continue(Request request, Instant now);
  bool MakeRoom(size_t partitions, Instant now);
  void Remove(int32_t id);

  const Options options_;
  Random random_;
  absl::flat_hash_map<int32_t, std::shared_ptr<FetchSession>> sessions_;
  size_t partitions_ = 0;
};

}  // namespace leat::kafka
