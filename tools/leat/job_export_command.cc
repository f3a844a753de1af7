#include "tools/leat/job_export_command.h"

#include <boost/json/object.hpp>
#include <filesystem>

#include "base/status.h"
#include "leat/client/admin.h"
#include "tools/leat/flink_export.h"
#include "tools/leat/text_file.h"

namespace leat::tool {

namespace {

struct ExportOptions {
  std::string job;
  std::string engine = "flink";
  std::string kafka;
  bool go_on = false;
  std::string topic_suffix;
};

// The Kafka listeners of all brokers.
absl::StatusOr<std::string> KafkaAddresses(Context* context) {
  LEAT_ASSIGN_OR_RETURN(const client::ClusterInfo cluster, client::Admin(context->connection()).DescribeCluster());
  std::string all;
  for (const client::BrokerInfo& broker : cluster.brokers) {
    if (!broker.kafka.empty()) StrAppend(&all, all.empty() ? "" : ",", broker.kafka);
  }
  if (all.empty()) return FailedPrecondition("no broker has a Kafka listener; --kafka HOST:PORT names one");
  return all;
}

absl::Status Export(Context* context, const ExportOptions& options) {
  FlinkExportOptions flink{.job = options.job, .kafka = options.kafka, .topic_suffix = options.topic_suffix};
  if (options.go_on) flink.start = FlinkExportOptions::Start::kWhereItStopped;
  std::string sql;
  if (options.job.ends_with(".sql")) {
    LEAT_ASSIGN_OR_RETURN(sql, ReadText(options.job));
    flink.job = std::filesystem::path(options.job).stem().string();
  } else {
    LEAT_ASSIGN_OR_RETURN(client::JobInfo job, client::Admin(context->connection()).DescribeJob(options.job));
    sql = std::move(job.sql);
  }
  if (flink.kafka.empty()) {
    LEAT_ASSIGN_OR_RETURN(flink.kafka, KafkaAddresses(context));
  }
  const absl::StatusOr<std::string> script = ExportToFlink(sql, flink);
  if (!script.ok()) return Annotate(script.status(), options.job);
  if (context->json()) {
    PrintJson(boost::json::object{{"job", flink.job}, {"engine", options.engine}, {"script", *script}});
  } else {
    Print(StrCat(*script, script->ends_with('\n') ? "" : "\n"));
  }
  return absl::OkStatus();
}

}  // namespace

void AddJobExportCommand(CLI::App* group, Context* context) {
  CLI::App* command = AddCommand(
      group, {.name = "export",
              .description = "Print a job as a script for Flink's SQL client, with this cluster's addresses filled in",
              .examples = "  leat job export fraud --engine flink > fraud-flink.sql\n"
                          "  leat job export fraud --engine flink --topic-suffix=-flink\n"
                          "  leat job export fraud.sql --engine flink --kafka broker-1:9092"});
  auto options = std::make_shared<ExportOptions>();
  command->add_option("job", options->job, "a job of the cluster, or a file NAME.sql")->required();
  command->add_option("--engine", options->engine, "flink")
      ->required()
      ->check(CLI::IsMember({"flink"}))
      ->type_name("TEXT");
  command->add_option("--kafka", options->kafka, "HOST:PORT,.. of Kafka listeners; without it, those of the cluster");
  command->add_flag("--continue", options->go_on,
                    "its sources begin where the job has stopped, whatever their scan.startup.mode");
  command->add_option("--topic-suffix", options->topic_suffix,
                      "is added to the topics that the job writes and, without --continue, to its groups");
  command->callback([=] { context->command = [=] { return Export(context, *options); }; });
}

}  // namespace leat::tool
