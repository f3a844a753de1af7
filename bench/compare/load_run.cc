#include "bench/compare/load_run.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "bench/compare/load_client.h"
#include "bench/compare/load_connection.h"
#include "bench/compare/server_cost.h"

namespace leat::load {
namespace {

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}
int64_t Nanos(double seconds) { return static_cast<int64_t>(seconds * 1e9); }

enum class Kind { kProduce, kFetch };

// Where each partition is asked for: at its leader if several brokers are named, else at the one that is.
std::vector<std::string> AddressesOfPartitions(const LoadOptions& options) {
  const std::vector<std::string> named = SplitAddresses(options.at);
  if (named.size() <= 1) return std::vector<std::string>(static_cast<size_t>(options.partitions), options.at);
  const std::optional<ClusterView> view = LookAt(named, options.topic);
  std::vector<std::string> addresses;
  for (size_t i = 0; i < static_cast<size_t>(options.partitions); ++i) {
    const bool known = view && i < view->partitions.size() && view->brokers.contains(view->partitions[i].leader);
    if (!known) {
      std::fprintf(stderr, "kafka_load: nobody at %s leads partition %zu of topic %s\n", options.at.c_str(), i,
                   options.topic.c_str());
      std::exit(2);
    }
    addresses.push_back(view->brokers.at(view->partitions[i].leader));
  }
  return addresses;
}

class Run {
 public:
  Run(const LoadOptions& options, Kind kind) : options_(options), kind_(kind), epoll_(::epoll_create1(0)) {
    if (kind == Kind::kProduce) batch_ = MakeBatch(options.batch, 1);
    const std::vector<std::string> addresses = AddressesOfPartitions(options);
    for (int i = 0; i < options.connections; ++i) {
      const int partition = i % options.partitions;
      Peer& peer =
          peers_.emplace_back(Peer{LoadConnection(addresses[static_cast<size_t>(partition)]), partition, 0, ""});
      if (kind == Kind::kProduce) {
        peer.frame = ProduceFrame(options.topic, peer.partition, static_cast<int16_t>(options.acks), batch_);
      }
      epoll_event event = {};
      event.events = EPOLLIN | EPOLLOUT | EPOLLET;
      event.data.u32 = static_cast<uint32_t>(i);
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, peer.connection.fd(), &event);
    }
  }
  ~Run() { ::close(epoll_); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  LoadResult Go() {
    started_ns_ = next_ns_ = NowNs();
    const int64_t end_ns = started_ns_ + Nanos(options_.warm_seconds + options_.seconds);
    if (options_.warm_seconds == 0) BeginMeasuring(started_ns_);
    if (options_.rate == 0) {
      for (Peer& peer : peers_) {
        for (int d = 0; d < (kind_ == Kind::kFetch ? 1 : options_.depth); ++d) Ask(peer, NowNs());
      }
    }
    for (int64_t now = NowNs(); now < end_ns && !closed_; now = NowNs()) {
      if (!measuring_ && now - started_ns_ >= Nanos(options_.warm_seconds)) BeginMeasuring(now);
      if (options_.rate > 0) AskOnTime(now);
      Poll(options_.rate > 0 ? std::max<int64_t>(0, (next_ns_ - now) / 1'000'000) : 100);
    }
    return Finish();
  }

 private:
  struct Peer {
    LoadConnection connection;
    int32_t partition;
    int64_t offset;
    std::string frame;
  };

  void BeginMeasuring(int64_t now) {
    measuring_ = true;
    measured_from_ns_ = now;
    result_ = {};
    server_before_ = CostOf(options_.pids);
    client_before_ = OwnCpuSeconds();
  }

  void Ask(Peer& peer, int64_t intended_ns) {
    if (kind_ == Kind::kFetch) {
      peer.frame = FetchFrame(options_.topic, peer.partition, peer.offset, options_.max_bytes);
    }
    peer.connection.Send(peer.frame, intended_ns);
  }

  void AskOnTime(int64_t now) {
    while (next_ns_ <= now) {
      Ask(peers_[static_cast<size_t>(asked_) % peers_.size()], next_ns_);
      ++asked_;
      next_ns_ = started_ns_ + Nanos(static_cast<double>(asked_) / options_.rate);
    }
  }

  void Poll(int64_t timeout_ms) {
    std::array<epoll_event, 256> events;
    const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), static_cast<int>(timeout_ms));
    for (int i = 0; i < n; ++i) {
      Peer& peer = peers_[events[static_cast<size_t>(i)].data.u32];
      peer.connection.Flush();
      const bool open =
          peer.connection.Receive([&](std::string_view frame, int64_t intended_ns) { Take(peer, frame, intended_ns); });
      if (open) continue;
      std::fprintf(stderr, "kafka_load: the server closed a connection\n");
      ++result_.errors;
      closed_ = true;
    }
  }

  void Take(Peer& peer, std::string_view frame, int64_t intended_ns) {
    const int64_t now = NowNs();
    const Answered answered = kind_ == Kind::kProduce ? ReadProduceAnswer(frame) : ReadFetchAnswer(frame);
    ++result_.requests;
    if (measuring_) result_.latencies_ns.push_back(now - intended_ns);
    if (answered.error != 0) {
      ++result_.errors;
      result_.last_error = answered.error;
    } else if (kind_ == Kind::kProduce) {
      result_.records += options_.batch.records;
      result_.bytes += static_cast<int64_t>(batch_.size());
    } else {
      result_.records += answered.records;
      result_.bytes += answered.bytes;
      // From the start again at the end: the row is about serving, not about running out.
      peer.offset = answered.next_offset < 0 ? 0 : answered.next_offset;
    }
    if (options_.rate == 0) Ask(peer, NowNs());
  }

  LoadResult Finish() {
    const ServerCost after = CostOf(options_.pids);
    result_.seconds = static_cast<double>(NowNs() - measured_from_ns_) / 1e9;
    result_.server_cpu_seconds = after.cpu_seconds - server_before_.cpu_seconds;
    result_.client_cpu_seconds = OwnCpuSeconds() - client_before_;
    result_.server_peak_rss_kib = after.peak_rss_kib;
    std::sort(result_.latencies_ns.begin(), result_.latencies_ns.end());
    return std::move(result_);
  }

  const LoadOptions& options_;
  const Kind kind_;
  const int epoll_;
  std::string batch_;
  std::vector<Peer> peers_;
  LoadResult result_;
  ServerCost server_before_;
  double client_before_ = 0;
  int64_t started_ns_ = 0;
  int64_t measured_from_ns_ = 0;
  int64_t next_ns_ = 0;
  int64_t asked_ = 0;
  bool measuring_ = false;
  bool closed_ = false;
};

double MicrosAt(const std::vector<int64_t>& sorted, double quantile) {
  if (sorted.empty()) return 0;
  const auto at = static_cast<size_t>(quantile * static_cast<double>(sorted.size()));
  return static_cast<double>(sorted[std::min(at, sorted.size() - 1)]) / 1000;
}

}  // namespace

LoadResult RunProduce(const LoadOptions& options) { return Run(options, Kind::kProduce).Go(); }
LoadResult RunFetch(const LoadOptions& options) { return Run(options, Kind::kFetch).Go(); }

std::string ResultJson(const LoadOptions& options, const LoadResult& r) {
  const double gb = static_cast<double>(r.bytes) / 1e9;
  const double requests = static_cast<double>(std::max<int64_t>(r.requests, 1));
  char text[1024];
  std::snprintf(text, sizeof(text),
                "{\"connections\":%d,\"depth\":%d,\"rate\":%.0f,\"seconds\":%.2f,\"requests_per_s\":%.0f,"
                "\"records_per_s\":%.0f,\"mb_per_s\":%.1f,\"server_cpu_s\":%.2f,\"server_cpu_s_per_gb\":%.3f,"
                "\"server_us_per_request\":%.2f,\"client_cpu_s\":%.2f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"p999_us\":%.0f,"
                "\"samples\":%zu,\"server_peak_rss_mib\":%ld,\"errors\":%lld,\"last_error\":%d}",
                options.connections, options.depth, options.rate, r.seconds,
                static_cast<double>(r.requests) / r.seconds, static_cast<double>(r.records) / r.seconds,
                gb * 1000 / r.seconds, r.server_cpu_seconds, gb > 0 ? r.server_cpu_seconds / gb : 0,
                r.server_cpu_seconds * 1e6 / requests, r.client_cpu_seconds, MicrosAt(r.latencies_ns, 0.5),
                MicrosAt(r.latencies_ns, 0.99), MicrosAt(r.latencies_ns, 0.999), r.latencies_ns.size(),
                r.server_peak_rss_kib / 1024, static_cast<long long>(r.errors), r.last_error);
  return text;
}

}  // namespace leat::load
