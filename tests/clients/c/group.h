// A member of a consumer group that notes what it was given and what it read.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "client.h"

namespace clients {

class Member {
 public:
  // Subscribes to `topic`; `settings` name the group.
  Member(std::string name, const std::string& topic, const Settings& settings);
  // Leaves the group.
  ~Member() { Close(); }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  // Takes at most one record, waiting no longer than `timeout_ms`. True: there was one.
  bool PollOnce(int timeout_ms);
  // Polls until `done`; fails the test after half a minute without it.
  void PollUntil(const std::function<bool()>& done);
  // Commits the position, and waits for the answer.
  void Commit();
  // Leaves later without committing: somebody else keeps the offsets.
  void Forget() { uncommitted_ = false; }
  // Commits and leaves. Nothing happens the second time.
  void Close();

  [[nodiscard]] const std::multiset<std::string>& values() const { return values_; }
  [[nodiscard]] int assigned() const;
  [[nodiscard]] rd_kafka_t* handle() const { return consumer_.get(); }

 private:
  std::string name_;
  Handle consumer_;
  std::multiset<std::string> values_;
  bool uncommitted_ = false;
};

}  // namespace clients
