// A client that asks one question at a time and waits for the answer, and what the load generator asks the cluster
// before it begins: where the leaders are. Single-threaded, blocking.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace leat::load {

class LoadClient {
 public:
  LoadClient() = default;
  ~LoadClient() { Close(); }
  LoadClient(const LoadClient&) = delete;
  LoadClient& operator=(const LoadClient&) = delete;

  // IPv4:PORT. Closes what was open before. False: nobody listens there.
  bool Connect(const std::string& address);
  bool connected() const { return fd_ >= 0; }
  void Close();
  // The answer without its length. Nothing: the connection broke or was silent for `timeout_ms`, and is closed.
  std::optional<std::string> Ask(std::string_view frame, int timeout_ms);

 private:
  bool ReadExactly(char* to, size_t n);

  int fd_ = -1;
};

// "a,b" as addresses.
std::vector<std::string> SplitAddresses(const std::string& at);

struct ClusterView {
  struct Partition {
    int32_t leader = -1;
    std::vector<int32_t> in_sync;
  };
  std::map<int32_t, std::string> brokers;  // address by id
  std::vector<Partition> partitions;       // of the topic
  int32_t controller = -1;                 // that leads the quorum; -1: nobody now
};

// What the broker at one of the addresses says, the first one that answers. Nothing: none does.
std::optional<ClusterView> LookAt(const std::vector<std::string>& addresses, const std::string& topic);
// The same with the controller, for which the quorum is asked too.
std::optional<ClusterView> LookAtQuorum(const std::vector<std::string>& addresses, const std::string& topic);

}  // namespace leat::load
