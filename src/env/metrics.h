// Metrics as a port. Handles are cheap, thread-safe, and live as long as the registry. Names follow the Prometheus
// conventions: leat_ prefix, base units, _total on counters.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace leat::env {

using Labels = std::map<std::string, std::string>;

class Counter {
 public:
  virtual ~Counter() = default;
  virtual void Add(double n) = 0;
};
class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void Set(double value) = 0;
};
class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void Observe(double value) = 0;
  virtual void ObserveMany(double value, uint64_t times) = 0;  // the same, so many times
};

class Metrics {
 public:
  virtual ~Metrics() = default;
  // The same name and labels give the same handle. `help` is one sentence with the unit.
  virtual Counter& GetCounter(const std::string& name, const std::string& help, const Labels& labels) = 0;
  virtual Gauge& GetGauge(const std::string& name, const std::string& help, const Labels& labels) = 0;
  virtual Histogram& GetHistogram(const std::string& name, const std::string& help, const Labels& labels,
                                  const std::vector<double>& buckets) = 0;
  // Names a counter or gauge in the reference before there is a series of it.
  virtual void DeclareCounter(const std::string& /*name*/, const std::string& /*help*/,
                              const std::vector<std::string>& /*labels*/) {}
  virtual void DeclareGauge(const std::string& /*name*/, const std::string& /*help*/,
                            const std::vector<std::string>& /*labels*/) {}
  // Forgets every series that carries this label value (a deleted topic or job). Its handles must not be used again.
  virtual void Forget(const std::string& label, const std::string& value) = 0;
};

// Takes everything, keeps nothing: for tests and tools.
Metrics& NullMetrics();

}  // namespace leat::env
