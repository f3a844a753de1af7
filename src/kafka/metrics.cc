#include "kafka/metrics.h"

#include "kafka/apis.h"
#include "model/error_code.h"

namespace leat::kafka {
namespace {

const std::vector<double>& Buckets() {
  static const std::vector<double> buckets = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01,
                                              0.02,   0.05,   0.1,    0.5,   1,     5,     30};
  return buckets;
}

}  // namespace

ServerMetrics::ServerMetrics(env::Metrics& metrics)
    : bytes_in(metrics.GetCounter("leat_kafka_received_bytes_total", "Bytes of requests from Kafka clients.", {})),
      bytes_out(metrics.GetCounter("leat_kafka_sent_bytes_total", "Bytes of answers to Kafka clients.", {})),
      accepted(metrics.GetCounter("leat_kafka_connections_accepted_total", "Connections of Kafka clients taken.", {})),
      refused(metrics.GetCounter("leat_kafka_connections_refused_total",
                                 "Connections of Kafka clients closed at once because there were too many.", {})),
      moved(metrics.GetCounter("leat_kafka_connections_moved_total",
                               "Connections of Kafka clients that went to the shard of the partitions they write to.",
                               {})),
      failed(metrics.GetCounter("leat_kafka_connections_failed_total",
                                "Connections of Kafka clients closed for what came, or did not come, on them.", {})),
      metrics_(metrics) {}

void ServerMetrics::NoteRequest(int16_t api_key, int16_t error, Duration took) {
  const auto index = static_cast<size_t>(api_key);
  if (index >= apis_.size()) apis_.resize(index + 1);
  OfApi& of = apis_[index];
  if (of.seconds == nullptr) {
    of.seconds = &metrics_.GetHistogram(
        "leat_kafka_request_duration_seconds",
        "Time from a Kafka request's arrival to its answer, seconds; a fetch that waits for records waits in it.",
        {{"api", std::string(FindServedApi(api_key)->name)}}, Buckets());
  }
  of.seconds->Observe(absl::ToDoubleSeconds(took));
  for (const auto& [code, counter] : of.by_error) {
    if (code == error) return counter->Add(1);
  }
  env::Counter& counter =
      metrics_.GetCounter("leat_kafka_requests_total", "Requests of Kafka clients answered.",
                          {{"api", std::string(FindServedApi(api_key)->name)},
                           {"error", std::string(model::ErrorName(static_cast<model::ErrorCode>(error)))}});
  of.by_error.emplace_back(error, &counter);
  counter.Add(1);
}

env::Gauge& OpenConnections(env::Metrics& metrics) {
  return metrics.GetGauge("leat_kafka_connections", "Connections of Kafka clients that are open.", {});
}

}  // namespace leat::kafka
