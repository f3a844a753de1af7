#include "kafka/fetch_session.h"

#include <algorithm>
#include <utility>

namespace leat::kafka {
namespace {

// Epochs of a request: the first of a session, and the one of a fetch that wants none (or no longer).
constexpr int32_t kInitialEpoch = 0;
constexpr int32_t kFinalEpoch = -1;

int32_t EpochAfter(int32_t epoch) { return epoch == INT32_MAX ? 1 : epoch + 1; }

}  // namespace

void FetchSession::Put(FetchWant want) {
  const auto [it, added] = index_.try_emplace(want.key);
  if (added) {
    wants_.push_back({std::move(want)});
    it->second = std::prev(wants_.end());
  } else {
    it->second->want = std::move(want);
  }
}

void FetchSession::Remove(const FetchKey& key) {
  const auto it = index_.find(key);
  if (it == index_.end()) return;
  wants_.erase(it->second);
  index_.erase(it);
}

std::vector<FetchWant> FetchSession::Wants() const {
  std::vector<FetchWant> out;
  out.reserve(wants_.size());
  for (const Entry& entry : wants_) out.push_back(entry.want);
  return out;
}

bool FetchSession::MustTell(const FetchKey& key, const Told& told) {
  const auto it = index_.find(key);
  if (it == index_.end()) return true;  // forgotten meanwhile by another request
  Entry& entry = *it->second;
  const bool changed = entry.high_watermark != told.high_watermark || entry.log_start != told.log_start;
  entry.high_watermark = told.high_watermark;
  entry.log_start = told.log_start;
  // After an error the client has to hear of the recovery, whatever it knew before.
  if (told.error != 0) entry.high_watermark = -1;
  return changed || told.error != 0 || told.has_records || told.diverges;
}

FetchSessionCache::FetchSessionCache(const Options& options, uint64_t seed) : options_(options), random_(seed) {}

FetchSessionCache::Begun FetchSessionCache::Begin(Request request, Instant now) {
  if (request.epoch != kInitialEpoch && request.epoch != kFinalEpoch) return Continue(std::move(request), now);
  if (request.session_id != 0) Remove(request.session_id);
  Begun begun;
  begun.wants = request.wants;
  if (request.epoch == kInitialEpoch && !request.wants.empty()) begun.session = Create(request, now);
  return begun;
}

std::shared_ptr<FetchSession> FetchSessionCache::Create(Request& request, Instant now) {
  if (!MakeRoom(request.wants.size(), now)) return nullptr;
  auto session = std::make_shared<FetchSession>();
  do {
    session->id_ = static_cast<int32_t>(random_.Next() & INT32_MAX);
  } while (session->id_ == 0 || sessions_.contains(session->id_));
  session->by_id_ = request.by_id;
  session->used_ = now;
  for (FetchWant& want : request.wants) session->Put(std::move(want));
  partitions_ += session->size();
  sessions_[session->id_] = session;
  return session;
}

FetchSessionCache::Begun FetchSessionCache::Continue(Request request, Instant now) {
  Begun begun;
  const auto it = sessions_.find(request.session_id);
  if (it == sessions_.end()) {
    begun.error = model::ErrorCode::kFetchSessionIdNotFound;
    return begun;
  }
  FetchSession& session = *it->second;
  if (request.epoch != session.next_epoch_) {
    begun.error = model::ErrorCode::kInvalidFetchSessionEpoch;
    return begun;
  }
  if (request.by_id != session.by_id_) {
    begun.error = model::ErrorCode::kFetchSessionTopicIdError;
    return begun;
  }
  session.next_epoch_ = EpochAfter(session.next_epoch_);
  session.used_ = now;
  partitions_ -= session.size();
  for (FetchWant& want : request.wants) session.Put(std::move(want));
  for (const FetchKey& key : request.forgotten) session.Remove(key);
  partitions_ += session.size();
  begun.session = it->second;
  begun.incremental = true;
  begun.wants = session.Wants();
  if (session.size() == 0 || partitions_ > options_.max_partitions) {
    // Nothing to remember, or too much: the client is told with session 0 to begin anew.
    Remove(session.id());
    if (begun.wants.empty()) begun.session = nullptr;
  }
  return begun;
}

bool FetchSessionCache::MakeRoom(size_t partitions, Instant now) {
  if (partitions > options_.max_partitions) return false;
  while (sessions_.size() >= options_.max_sessions || partitions_ + partitions > options_.max_partitions) {
    const auto oldest = std::min_element(sessions_.begin(), sessions_.end(), [](const auto& a, const auto& b) {
      return a.second->used_ < b.second->used_;
    });
    if (oldest == sessions_.end() || now - oldest->second->used_ < options_.keep_at_least) return false;
    Remove(oldest->first);
  }
  return true;
}

void FetchSessionCache::Remove(int32_t id) {
  const auto it = sessions_.find(id);
  if (it == sessions_.end()) return;
  partitions_ -= it->second->size();
  sessions_.erase(it);
}

}  // namespace leat::kafka
