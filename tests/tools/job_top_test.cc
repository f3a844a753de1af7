#include "tools/leat/job_top.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace leat::tool {
namespace {

using testing::HasSubstr;
using testing::Not;

client::JobInfo Job(double seconds, uint64_t rows, double busy) {
  client::JobInfo job{.name = "fraud", .state = "RUNNING"};
  job.node = 1;
  job.workers = 2;
  job.seconds = seconds;
  job.checkpoint_age_ms = 250;
  job.checkpoint_duration_seconds = 0.02;
  job.checkpoint_bytes = 2048;
  job.operators.push_back({.id = 1, .name = "Source payments#1", .rows_in = rows, .rows_out = rows});
  job.operators.back().busy_seconds = busy;
  job.operators.back().watermark_ms = 1000;
  job.operators.back().watermark_lag_seconds = 1.5;
  job.operators.back().state_bytes = 1536;
  return job;
}

TEST(JobTop, ShowsRatesBetweenTwoLooks) {
  std::vector<client::JobInfo> before = {Job(10, 100, 1)}, now = {Job(12, 4100, 2)};
  before[0].cpu_seconds = 3;
  now[0].cpu_seconds = 4;
  now[0].cpu_limit = 0.75;
  const std::string text = TopText(before, now);
  EXPECT_THAT(text, HasSubstr("fraud  RUNNING on node 1, 2 workers, 0.50 cores of at most 0.75  latency "));
  EXPECT_THAT(text, HasSubstr("checkpoint 2.0 KiB in 20ms, 250ms ago"));
  EXPECT_THAT(text, testing::ContainsRegex("Source payments#1 +2000 +2000 +25.0% +0.0% +1.5s +1.5 KiB +0 +0\n"));
}

TEST(JobTop, HasNoRateOfWhatBeganAnewOrIsNew) {
  for (const auto& before : {std::vector<client::JobInfo>{}, {Job(10, 100, 1)}}) {
    const std::string text = TopText(before, {Job(2, 50, 0.1)});
    EXPECT_THAT(text, testing::ContainsRegex("Source payments#1 +- +- +- +- +1.5s"));
  }
  EXPECT_THAT(boost::json::serialize(TopJson({}, {Job(2, 50, 0.1)})), HasSubstr("\"rows_in_per_second\":null"));
}

TEST(JobTop, SaysWhereTheInputHasEndedAndWhyAJobDoesNotRun) {
  client::JobInfo job = Job(2, 50, 0.1);
  job.operators[0].input_ended = true;
  job.state = "RESTARTING";
  job.error = "reading payments-0: no leader";
  const std::string text = TopText({}, {job});
  EXPECT_THAT(text, HasSubstr("ended"));
  EXPECT_THAT(text, HasSubstr("RESTARTING"));
  EXPECT_THAT(text, HasSubstr("\n  reading payments-0: no leader\n"));
  EXPECT_EQ(TopText({}, {}), "no jobs\n");
}

TEST(JobTop, SaysWhatALimitOfCpuDid) {
  client::JobInfo job = Job(2, 50, 0.1);
  job.cpu_seconds = 1.5;
  EXPECT_EQ(CpuText(job), "1.5s");
  job.cpu_limit = 0.5;
  job.cpu_limited_seconds = 12;
  EXPECT_EQ(CpuText(job), "1.5s, at most 0.5 cores: workers were held back for 12.0s");
}

TEST(JobTop, HasNoFiguresOfLatencyWithoutRecords) {
  EXPECT_THAT(LatencyText({}), HasSubstr("no record in the last two minutes"));
  EXPECT_EQ(LatencyText({.records = 5, .p50_seconds = 0.012, .p95_seconds = 0.04, .p99_seconds = 1.2}),
            "p50 12ms, p95 40ms, p99 1.2s");
}

}  // namespace
}  // namespace leat::tool
