// Nodes of a cluster inside one test: real shards, real sockets on loopback.
#pragma once

#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "env/metrics.h"
#include "runtime/peer_handshake.h"
#include "runtime/peer_network.h"
#include "runtime/shard_set.h"
#include "tests/support/raw_socket.h"

namespace leat::runtime {

inline constexpr char kTestSecret[] = "the secret of the tests";

// Counts, and lets a test wait for a count.
class WaitingMetrics : public env::Metrics {
 public:
  env::Counter& GetCounter(const std::string& name, const std::string&, const env::Labels&) override {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<One>& one = counters_[name];
    if (one == nullptr) one = std::make_unique<One>(*this);
    return *one;
  }
  env::Gauge& GetGauge(const std::string& name, const std::string& help, const env::Labels& labels) override {
    return env::NullMetrics().GetGauge(name, help, labels);
  }
  env::Histogram& GetHistogram(const std::string& name, const std::string& help, const env::Labels& labels,
                               const std::vector<double>& buckets) override {
    return env::NullMetrics().GetHistogram(name, help, labels, buckets);
  }
  void Forget(const std::string&, const std::string&) override {}

  // False: it did not come to so many in 20 s. leat_peer_<name>_total.
  bool WaitFor(const std::string& name, double at_least) {
    std::unique_lock lock(mutex_);
    const One& one = *counters_.at(StrCat("leat_peer_", name, "_total"));
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return one.value >= at_least; });
  }
  double Value(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return counters_.at(StrCat("leat_peer_", name, "_total"))->value;
  }

 private:
  struct One : env::Counter {
    explicit One(WaitingMetrics& of) : metrics(of) {}
    void Add(double n) override {
      const std::lock_guard lock(metrics.mutex_);
      value += n;
      metrics.changed_.notify_all();
    }
    WaitingMetrics& metrics;
    double value = 0;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::unique_ptr<One>> counters_;
};

inline PeerOptions TestOptions(int32_t node) {
  PeerOptions options;
  options.node_id = node;
  options.listen = "127.0.0.1:0";
  options.secret = kTestSecret;
  options.cluster_id = "test-cluster";
  return options;
}

class TestNode {
 public:
  explicit TestNode(PeerOptions options, size_t shard_count = 2)
      : options_(std::move(options)), shards_({.shards = shard_count, .disk_threads = {}}) {
    shards_.Start();
    std::vector<AsioShard*> pointers;
    for (size_t i = 0; i < shards_.size(); ++i) pointers.push_back(&shards_.shard(i));
    network_ = std::make_unique<PeerNetwork>(pointers, options_, metrics);
    LEAT_CHECK_OK(network_->Listen());
  }
  ~TestNode() { Stop(); }
  void Stop() {
    if (!std::exchange(stopped_, true)) {
      std::promise<void> closed;
      network_->Stop([&] { closed.set_value(); });
      closed.get_future().wait();
    }
    shards_.Stop();
  }
  void AlreadyStopped() { stopped_ = true; }  // the network, by the test

  const std::string& address() const { return network_->address(); }
  uint16_t port() const {
    return static_cast<uint16_t>(std::stoi(network_->address().substr(network_->address().rfind(':') + 1)));
  }
  PeerNetwork& network() { return *network_; }
  AsioShard& shard(size_t i) { return shards_.shard(i); }
  env::Transport& transport(size_t i) { return *network_->transports()[i]; }

  // Runs the closure on a shard and waits for it.
  template <typename Act>
  void On(size_t shard, Act act) {
    std::promise<void> done;
    shards_.shard(shard).Post([&] {
      act(transport(shard));
      done.set_value();
    });
    done.get_future().wait();
  }
  void Serve(size_t shard, env::Service service, env::Transport::Handler handler) {
    On(shard, [&](env::Transport& transport) { transport.Serve(service, std::move(handler)); });
  }
  // On all shards.
  void Know(const std::map<int32_t, uint16_t>& ports) {
    std::map<int32_t, env::PeerAddress> peers;
    for (const auto& [node, port] : ports) peers[node] = {.host = "127.0.0.1", .port = port};
    for (size_t i = 0; i < shards_.size(); ++i) {
      On(i, [&](env::Transport& transport) { transport.SetPeers(peers); });
    }
  }
  std::future<absl::StatusOr<std::string>> Start(size_t shard, int32_t to, std::string request,
                                                 Duration timeout = absl::Seconds(20),
                                                 env::Service service = env::Service::kBroker) {
    auto promise = std::make_shared<std::promise<absl::StatusOr<std::string>>>();
    shards_.shard(shard).Post([this, shard, to, request, timeout, service, promise] {
      transport(shard).Call(to, service, request, timeout, [this, shard, promise](absl::StatusOr<OwnedBytes> answer) {
        LEAT_CHECK(shards_.shard(shard).IsCurrent()) << "an answer on another shard";
        promise->set_value(answer.ok() ? absl::StatusOr<std::string>(std::string(answer->view())) : answer.status());
      });
    });
    return promise->get_future();
  }
  absl::StatusOr<std::string> Call(size_t shard, int32_t to, std::string request,
                                   Duration timeout = absl::Seconds(20)) {
    return Start(shard, to, std::move(request), timeout).get();
  }
  // Until it is answered: a node that was unreachable is tried again after a pause of the transport's own.
  absl::StatusOr<std::string> CallUntilOk(size_t shard, int32_t to, const std::string& request) {
    const Instant give_up = shards_.shard(0).Now() + absl::Seconds(20);
    while (true) {
      absl::StatusOr<std::string> answer = Call(shard, to, request);
      if (answer.ok() || shards_.shard(0).Now() > give_up) return answer;
    }
  }
  // Answers with "<node>.<shard> <from> <request>".
  void Echo() {
    for (size_t i = 0; i < shards_.size(); ++i) {
      Serve(i, env::Service::kBroker, [this, i](int32_t from, OwnedBytes bytes, env::Transport::Reply reply) {
        LEAT_CHECK(shards_.shard(i).IsCurrent());
        reply(OwnedBytes(StrCat(options_.node_id, ".", i, " ", from, " ", bytes.view())));
      });
    }
  }

  WaitingMetrics metrics;

 private:
  const PeerOptions options_;
  ShardSet shards_;
  std::unique_ptr<PeerNetwork> network_;
  bool stopped_ = false;
};

// A client that speaks the handshake, or what it is told to.
class RawPeer {
 public:
  explicit RawPeer(uint16_t port) : socket_(port) {}

  static std::string Framed(std::string_view message) {
    std::string out(4, '\0');
    out[2] = static_cast<char>(message.size() >> 8);
    out[3] = static_cast<char>(message.size());
    return out.append(message);
  }
  void Say(std::string_view message) { socket_.Send(Framed(message)); }
  // The next message; empty at the end of the stream.
  std::string Hear() {
    if (!Fill(4)) return {};
    const size_t size =
        static_cast<size_t>(static_cast<unsigned char>(buffer_[2])) << 8 | static_cast<unsigned char>(buffer_[3]);
    if (!Fill(4 + size)) return {};
    std::string message = buffer_.substr(4, size);
    buffer_.erase(0, 4 + size);
    return message;
  }
  bool Fill(size_t bytes) {
    while (buffer_.size() < bytes) {
      if (socket_.Receive(&buffer_) != test::RawSocket::Got::kBytes) return false;
    }
    return true;
  }
  // The whole handshake; the welcome as it came.
  absl::StatusOr<PeerWelcome> Enter(PeerHello hello, std::string_view secret = kTestSecret) {
    hello.nonce = Nonce();
    PeerTranscript transcript{.hello = Encode(hello), .challenge = {}};
    Say(transcript.hello);
    transcript.challenge = Hear();
    Say(ProofOf(secret, transcript));
    return DecodeWelcome(Hear());
  }
  test::RawSocket& socket() { return socket_; }
  std::string& buffer() { return buffer_; }

 private:
  test::RawSocket socket_;
  std::string buffer_;
};

}  // namespace leat::runtime
