// One non-blocking connection: frames out, frames in. Single-threaded.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace leat::load {

// Connects (blocking). Ends the program with a message if it cannot: a load generator without its server is over.
int ConnectOrDie(const std::string& address);

class LoadConnection {
 public:
  explicit LoadConnection(const std::string& address);
  LoadConnection(LoadConnection&& other) noexcept;
  LoadConnection& operator=(LoadConnection&&) = delete;
  ~LoadConnection();

  int fd() const { return fd_; }
  // Queues a frame and writes what the socket takes. `intended_ns`: when it should have been sent, for the latency.
  void Send(std::string_view frame, int64_t intended_ns);
  void Flush();
  // Reads what is there and calls on_frame(answer without its length, intended_ns). False: the server has closed.
  template <class OnFrame>
  bool Receive(OnFrame on_frame) {
    while (true) {
      const int got = ReadSome();
      if (got < 0) return false;
      if (got == 0) return true;
      for (std::string_view frame; TakeFrame(&frame);) {
        const int64_t intended = waiting_.front();
        waiting_.pop_front();
        on_frame(frame, intended);
      }
      Compact();
    }
  }

 private:
  int ReadSome();  // bytes read; 0: nothing there now; -1: closed
  bool TakeFrame(std::string_view* frame);
  void Compact();

  int fd_;
  std::string out_;
  size_t sent_ = 0;
  std::string in_;
  size_t filled_ = 0;
  size_t taken_ = 0;
  std::deque<int64_t> waiting_;
};

}  // namespace leat::load
