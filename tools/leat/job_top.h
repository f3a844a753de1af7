// What `leat job top` shows: what the operators of jobs did between two looks at them. Pure.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "leat/client/admin.h"

namespace leat::tool {

// What `leat job describe` and `top` say in JSON of the operators, the latency and the last checkpoint.
boost::json::object ProgressJson(const client::JobInfo& job);
// "p50 12 ms, p95 40 ms, p99 1.2 s"; "no records in the last two minutes"
std::string LatencyText(const client::JobLatency& latency);
// "1m 2s, at most 0.5 cores: workers were held back for 12.0s"
std::string CpuText(const client::JobInfo& job);
// Totals of each operator since the job runs on its node.
std::string OperatorsText(const client::JobInfo& job);

// Rates by the time between the looks, which each job's node has measured itself. A job or operator that the look
// before did not show, or that began anew since, has none yet.
std::string TopText(const std::vector<client::JobInfo>& before, const std::vector<client::JobInfo>& now);
boost::json::array TopJson(const std::vector<client::JobInfo>& before, const std::vector<client::JobInfo>& now);

}  // namespace leat::tool
