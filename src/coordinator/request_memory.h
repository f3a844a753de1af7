// What was answered to requests that must not be carried out twice: a copy of one gets the answer of the first. Each
// client numbers its requests and has few open at a time, so that old answers can be forgotten, and what is older than
// those is refused. One thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "env/transport.h"
#include "model/uuid.h"

namespace leat::coordinator {

class RequestMemory {
 public:
  struct Options {
    size_t clients = 1000;                  // beyond it the one that was not heard of for longest is forgotten
    size_t answers = 256;                   // of one client; it has fewer requests open at a time
    size_t answer_bytes = size_t{1} << 20;  // of one client, together
  };
  RequestMemory() : RequestMemory(Options{}) {}
  explicit RequestMemory(const Options& options) : options_(options) {}

  enum class Seen : uint8_t {
    kNew,     // it is the caller's to carry out; Finish follows
    kCopy,    // `reply` gets the answer of the first, now or when it is there
    kTooOld,  // it may have been carried out; `reply` was not called
  };
  // `reply` is taken unless the request is too old.
  Seen Begin(const model::Uuid& client, int64_t sequence, env::Transport::Reply* reply);
  // Answers all copies that came so far.
  void Finish(const model::Uuid& client, int64_t sequence, const std::string& answer);

 private:
  struct Entry {
    std::vector<env::Transport::Reply> waiting;
    std::optional<std::string> answer;
    bool dropped = false;  // the answer, because there was no room for it
  };
  struct Client {
    std::map<int64_t, Entry> entries;
    int64_t forgotten = -1;  // this one and those before it
    size_t bytes = 0;
    uint64_t heard = 0;
  };
  void Trim(Client& client);
  void ForgetOne();

  const Options options_;
  std::map<model::Uuid, Client> clients_;
  uint64_t clock_ = 0;
};

}  // namespace leat::coordinator
