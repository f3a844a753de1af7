#include "runtime/prometheus_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/strings.h"

namespace leat::runtime {
namespace {

constexpr const char kRefusedName[] = "leat_metrics_series_refused_total";

class CounterHandle final : public env::Counter {
 public:
  explicit CounterHandle(prometheus::Counter& metric) : metric_(metric) {}
  void Add(double n) override { metric_.Increment(n); }
  prometheus::Counter& metric_;
};
class GaugeHandle final : public env::Gauge {
 public:
  explicit GaugeHandle(prometheus::Gauge& metric) : metric_(metric) {}
  void Set(double value) override { metric_.Set(value); }
  prometheus::Gauge& metric_;
};
class HistogramHandle final : public env::Histogram {
 public:
  HistogramHandle(prometheus::Histogram& metric, std::vector<double> buckets)
      : metric_(metric), buckets_(std::move(buckets)) {}
  void Observe(double value) override { metric_.Observe(value); }
  void ObserveMany(double value, uint64_t times) override {
    std::vector<double> increments(buckets_.size() + 1);
    const auto bucket = std::lower_bound(buckets_.begin(), buckets_.end(), value) - buckets_.begin();
    increments[static_cast<size_t>(bucket)] = static_cast<double>(times);
    metric_.ObserveMultiple(increments, value * static_cast<double>(times));
  }
  prometheus::Histogram& metric_;
  const std::vector<double> buckets_;
};

bool IsWord(std::string_view text) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && (text[0] < '0' || text[0] > '9') && std::all_of(text.begin(), text.end(), good);
}

// The series of one type: family by name, handle by name and labels.
template <typename Metric, typename Handle>
struct Kind {
  std::map<std::string, prometheus::Family<Metric>*> families;
  std::map<std::pair<std::string, env::Labels>, std::unique_ptr<Handle>> handles;

  size_t Forget(const std::string& label, const std::string& value) {
    return std::erase_if(handles, [&](const auto& entry) {
      const auto& [name, labels] = entry.first;
      const auto it = labels.find(label);
      if (it == labels.end() || it->second != value) return false;
      families.at(name)->Remove(&entry.second->metric_);
      return true;
    });
  }
};

struct Description {
  std::string type;
  std::string help;
  std::set<std::string> labels;
};

}  // namespace

struct PrometheusMetrics::State {
  explicit State(const Options& options_in) : options(options_in) {}

  void Describe(const std::string& name, const std::string& help, const std::string& type, const env::Labels& labels) {
    LEAT_CHECK(name.starts_with("leat_") && IsWord(name)) << "bad metric name " << name;
    LEAT_CHECK((type == "counter") == name.ends_with("_total")) << name << " is a " << type;
    Description& description = descriptions.try_emplace(name, Description{type, help, {}}).first->second;
    LEAT_CHECK(description.type == type) << name << " is a " << description.type << ", not a " << type;
    LEAT_CHECK(description.help == help) << name << " has two helps: " << description.help << " and " << help;
    for (const auto& [label, value] : labels) {
      LEAT_CHECK(IsWord(label)) << "bad label " << label << " of " << name;
      description.labels.insert(label);
    }
  }

  bool Full() {
    if (counters.handles.size() + gauges.handles.size() + histograms.handles.size() < options.max_series) return false;
    if (refused != nullptr) refused->Increment();
    return true;
  }

  // The handle of this series, made if missing; nullptr if there are too many.
  template <typename Metric, typename Handle, typename Build, typename... Args>
  Handle* Get(Kind<Metric, Handle>& kind, const std::string& name, const std::string& help, const env::Labels& labels,
              const Build& build, const Args&... args) {
    auto key = std::make_pair(name, labels);
    if (const auto it = kind.handles.find(key); it != kind.handles.end()) return it->second.get();
    if (Full()) return nullptr;
    prometheus::Family<Metric>*& family = kind.families[name];
    if (family == nullptr) family = &build().Name(name).Help(help).Register(registry);
    auto handle = std::make_unique<Handle>(family->Add(labels, args...), args...);
    return kind.handles.emplace(std::move(key), std::move(handle)).first->second.get();
  }

  const Options options;
  mutable std::mutex mutex;
  prometheus::Registry registry;
  std::map<std::string, Description> descriptions;
  Kind<prometheus::Counter, CounterHandle> counters;
  Kind<prometheus::Gauge, GaugeHandle> gauges;
  Kind<prometheus::Histogram, HistogramHandle> histograms;
  prometheus::Counter* refused = nullptr;
};

PrometheusMetrics::PrometheusMetrics(const Options& options) : state_(std::make_unique<State>(options)) {
  const std::string help = "Series that were not kept because there are too many; their values are missing here.";
  state_->Describe(kRefusedName, help, "counter", {});
  state_->refused = &prometheus::BuildCounter().Name(kRefusedName).Help(help).Register(state_->registry).Add({});
}

PrometheusMetrics::~PrometheusMetrics() = default;

env::Counter& PrometheusMetrics::GetCounter(const std::string& name, const std::string& help,
                                            const env::Labels& labels) {
  const std::lock_guard lock(state_->mutex);
  state_->Describe(name, help, "counter", labels);
  env::Counter* handle = state_->Get(state_->counters, name, help, labels, prometheus::BuildCounter);
  return handle != nullptr ? *handle : env::NullMetrics().GetCounter(name, help, labels);
}

env::Gauge& PrometheusMetrics::GetGauge(const std::string& name, const std::string& help, const env::Labels& labels) {
  const std::lock_guard lock(state_->mutex);
  state_->Describe(name, help, "gauge", labels);
  env::Gauge* handle = state_->Get(state_->gauges, name, help, labels, prometheus::BuildGauge);
  return handle != nullptr ? *handle : env::NullMetrics().GetGauge(name, help, labels);
}

env::Histogram& PrometheusMetrics::GetHistogram(const std::string& name, const std::string& help,
                                                const env::Labels& labels, const std::vector<double>& buckets) {
  const std::lock_guard lock(state_->mutex);
  state_->Describe(name, help, "histogram", labels);
  env::Histogram* handle = state_->Get(state_->histograms, name, help, labels, prometheus::BuildHistogram, buckets);
  return handle != nullptr ? *handle : env::NullMetrics().GetHistogram(name, help, labels, buckets);
}

namespace {

env::Labels WithoutValues(const std::vector<std::string>& labels) {
  env::Labels named;
  for (const std::string& label : labels) named[label];
  return named;
}

}  // namespace

void PrometheusMetrics::DeclareCounter(const std::string& name, const std::string& help,
                                       const std::vector<std::string>& labels) {
  const std::lock_guard lock(state_->mutex);
  state_->Describe(name, help, "counter", WithoutValues(labels));
}

void PrometheusMetrics::DeclareGauge(const std::string& name, const std::string& help,
                                     const std::vector<std::string>& labels) {
  const std::lock_guard lock(state_->mutex);
  state_->Describe(name, help, "gauge", WithoutValues(labels));
}

void PrometheusMetrics::Forget(const std::string& label, const std::string& value) {
  const std::lock_guard lock(state_->mutex);
  state_->counters.Forget(label, value);
  state_->gauges.Forget(label, value);
  state_->histograms.Forget(label, value);
}

std::string PrometheusMetrics::RenderText() const {
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

std::string PrometheusMetrics::RenderMetricsReference() const {
  const std::lock_guard lock(state_->mutex);
  std::string out =
      "# Metrics\n\n"
      "What `GET /metrics` on the admin listener serves, in the Prometheus text format. Generated from the program: "
      "do\n"
      "not edit.\n\n"
      "| Name | Type | Labels | Meaning |\n|---|---|---|---|\n";
  for (const auto& [name, description] : state_->descriptions) {
    std::string labels;
    for (const std::string& label : description.labels) StrAppend(&labels, labels.empty() ? "" : ", ", "`", label, "`");
    StrAppend(&out, "| `", name, "` | ", description.type, " | ", labels, " | ", description.help, " |\n");
  }
  return out;
}

}  // namespace leat::runtime
