#include "env/metrics.h"

namespace leat::env {
namespace {

class Null final : public Metrics, public Counter, public Gauge, public Histogram {
 public:
  Counter& GetCounter(const std::string&, const std::string&, const Labels&) override { return *this; }
  Gauge& GetGauge(const std::string&, const std::string&, const Labels&) override { return *this; }
  Histogram& GetHistogram(const std::string&, const std::string&, const Labels&, const std::vector<double>&) override {
    return *this;
  }
  void Forget(const std::string&, const std::string&) override {}
  void Add(double) override {}
  void Set(double) override {}
  void Observe(double) override {}
  void ObserveMany(double, uint64_t) override {}
};

}  // namespace

Metrics& NullMetrics() {
  static Null null;
  return null;
}

}  // namespace leat::env
