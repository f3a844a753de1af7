// The bytes that wait to be written to one connection, as the pieces they were made in. Pure; one shard.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/spare_buffers.h"

namespace leat::kafka {

class OutputQueue {
 public:
  void Add(std::vector<std::string> chunks) {
    for (std::string& chunk : chunks) {
      if (chunk.empty()) continue;
      bytes_ += chunk.size();
      chunks_.push_back(std::move(chunk));
    }
  }
  size_t bytes() const { return bytes_; }
  size_t pieces() const { return chunks_.size(); }
  bool empty() const { return bytes_ == 0; }

  // Calls add(view) for what is to be written next, in order: at most max_pieces.
  template <typename Add>
  void Front(size_t max_pieces, Add add) const {
    size_t skip = written_;
    for (size_t i = 0; i < chunks_.size() && i < max_pieces; ++i) {
      add(std::string_view(chunks_[i]).substr(skip));
      skip = 0;
    }
  }
  // So many bytes of the front have been written.
  void Consume(size_t n) {
    LEAT_CHECK(n <= bytes_) << "more was written than there is";
    bytes_ -= n;
    n += written_;
    while (!chunks_.empty() && n >= chunks_.front().size()) {
      n -= chunks_.front().size();
      GiveBuffer(std::move(chunks_.front()));
      chunks_.pop_front();
    }
    written_ = n;
  }

 private:
  std::deque<std::string> chunks_;
  size_t written_ = 0;  // of the first chunk
  size_t bytes_ = 0;
};

}  // namespace leat::kafka
