// A queue for objects of which there are many and which seldom wait for anything: what std::deque takes while it is
// empty, half a kilobyte, adds up over ten thousand partitions. Takes nothing before it is used, and gives back what it
// took once it is empty, but for a little that spares the next use an allocation.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace leat {

template <typename T>
class SmallQueue {
 public:
  SmallQueue() = default;
  SmallQueue(SmallQueue&& other) noexcept
      : items_(std::exchange(other.items_, {})), first_(std::exchange(other.first_, 0)) {}
  SmallQueue& operator=(SmallQueue&& other) noexcept {
    items_ = std::exchange(other.items_, {});
    first_ = std::exchange(other.first_, 0);
    return *this;
  }

  bool empty() const { return first_ == items_.size(); }
  size_t size() const { return items_.size() - first_; }
  // What it could hold without an allocation.
  size_t capacity() const { return items_.capacity(); }

  // REQUIRES (all below): there is one. References are good until the next call that is not const.
  T& front() { return items_[first_]; }
  const T& front() const { return items_[first_]; }
  T& back() { return items_.back(); }
  const T& back() const { return items_.back(); }
  void pop_front() {
    // Destroyed here, not when its place is used again.
    [[maybe_unused]] const T gone = std::move(items_[first_++]);
    if (empty()) Release();
  }
  void pop_back() {
    [[maybe_unused]] const T gone = std::move(items_.back());
    items_.pop_back();
    if (empty()) Release();
  }

  void push_back(T item) {
    // Rather than growing it moves up, once half of it is free: each item moves at most once for each that went.
    if (items_.size() == items_.capacity() && first_ > 0 && first_ >= items_.size() / 2) MoveUp();
    items_.push_back(std::move(item));
  }
  void push_front(T item) { insert(0, std::move(item)); }
  // In front of the one at `index`. REQUIRES: index <= size().
  void insert(size_t index, T item) { items_.insert(begin() + static_cast<ptrdiff_t>(index), std::move(item)); }
  void clear() {
    first_ = items_.size();
    Release();
  }

  auto begin() { return items_.begin() + static_cast<ptrdiff_t>(first_); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin() + static_cast<ptrdiff_t>(first_); }
  auto end() const { return items_.end(); }

 private:
  static constexpr size_t kKeptBytes = 128;

  void MoveUp() {
    items_.erase(items_.begin(), begin());
    first_ = 0;
  }
  void Release() {
    first_ = 0;
    std::vector<T> gone = std::exchange(items_, {});  // what is destroyed may call this queue
    gone.clear();
    if (gone.capacity() * sizeof(T) <= kKeptBytes && items_.capacity() == 0) items_ = std::move(gone);
  }

  std::vector<T> items_;  // those in front of first_ are gone
  size_t first_ = 0;
};

}  // namespace leat
