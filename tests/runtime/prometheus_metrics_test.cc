#include "runtime/prometheus_metrics.h"

namespace leat::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(PrometheusMetrics, RendersCountersGaugesAndHistograms) {
  PrometheusMetrics metrics({});
  metrics.GetCounter("leat_records_total", "Records taken.", {{"topic", "a"}}).Add(3);
  metrics.GetGauge("leat_open_files", "Open files.", {}).Set(7);
  env::Histogram& histogram = metrics.GetHistogram("leat_sync_seconds", "Time of a sync in seconds.", {}, {0.1, 1});
  histogram.Observe(0.5);
  histogram.Observe(5);
  const std::string text = metrics.RenderText();
  EXPECT_THAT(text, HasSubstr("# HELP leat_records_total Records taken.\n# TYPE leat_records_total counter\n"
                              "leat_records_total{topic=\"a\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("leat_open_files 7\n"));
  EXPECT_THAT(text, HasSubstr("leat_sync_seconds_bucket{le=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("leat_sync_seconds_count 2\n"));
}

TEST(PrometheusMetrics, ObservingManyIsObservingOneByOne) {
  const std::vector<std::pair<double, uint64_t>> seen = {{0.05, 3}, {0.1, 2}, {0.5, 1000}, {1, 1}, {7, 2}};
  PrometheusMetrics many({});
  PrometheusMetrics each({});
  for (const auto& [value, times] : seen) {
    many.GetHistogram("leat_sync_seconds", "Time.", {}, {0.1, 1}).ObserveMany(value, times);
    for (uint64_t i = 0; i < times; ++i) {
      each.GetHistogram("leat_sync_seconds", "Time.", {}, {0.1, 1}).Observe(value);
    }
  }
  EXPECT_EQ(many.RenderText(), each.RenderText());
}

TEST(PrometheusMetrics, GivesTheSameHandleForTheSameNameAndLabels) {
  PrometheusMetrics metrics({});
  const auto get = [&](const std::string& topic) -> env::Counter& {
    return metrics.GetCounter("leat_records_total", "Records taken.", {{"topic", topic}});
  };
  EXPECT_EQ(&get("a"), &get("a"));
  EXPECT_NE(&get("a"), &get("b"));
}

TEST(PrometheusMetrics, ForgetsOnlyTheSeriesWithTheLabelValue) {
  PrometheusMetrics metrics({});
  metrics.GetCounter("leat_records_total", "Records taken.", {{"topic", "gone"}, {"kind", "x"}}).Add(1);
  metrics.GetCounter("leat_records_total", "Records taken.", {{"topic", "kept"}}).Add(1);
  metrics.GetGauge("leat_lag_records", "Lag in records.", {{"topic", "gone"}}).Set(1);
  metrics.GetHistogram("leat_size_bytes", "Size in bytes.", {{"topic", "gone"}}, {1}).Observe(1);
  metrics.Forget("topic", "gone");
  const std::string text = metrics.RenderText();
  EXPECT_THAT(text, Not(HasSubstr("gone")));
  EXPECT_THAT(text, HasSubstr("topic=\"kept\""));
}

TEST(PrometheusMetrics, AForgottenSeriesStartsAgainFromZero) {
  PrometheusMetrics metrics({});
  metrics.GetCounter("leat_records_total", "Records taken.", {{"topic", "a"}}).Add(5);
  metrics.Forget("topic", "a");
  metrics.GetCounter("leat_records_total", "Records taken.", {{"topic", "a"}}).Add(1);
  EXPECT_THAT(metrics.RenderText(), HasSubstr("leat_records_total{topic=\"a\"} 1\n"));
}

TEST(PrometheusMetrics, EscapesLabelValues) {
  PrometheusMetrics metrics({});
  metrics.GetGauge("leat_lag_records", "Lag in records.", {{"group", "a\"b\\c\nd"}}).Set(1);
  EXPECT_THAT(metrics.RenderText(), HasSubstr("group=\"a\\\"b\\\\c\\nd\""));
}

TEST(PrometheusMetrics, CountsTheSeriesOverTheLimitInsteadOfKeepingThem) {
  PrometheusMetrics metrics({.max_series = 2});
  for (const char* topic : {"a", "b", "c", "d"}) {
    metrics.GetCounter("leat_records_total", "Records taken.", {{"topic", topic}}).Add(1);
  }
  const std::string text = metrics.RenderText();
  EXPECT_THAT(text, HasSubstr("topic=\"b\""));
  EXPECT_THAT(text, Not(HasSubstr("topic=\"c\"")));
  EXPECT_THAT(text, HasSubstr("leat_metrics_series_refused_total 2\n"));
}

TEST(PrometheusMetrics, TheReferenceKeepsWhatWasForgotten) {
  PrometheusMetrics metrics({});
  metrics.GetCounter("leat_records_total", "Records taken.", {{"topic", "a"}, {"partition", "0"}});
  metrics.Forget("topic", "a");
  EXPECT_THAT(metrics.RenderMetricsReference(),
              HasSubstr("| `leat_records_total` | counter | `partition`, `topic` | Records taken. |\n"));
}

TEST(PrometheusMetrics, TheReferenceListsWhatIsDeclaredBeforeThereIsASeries) {
  PrometheusMetrics metrics({});
  metrics.DeclareCounter("leat_rows_total", "Rows.", {"job"});
  metrics.DeclareGauge("leat_lag_seconds", "Lag.", {"topic", "group"});
  EXPECT_THAT(metrics.RenderMetricsReference(), HasSubstr("| `leat_rows_total` | counter | `job` | Rows. |\n"));
  EXPECT_THAT(metrics.RenderMetricsReference(),
              HasSubstr("| `leat_lag_seconds` | gauge | `group`, `topic` | Lag. |\n"));
  EXPECT_THAT(metrics.RenderText(), Not(HasSubstr("leat_rows")));
}

TEST(PrometheusMetricsDeathTest, RefusesNamesThatBreakTheConventions) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  PrometheusMetrics metrics({});
  EXPECT_DEATH(metrics.GetCounter("leat_records", "Records.", {}), "leat_records is a counter");
  EXPECT_DEATH(metrics.GetGauge("records", "Records.", {}), "bad metric name records");
  EXPECT_DEATH(metrics.GetGauge("leat_lag", "Lag.", {{"a-b", "x"}}), "bad label a-b");
  metrics.GetGauge("leat_lag", "Lag.", {});
  EXPECT_DEATH(metrics.GetHistogram("leat_lag", "Lag.", {}, {1}), "leat_lag is a gauge, not a histogram");
}

}  // namespace
}  // namespace leat::runtime
