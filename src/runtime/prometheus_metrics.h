// env::Metrics over prometheus-cpp, and what can be said about everything registered. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "env/metrics.h"

namespace leat::runtime {

class PrometheusMetrics final : public env::Metrics {
 public:
  struct Options {
    size_t max_series = 100000;  // name and label values; over it a handle counts nowhere (see below)
  };
  explicit PrometheusMetrics(const Options& options);
  ~PrometheusMetrics() override;

  // Names and labels are ours, so a bad one is a broken invariant: leat_ and lower-case words, counters end in _total,
  // one name has one type and one help. A series over the limit is not kept: its handle swallows what it is given, and
  // leat_metrics_series_refused_total counts it.
  env::Counter& GetCounter(const std::string& name, const std::string& help, const env::Labels& labels) override;
  env::Gauge& GetGauge(const std::string& name, const std::string& help, const env::Labels& labels) override;
  env::Histogram& GetHistogram(const std::string& name, const std::string& help, const env::Labels& labels,
                               const std::vector<double>& buckets) override;
  void DeclareCounter(const std::string& name, const std::string& help,
                      const std::vector<std::string>& labels) override;
  void DeclareGauge(const std::string& name, const std::string& help, const std::vector<std::string>& labels) override;
  void Forget(const std::string& label, const std::string& value) override;

  // Everything in the Prometheus text format 0.0.4.
  std::string RenderText() const;
  // docs/metrics.md: name, type, labels and help of everything registered so far, in name order. What was forgotten
  // stays.
  std::string RenderMetricsReference() const;

 private:
  struct State;  // keeps prometheus-cpp out of this header
  const std::unique_ptr<State> state_;
};

}  // namespace leat::runtime
