#include "bench/compare/load_probe.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/strings.h"
#include "bench/compare/load_client.h"
#include "bench/compare/load_requests.h"

namespace leat::load {
namespace {

constexpr int kLookAgainUs = 2000;  // while nobody leads
constexpr int kAcksAll = -1;

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

class Probe {
 public:
  explicit Probe(const ProbeOptions& options)
      : options_(options),
        write_(ProduceFrame(options.topic, options.partition, kAcksAll, MakeBatch(options.batch, 1))) {}

  int Run() {
    const int64_t end_ns = NowNs() + static_cast<int64_t>(options_.seconds * 1e9);
    while (NowNs() < end_ns) {
      if (!client_.connected() && !FindSomebody()) {
        ::usleep(kLookAgainUs);
        continue;
      }
      const int error = WriteOne();
      if (error == 0) {
        NoteAcknowledged(NowNs());
        ::usleep(static_cast<useconds_t>(options_.interval_us));
        continue;
      }
      ++errors_;
      client_.Close();
      ::usleep(kLookAgainUs);
    }
    std::printf("{\"acknowledged\":%lld,\"longest_ms\":%.3f}\n", static_cast<long long>(acknowledged_), longest_ms_);
    return acknowledged_ > 0 ? 0 : 1;
  }

 private:
  // The leader; of changes any broker that listens, another one each time.
  bool FindSomebody() {
    if (options_.what == ProbeOptions::What::kChanges) {
      return client_.Connect(options_.addresses[next_++ % options_.addresses.size()]);
    }
    std::vector<std::string> addresses = options_.addresses;
    std::rotate(addresses.begin(), addresses.begin() + static_cast<int64_t>(next_++ % addresses.size()),
                addresses.end());
    const std::optional<ClusterView> view = LookAt(addresses, options_.topic);
    const auto index = static_cast<size_t>(options_.partition);
    if (!view || view->partitions.size() <= index) return false;
    const int32_t leader = view->partitions[index].leader;
    const auto at = view->brokers.find(leader);
    if (at == view->brokers.end() || !client_.Connect(at->second)) return false;
    if (leader != leader_) Tell(StrCat("{\"leader\":", leader, ",\"at_ns\":", NowNs(), "}"));
    leader_ = leader;
    return true;
  }

  // An error code; -1: no answer.
  int WriteOne() {
    const bool changes = options_.what == ProbeOptions::What::kChanges;
    const std::optional<std::string> answer =
        client_.Ask(changes ? ConfigFrame(options_.topic, 1'000'000'000 + changed_++) : write_, options_.timeout_ms);
    if (!answer) return -1;
    return changes ? ReadConfigAnswer(*answer).error : ReadProduceAnswer(*answer).error;
  }

  void NoteAcknowledged(int64_t now) {
    const double gap_ms = acknowledged_ == 0 ? 0 : static_cast<double>(now - last_ns_) / 1e6;
    if (acknowledged_ == 0 || gap_ms >= options_.gap_ms) {
      Tell(StrCat("{\"from_ns\":", last_ns_, ",\"to_ns\":", now, ",\"errors\":", errors_, "}"));
    }
    longest_ms_ = std::max(longest_ms_, gap_ms);
    errors_ = 0;
    last_ns_ = now;
    ++acknowledged_;
  }

  static void Tell(const std::string& line) {
    std::puts(line.c_str());
    std::fflush(stdout);
  }

  const ProbeOptions& options_;
  const std::string write_;
  LoadClient client_;
  size_t next_ = 0;
  int32_t leader_ = -1;
  int64_t changed_ = 0;
  int64_t acknowledged_ = 0;
  int64_t last_ns_ = 0;
  double longest_ms_ = 0;
  int errors_ = 0;
};

}  // namespace

int RunProbe(const ProbeOptions& options) { return Probe(options).Run(); }

}  // namespace leat::load
